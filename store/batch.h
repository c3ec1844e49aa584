// What one commit writes. Keys are gathered per family and sorted before they reach RocksDB, whose
// memtables take sorted keys much faster. A key is written at most once per batch. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "interner/interner.h"

namespace unirust::store {

// The column families. Names and meaning: docs/key-encoding.md. Derived families are functions of the records and the
// ontology; a change of ontology replaces them as a whole (store.h, Generation).
enum class Family : uint8_t {
  kMeta,
  kSymbols,
  kRecords,
  kAttributeValues,
  kSources,
  // derived
  kGroups,
  kNames,
  kBlocks,
  kTouches,
  kConflicts,
  kConflictOwners,
};
inline constexpr size_t kFamilies = 11;

const char* FamilyName(Family family);  // e.g. "attribute_values"
// DATA_LOSS naming the family and key of a row that does not decode.
absl::Status Damaged(Family family, std::string_view key);

constexpr bool IsDerived(Family family) { return family >= Family::kGroups; }

class Batch : public interner::NewSymbols {
 public:
  void Put(Family family, std::string key, std::string value);
  void Delete(Family family, std::string key);
  void Add(interner::SymbolId id, std::string_view text) override;

  bool empty() const;

 private:
  friend class Store;
  struct Op {
    std::string key;
    std::string value;
    bool remove = false;
  };
  std::vector<Op>& Of(Family family) { return ops_[static_cast<size_t>(family)]; }
  std::array<std::vector<Op>, kFamilies> ops_;
};

}  // namespace unirust::store
