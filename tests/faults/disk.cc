#include "tests/faults/disk.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/hash.h"

namespace unirust::faults {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSectorBytes = 512;

}  // namespace

Tree ReadTree(const std::string& dir) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    std::optional<std::string>& bytes = tree[entry.path().lexically_relative(dir)];
    if (entry.is_directory()) continue;
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    bytes = text.str();
  }
  return tree;
}

void WriteTree(const Tree& tree, const std::string& dir) {
  fs::remove_all(dir);
  fs::create_directory(dir);
  for (const auto& [path, bytes] : tree) {  // a directory comes before what is in it
    if (bytes) {
      std::ofstream(dir + "/" + path, std::ios::binary) << *bytes;
    } else {
      fs::create_directory(dir + "/" + path);
    }
  }
}

uint64_t HashOf(const Tree& tree) {
  Hash64Stream hash;
  for (const auto& [path, bytes] : tree) {
    hash.Add(path + (bytes ? " file " + std::to_string(bytes->size()) : " directory") + "\n");
    if (bytes) hash.Add(*bytes);
  }
  return hash.Value();
}

Disk::Disk(std::string dir, const Tree& tree) : dir_(std::move(dir)) {
  root_->is_directory = true;
  for (const auto& [path, bytes] : tree) {
    auto node = std::make_shared<Node>();
    node->is_directory = !bytes;
    node->bytes = bytes.value_or("");
    const fs::path parent = fs::path(path).parent_path();
    Find(parent.string())->names[fs::path(path).filename()] = std::move(node);
  }
}

std::string Disk::Relative(const std::string& path) const {
  std::string out = path.substr(std::min(path.size(), dir_.size() + 1));
  while (out.ends_with('/')) out.pop_back();
  return out;
}

void Disk::Apply(const Naming& naming, Names* names) {
  if (naming.node == nullptr || !naming.moved_to.empty()) names->erase(naming.name);
  if (naming.node == nullptr) return;
  (*names)[naming.moved_to.empty() ? naming.name : naming.moved_to] = naming.node;
}

void Disk::Apply(const Change& change, std::string* bytes) {
  if (change.is_size) {
    bytes->resize(change.at, '\0');
    return;
  }
  if (change.bytes.empty()) return;
  bytes->resize(std::max(bytes->size(), change.at + change.bytes.size()), '\0');
  bytes->replace(change.at, change.bytes.size(), change.bytes);
}

Disk::Names Disk::NamesNow(const Node& directory) {
  Names names = directory.names;
  for (const Naming& naming : directory.namings) Apply(naming, &names);
  return names;
}

Disk::NodePtr Disk::Find(std::string_view path) const {
  NodePtr node = root_;
  for (const fs::path& part : fs::path(path)) {
    if (node == nullptr || !node->is_directory) return nullptr;
    const Names names = NamesNow(*node);
    const auto it = names.find(part);
    node = it == names.end() ? nullptr : it->second;
  }
  return node;
}

void Disk::Name(const std::string& path, NodePtr node, const std::string& moved_to) {
  const fs::path relative(path);
  const NodePtr parent = Find(relative.parent_path().string());
  if (parent == nullptr) std::abort();  // the trace is not of this directory
  parent->namings.push_back({relative.filename(), std::move(node), moved_to});
}

void Disk::Open(const Event& event) {
  const std::string path = Relative(event.path);
  NodePtr node = Find(path);
  if (node == nullptr) {
    node = std::make_shared<Node>();
    Name(path, node);
  } else if ((event.at & O_TRUNC) != 0) {
    node->changes.push_back({.is_size = true, .at = 0, .bytes = ""});
  }
  opened_[event.file] = std::move(node);
}

void Disk::Sync(Node* node, bool failed) {
  if (failed) {
    node->lost = node->changes.size();
    return;
  }
  for (size_t i = node->lost; i < node->changes.size(); ++i) Apply(node->changes[i], &node->bytes);
  node->changes.resize(node->lost);
  for (const Naming& naming : node->namings) Apply(naming, &node->names);
  node->namings.clear();
}

