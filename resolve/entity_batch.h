// Reads many entities at once, for listings that go through all of them: the rows of a batch are looked up in a few
// sorted sweeps, and nothing is kept once the batch is gone. (EntityReader is for single ones.) Not thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "resolve/entity_reader.h"
#include "store/rows.h"
#include "store/store.h"

namespace unirust::resolve {

class EntityBatch {
 public:
  explicit EntityBatch(const ReadContext& context) : context_(context) {}

  // The entity is this one record, or this block.
  void Add(RecordId id, store::RecordRow row);
  void Add(store::BlockName name, store::BlockRow row);

  // Reads the records of all entities that were added. DATA_LOSS where the rows do not fit together. Then entities()
  // are in the order in which they were added, complete but for the strongest key.
  absl::Status Load(Names& names);

  const std::vector<Entity>& entities() const { return entities_; }

 private:
  // A row that one of the entities is made of.
  struct Part {
    size_t entity = 0;
    store::BlockName name;
    uint32_t below = 0;  // a block's level is lower than that of the block it is a kid of
  };

  absl::Status ReadBlocks();
  absl::Status ReadRecords();
  absl::Status AddKids(const Part& part, const store::BlockRow& row);

  const ReadContext& context_;
  std::vector<Entity> entities_;
  std::deque<store::RecordRow> rows_;
  std::vector<Part> blocks_;   // still to be read
  std::vector<Part> records_;  // the same
};

// Goes through all entities in the order of the names of their blocks.
class EntityWalk {
 public:
  // `after`: the position() to go on behind, or empty.
  EntityWalk(const store::Reader& reader, std::string_view after);

  // Moves to the next entity and adds it to the batch; false at the end and on an error.
  bool Next(EntityBatch* batch);

  const std::string& position() const { return position_; }
  absl::Status status() const;

 private:
  // Whether the block of this key became part of a larger one.
  bool IsKid(std::string_view key);
  // The cursors' row; false if it is no entity: retracted, or a part that settling left.
  bool AddRecord(EntityBatch* batch);
  bool AddBlock(EntityBatch* batch);

  std::unique_ptr<store::Cursor> records_;
  std::unique_ptr<store::Cursor> blocks_;
  std::unique_ptr<store::Cursor> names_;
  std::string position_;
  absl::Status damage_;
};

}  // namespace unirust::resolve
