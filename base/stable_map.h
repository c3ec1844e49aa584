// A hash map whose values never move, visited in the order of their insertion, so that nothing can
// come to depend on hashing. Values are allocated many at a time; nothing is erased.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace unirust {

// Thread-compatible.
template <typename Key, typename Value>
class StableMap {
 public:
  struct Entry {
    explicit Entry(Key k) : key(std::move(k)) {}
    const Key key;
    Value value;
  };

  // The entry of the key, made now if there is none, and whether it was. References stay valid.
  std::pair<Entry&, bool> TryEmplace(const Key& key) {
    if constexpr (std::is_same_v<Key, std::string>) {
      const auto found = index_.find(Index(key));
      if (found != index_.end()) return {*found->second, false};
      Entry& entry = entries_.emplace_back(key);
      index_.emplace(Index(entry.key), &entry);
      return {entry, true};
    } else {
      const auto [place, inserted] = index_.try_emplace(key, nullptr);
      if (inserted) place->second = &entries_.emplace_back(key);
      return {*place->second, inserted};
    }
  }

  // Null if there is none.
  const Value* Find(const Key& key) const {
    const auto found = index_.find(Index(key));
    return found == index_.end() ? nullptr : &found->second->value;
  }

  size_t size() const { return entries_.size(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  // The index looks at the entry's own string instead of a copy.
  using IndexKey = std::conditional_t<std::is_same_v<Key, std::string>, absl::string_view, Key>;
  static IndexKey Index(const Key& key) { return key; }

  absl::flat_hash_map<IndexKey, Entry*> index_;
  std::deque<Entry> entries_;
};

}  // namespace unirust
