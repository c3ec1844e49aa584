// What a disk may hold after a power failure, by what POSIX promises and nothing else: the bytes of
// a file since its last sync, and the names of a directory since its last sync, may be there or
// not. Made from a trace (calls.h), so that one run of a program gives the states after a failure
// at every call.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/calls.h"

namespace unirust::faults {

// Files and directories (without bytes) by their paths below a directory.
using Tree = std::map<std::string, std::optional<std::string>>;
Tree ReadTree(const std::string& dir);
void WriteTree(const Tree& tree, const std::string& dir);  // over what is there
uint64_t HashOf(const Tree& tree);

class Disk {
 public:
  // What is not synced is
  enum class Loss {
    kNone,  // there: the process was killed
    kAll,   // lost
    // there in part. Of the changes of a directory, some first ones. Of a file all, none, or some
    // first ones, the last of which is cut; or any sectors of 512 bytes of any of them, and one
    // sector is noise.
    kSome,
  };

  // Of `dir`, which holds `tree`, all of it on disk.
  Disk(std::string dir, const Tree& tree);

  // Calls that failed changed nothing, but a sync: what it was to write is never written, however
  // often it is tried again.
  void Apply(const Event& event);
  Tree After(Loss loss, std::mt19937_64& random) const;

 private:
  struct Change {  // of a file: bytes at an offset, or its size
    bool is_size = false;
    uint64_t at = 0;
    std::string bytes;
  };
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  // A name is given to a node; or to none, and another one to a node, by a rename.
  struct Naming {
    std::string name;
    NodePtr node;
    std::string moved_to;
  };
  using Names = std::map<std::string, NodePtr>;
  struct Node {
    bool is_directory = false;
    std::string bytes;            // on disk
    std::vector<Change> changes;  // since
    size_t lost = 0;              // of these, the first: a sync of them failed
    Names names;                  // on disk
    std::vector<Naming> namings;  // since
  };

  std::string Relative(const std::string& path) const;
  static void Apply(const Naming& naming, Names* names);
  static void Apply(const Change& change, std::string* bytes);
  static Names NamesNow(const Node& directory);
  NodePtr Find(std::string_view path) const;  // null if there is none
  void Name(const std::string& path, NodePtr node, const std::string& moved_to = "");
  void Open(const Event& event);
  static void Sync(Node* node, bool failed);
  static std::string BytesAfter(const Node& file, Loss loss, std::mt19937_64& random);
  static void Gather(const Node& directory, const std::string& prefix, Loss loss,
                     std::mt19937_64& random, Tree* tree);

  const std::string dir_;
  const NodePtr root_ = std::make_shared<Node>();
  std::map<uint32_t, NodePtr> opened_;
};

}  // namespace unirust::faults
