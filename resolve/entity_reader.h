// Reads records and whole entities from one state of the store. Caches what it reads, so make one per page or request.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "model/answers.h"
#include "resolve/names.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

// Index entries of which the records and entities are read together: so many at first, twice as many each time.
inline constexpr size_t kReadAtOnce = 8;
inline constexpr size_t kReadAtOnceMax = 64;

// What reading needs: one state, its ontology, and the symbols. All must outlive the readers made from it.
struct ReadContext {
  store::Reader reader;
  const Rules* rules = nullptr;
  interner::Interner* interner = nullptr;
  uint64_t sweep_bytes = limits::kSweepBytes;  // for rows that are read together (entity_batch.h)
};

struct Entity {
  BlockName name;
  EntityRef ref;
  std::vector<RecordId> ids;                // canonical order
  std::vector<const RecordRow*> records;  // the same; valid while the EntityReader is
};

class EntityReader {
 public:
  explicit EntityReader(const ReadContext& context)
      : rows_(context.reader, *context.rules), names_(*context.interner) {}

  // The stored record (live or retracted) of an identity; nothing if it was never written.
  absl::StatusOr<std::optional<RecordId>> Find(const Identity& identity);

  // The block that is the record's entity; the record is live.
  BlockName EntityOf(RecordId record);

  absl::StatusOr<Entity> Load(BlockName entity);

  // Read in sweeps what EntityOf will ask for, Load, and NameOfEntity: cheaper than each when it is asked for. Entities
  // of very many records are left to Load.
  void PreloadEntitiesOf(std::span<const RecordId> records);
  void PreloadRecordsOf(std::span<const BlockName> entities);
  void PreloadNamesOf(std::span<const BlockName> entities);

  // Without loading all records.
  absl::StatusOr<std::string> NameOfEntity(BlockName entity);

  absl::StatusOr<RecordView> View(RecordId record);
  absl::StatusOr<EntityView> View(const Entity& entity);

  WorkingSet& rows() { return rows_; }
  Names& names() { return names_; }
  absl::Status status() const { return rows_.status().ok() ? names_.status() : rows_.status(); }

 private:
  std::string StrongestKey(const std::vector<const RecordRow*>& records);

  WorkingSet rows_;
  Names names_;
};

// The model's form of a stored record.
Record ToRecord(const RecordRow& row, Names& names);

}  // namespace unirust::resolve
