// Reads all entities one after the other, for listings that go through all of them. The records of many entities are
// read in one sweep over the store, in its own order: where entities are says nothing about where their records are, so
// the more are sought at once, the more of them lie side by side. (EntityReader is for single ones.) Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/thread.h"
#include "resolve/entity_reader.h"
#include "store/rows.h"
#include "store/store.h"

namespace unirust::resolve {

// The rows of some entities, as they are stored.
class EntityBatch {
 public:
  explicit EntityBatch(const ReadContext& context)
      : context_(context), bytes_max_(context.sweep_bytes / 2) {}

  // Forgets all entities. Their memory is for those that come.
  void Clear();
  // Takes the memory for as much as may be loaded at once: growing by and by would take it twice.
  void Reserve();

  // The entity is this one record, by its row, or this block.
  void Add(RecordId id, std::string_view row);
  void Add(store::BlockName name, const store::BlockRow& row);

  // Reads the rows of all entities that were added. False if they take more than bytes_max(), which is half of the
  // context's `sweep_bytes`: the batch is of no use then. One entity alone is never too large. DATA_LOSS where the rows
  // do not fit together.
  absl::StatusOr<bool> Load();

  size_t size() const { return entities_.size(); }
  uint64_t records() const { return records_; }  // of the entities that were added
  size_t bytes() const;  // of memory, about
  size_t bytes_max() const { return bytes_max_; }
  store::BlockName Name(size_t i) const { return entities_[i].name; }

  // The entity, in the order in which they were added, without its `ref`. Valid until the next call.
  absl::StatusOr<const Entity*> Get(size_t i, Names& names);

 private:
  struct Place {
    store::BlockName name;
    size_t first_member = 0;
  };
  // A record of an entity; its row is bytes_.substr(offset, size).
  struct Member {
    uint32_t entity = 0;
    RecordId id;
    uint32_t size = 0;
    size_t offset = 0;
  };
  struct Sought {
    uint32_t entity = 0;
    RecordId id;
  };
  // A block of an entity, still to be read.
  struct Part {
    uint32_t entity = 0;
    store::BlockName name;
    uint32_t below = 0;  // its level is lower than that of the block it is a kid of
  };

  absl::Status ReadBlocks();
  absl::Status ReadRecords();
  // Reads the rows of sought_[i] on while they lie side by side, and returns where that ended.
  absl::StatusOr<size_t> ReadNeighbours();
  absl::Status AddKids(const Part& part, const store::BlockRow& row);
  void AddKid(const Part& part, uint16_t level, store::BlockName kid);
  void AddMember(const Sought& sought, std::string_view row);
  bool Fits() const;

  const ReadContext& context_;
  const size_t bytes_max_;
  std::vector<Place> entities_;
  std::vector<Member> members_;
  std::string bytes_;
  std::vector<Part> blocks_;    // still to be read
  std::vector<Sought> sought_;  // the same
  uint64_t records_ = 0;
  Entity entity_;               // of Get
  std::deque<store::RecordRow> rows_;
  struct Ordered {
    std::string_view perspective;
    const store::RecordRow* row = nullptr;
    RecordId id;
  };
  std::vector<Ordered> order_;
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

// All entities, with their records, in that order. While those of one batch are used, a thread of its own reads the
// next one; not yet for the first few, which come soon.
class EntitySweep {
 public:
  // `after`: the position() to go on behind, or empty. Stands on the first entity.
  EntitySweep(const ReadContext& context, std::string_view after);
  EntitySweep(const EntitySweep&) = delete;
  EntitySweep& operator=(const EntitySweep&) = delete;

  // False at the end and on an error.
  bool Valid() const { return entity_ != nullptr; }
  void Next();

  // Without its `ref`; until Next.
  const Entity& entity() const { return *entity_; }
  std::string position() const { return store::NameKey{entity_->name}.Encode(); }
  Names& names() { return *names_; }  // until Next
  const absl::Status& status() const { return status_; }

 private:
  // Goes to the next batch.
  absl::Status Turn();
  // Reads the next entities, as many as there is memory for, into next_; none at the end.
  absl::Status Read();

  const ReadContext& context_;
  std::unique_ptr<EntityBatch> batch_;
  std::optional<Names> names_;  // as old as what the batch holds
  size_t index_ = 0;            // in it
  const Entity* entity_ = nullptr;
  absl::Status status_;

  // --- of reading
  std::unique_ptr<EntityBatch> next_;
  std::optional<EntityWalk> walk_;
  std::string walked_;        // its position
  uint64_t records_at_once_;  // grows as memory allows: the first ones are to come soon
  absl::Status read_;
  bool ahead_ = false;  // reader_ reads next_, and what is above is its own until it is joined
  Thread reader_;
};

}  // namespace unirust::resolve
