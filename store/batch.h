// What one commit writes. Rows are gathered per family in one buffer and sorted by key before they
// reach RocksDB, whose memtables take sorted keys much faster. A key is written at most once per
// batch. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
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
  kOutbox,
  // derived
  kGroups,
  kNames,
  kBlocks,
  kTouches,
  kConflicts,
  kConflictOwners,
  kExpiries,
  kHeldValues,
  kStretches,
  kPieces,
  kRuns,
  kKids,
  kDisputes,
};
inline constexpr size_t kFamilies = 19;

const char* FamilyName(Family family);  // e.g. "attribute_values"
std::optional<Family> FamilyNamed(std::string_view name);
// DATA_LOSS naming the family and key of a row that does not decode.
absl::Status Damaged(Family family, std::string_view key);

constexpr bool IsDerived(Family family) { return family >= Family::kGroups; }

class Batch : public interner::NewSymbols {
 public:
  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  void Add(interner::SymbolId id, std::string_view text) override;

  bool empty() const;

  // Every row, family by family, in the order of the keys; views are valid during the call.
  using RowVisitor = absl::FunctionRef<void(Family, std::string_view key, std::string_view value,
                                            bool remove)>;
  void VisitSorted(RowVisitor visit);

  // As bytes, to be sent and kept (docs/key-encoding.md, outbox).
  std::string Encode();
  static std::optional<Batch> Decode(std::string_view bytes);

 private:
  // One row to write; where its key and value are in the family's buffer, the value behind the key.
  struct Write {
    uint64_t order = 0;  // the first 8 bytes of the key, so that most comparisons touch nothing else
    size_t offset = 0;
    uint32_t key_bytes = 0;
    uint32_t value_bytes = 0;
    bool remove = false;
  };
  struct FamilyWrites {
    std::string buffer;
    std::vector<Write> writes;

    void Add(std::string_view key, std::string_view value, bool remove);
    void Sort();
    std::string_view Key(const Write& write) const;
    std::string_view Value(const Write& write) const;
  };
  FamilyWrites& Of(Family family) { return families_[static_cast<size_t>(family)]; }
  std::array<FamilyWrites, kFamilies> families_;
};

}  // namespace unirust::store