void Disk::Apply(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kOpen:
      return Open(event);
    case Event::Kind::kWrite:
      opened_[event.file]->changes.push_back(
          {.is_size = false, .at = event.at, .bytes = event.data});
      return;
    case Event::Kind::kTruncate:
      opened_[event.file]->changes.push_back({.is_size = true, .at = event.at, .bytes = ""});
      return;
    case Event::Kind::kSync:
      return Sync(opened_[event.file].get(), event.failed);
    case Event::Kind::kDelete:
      return Name(Relative(event.path), nullptr);
    case Event::Kind::kLink:
      return Name(Relative(event.data), Find(Relative(event.path)));
    case Event::Kind::kMakeDirectory: {
      auto node = std::make_shared<Node>();
      node->is_directory = true;
      return Name(Relative(event.path), std::move(node));
    }
    case Event::Kind::kRename: {
      const std::string from = Relative(event.path);
      const std::string to = Relative(event.data);
      const NodePtr node = Find(from);
      if (fs::path(from).parent_path() == fs::path(to).parent_path()) {
        return Name(from, node, fs::path(to).filename());
      }
      Name(to, node);
      return Name(from, nullptr);
    }
    case Event::Kind::kFault:
    case Event::Kind::kNote:
      return;
  }
}

std::string Disk::BytesAfter(const Node& file, Loss loss, std::mt19937_64& random) {
  std::string bytes = file.bytes;
  const std::vector<Change>& changes = file.changes;
  if (loss == Loss::kNone) {
    for (const Change& change : changes) Apply(change, &bytes);
    return bytes;
  }
  const size_t count = changes.size() - file.lost;
  const uint64_t way = random() % 4;
  if (loss == Loss::kAll || count == 0 || way == 0) return bytes;
  const auto first = changes.begin() + static_cast<std::ptrdiff_t>(file.lost);
  if (way < 3) {
    const size_t whole = way == 1 ? count : random() % count;
    for (size_t i = 0; i < whole; ++i) Apply(first[static_cast<std::ptrdiff_t>(i)], &bytes);
    if (whole == count) return bytes;
    Change cut = first[static_cast<std::ptrdiff_t>(whole)];
    if (cut.is_size) return bytes;
    cut.bytes.resize(random() % (cut.bytes.size() + 1));
    Apply(cut, &bytes);
    return bytes;
  }
  bool has_noise = false;
  for (auto change = first; change != changes.end(); ++change) {
    if (change->is_size) {
      if (random() % 2 == 0) Apply(*change, &bytes);
      continue;
    }
    for (size_t at = change->at, end = at + change->bytes.size(), next = 0; at < end; at = next) {
      next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
      if (random() % 2 == 0) continue;
      Change sector{
          .is_size = false, .at = at, .bytes = change->bytes.substr(at - change->at, next - at)};
      if (!has_noise && random() % 4 == 0) {
        for (char& byte : sector.bytes) byte = static_cast<char>(random());
        has_noise = true;
      }
      Apply(sector, &bytes);
    }
  }
  return bytes;
}

void Disk::Gather(const Node& directory, const std::string& prefix, Loss loss,
                  std::mt19937_64& random, Tree* tree) {
  Names names = directory.names;
  size_t count = directory.namings.size();
  if (loss == Loss::kAll) count = 0;
  if (loss == Loss::kSome) count = random() % (count + 1);
  for (size_t i = 0; i < count; ++i) Apply(directory.namings[i], &names);
  for (const auto& [name, node] : names) {
    if (node->is_directory) {
      (*tree)[prefix + name] = std::nullopt;
      Gather(*node, prefix + name + "/", loss, random, tree);
    } else {
      (*tree)[prefix + name] = BytesAfter(*node, loss, random);
    }
  }
}

Tree Disk::After(Loss loss, std::mt19937_64& random) const {
  Tree tree;
  Gather(*root_, "", loss, random, &tree);
  return tree;
}

}  // namespace unirust::faults
