// Many entities with the rows of their records, for listings that go through all of them (EntityReader is for single
// ones). Not thread-safe.
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
#include "base/limits.h"
#include "resolve/entity_reader.h"
#include "store/rows.h"
#include "store/store.h"

namespace unirust::resolve {

// The rows of some entities, as they are stored.
class EntityBatch {
 public:
  // A record of an entity, still to be read.
  struct Sought {
    uint32_t entity = 0;  // in the order in which they were added
    RecordId id;
  };
  // One whose row is there.
  struct Member {
    uint32_t entity = 0;
    RecordId id;
    uint32_t size = 0;
    size_t offset = 0;
  };

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

  // The same step by step, for whoever reads the rows otherwise. First the blocks; then sought() and members() are all
  // records of the entities.
  absl::Status ReadBlocks();
  const std::vector<Sought>& sought() const { return sought_; }
  const std::vector<Member>& members() const { return members_; }
  std::string_view Row(const Member& member) const {
    return std::string_view(bytes_).substr(member.offset, member.size);
  }
  // An entity whose rows are added one by one, in any order; then Complete.
  void AddEntity(store::BlockName name) { entities_.push_back({.name = name}); }
  void AddRow(uint32_t entity, RecordId id, std::string_view row);
  absl::Status Complete();

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
  // A block of an entity, still to be read.
  struct Part {
    uint32_t entity = 0;
    store::BlockName name;
    uint32_t below = 0;  // its level is lower than that of the block it is a kid of
  };

  absl::Status ReadNextBlocks();
  absl::StatusOr<bool> ReadRecords();  // false: they do not fit
  // Reads the rows of sought_[i] on while they lie side by side, and returns where that ended.
  absl::StatusOr<size_t> ReadNeighbours();
  absl::Status AddKids(const Part& part, const store::BlockRow& row);
  void AddKid(const Part& part, uint16_t level, store::BlockName kid);
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

// The slot of a name is its first bits (store/keys.h).
inline constexpr uint32_t kBitsInSlot = 54;
inline uint32_t SlotOf(store::BlockName name) {
  return static_cast<uint32_t>(name.value() >> kBitsInSlot);
}

// Slots from `first` to the one before `end`.
struct SlotRange {
  uint32_t first = 0;
  uint32_t end = limits::kSlots;
};

// Goes through the entities whose blocks' names are in a range, in the order of these.
class EntityWalk {
 public:
  // `after`: the position() to go on behind, in the range, or empty.
  EntityWalk(const store::Reader& reader, std::string_view after, SlotRange slots = {});

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
