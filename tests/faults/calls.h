// The calls by which this process changes and reads files, watched and made to fail.
//
// A program's own definitions of open, write, fsync and so on take precedence over libc's, in
// shared libraries too. So whatever RocksDB, the commit mark, the standard library and anything
// written later do below a directory passes through here: there is no other way to the disk, and
// the store needs no seam for tests.
//
//   Watch(dir, trace);                                                  // in a child: tests fork,
//   and look at the trace Arm({.call = Call::kSync, .nth = 3});                               //
//   the third sync of a file fails
//   ... Note(n): commit n was acknowledged ...
//   for (const Event& event : ReadTrace(trace)) ...                     // in the parent
//
// Calls below the directory are made one at a time, so that the trace has them in the order in
// which they happened.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace unirust::faults {

enum class Call : uint8_t {
  kOpenToRead,
  kOpenToWrite,
  kList,
  kRead,
  kWrite,
  kSync,  // of a file
  kSyncDirectory,
  kRename,
  kDelete,  // also of directories
  kTruncate,
  kLink,
  kMakeDirectory,
};
inline constexpr size_t kCalls = 12;
const char* CallName(Call call);

// Which calls fail, and how.
struct Fault {
  Call call = Call::kWrite;
  uint64_t nth = 1;      // of its kind since Arm
  bool lasting = false;  // and all later ones of its kind
  uint32_t one_in = 0;   // not 0: instead of that, each by chance
  int error =
      EIO;  // of a write that fails the first half is written; 0: a bit of what is read is flipped
  uint64_t seed = 0;      // of chance and of bits
  std::string only = {};  // calls on paths that contain this
};

// What changed below the directory, or was attempted.
struct Event {
  enum class Kind : uint8_t {
    kOpen,
    kWrite,
    kSync,
    kTruncate,
    kRename,
    kDelete,
    kLink,
    kMakeDirectory,
    kFault,
    kNote
  };
  Kind kind = Kind::kNote;
  bool failed = false;
  uint32_t file = 0;  // kOpen: a number of its own; kWrite, kSync, kTruncate: that of the opening
  uint64_t at = 0;    // kWrite: the offset; kTruncate: the size; kOpen: O_CREAT, O_EXCL, O_TRUNC;
                      // kNote: its number
  std::string path = {};
  std::string data =
      {};  // kWrite: the bytes; kRename, kLink: the new path; kFault: the name of the call
};

// From now on, once in a process. `dir` is absolute, without links. Events are appended to the file
// `trace`, which lies elsewhere; if it is empty, nowhere.
void Watch(const std::string& dir, const std::string& trace);
void Arm(const Fault& fault);
void Note(uint64_t number);
uint64_t Made(Call call);   // calls of the kind since the last Arm, or Watch
uint64_t FaultsInjected();  // since Watch

// Calls of the kind on paths that contain `only` wait from now on.
void Hold(Call call, const std::string& only);
void AwaitHeld();  // until one waits
void Release();

std::vector<Event> ReadTrace(const std::string& trace);

}  // namespace unirust::faults
