// Which entities and records a workload has, which of them are special, and in which order they are
// written: arithmetic on numbers, without a table.
//
// Records are numbered from 0. 44 consecutive ones are the records of a group: 20 entities of one
// type, of 1 to 5 records each. 25 groups are a cell: in 11 of them one entity claims the handle of
// another (a contested record), in one a record is retracted, in 11 one is written twice. Nothing
// reaches from one group into another. The last cell may be cut short anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "workload/order.h"
#include "workload/profile.h"
#include "workload/random.h"

namespace unirust::workload {

inline constexpr uint32_t kEntitiesPerGroup = 20;
inline constexpr uint32_t kRecordsPerGroup = 44;
inline constexpr uint32_t kGroupsPerCell = 25;
inline constexpr uint32_t kRecordsPerCell = kGroupsPerCell * kRecordsPerGroup;
inline constexpr uint32_t kContestedPerCell = 11;
inline constexpr uint32_t kRetractedPerCell = 1;
inline constexpr uint32_t kRewrittenPerCell = 11;
inline constexpr uint32_t kWritesPerCell = kRecordsPerCell + kRetractedPerCell + kRewrittenPerCell;

enum class Event : uint8_t { kNone, kContested, kRetracted, kRewritten };

// Entities and records are counted from the group's first.
struct Group {
  EntityType type = EntityType::kPerson;
  Event event = Event::kNone;
  uint32_t owner = 0;     // contested: the entity whose handle is claimed, before `claimant`
  uint32_t claimant = 0;  // contested: the entity whose first record claims it
  uint32_t record = 0;    // retracted, rewritten: the record
};

// Where a record is in its group.
struct Place {
  uint32_t entity = 0;
  uint32_t ordinal = 0;  // 0: the entity's first record
};
Place PlaceOf(uint32_t record);

enum class WriteKind : uint8_t {
  kRecord,      // what stands, unless the record is retracted
  kEarlier,     // what the source said before: version 1 where kRecord has 2
  kRetraction,  // version 2 where kRecord has 1
};

struct PlannedWrite {
  uint64_t record = 0;
  WriteKind kind = WriteKind::kRecord;
};

// Thread-safe: nothing changes after construction.
class Plan {
 public:
  // `records`: at least 1, at most limits::kWorkloadRecordsMax. `window`: the writes of so many
  // consecutive records, rounded up to whole cells, come in random order before any later one; 0:
  // those of all records.
  Plan(uint64_t records, uint64_t window, Random random);

  uint64_t records() const { return records_; }
  uint64_t writes() const { return order_.count(); }

  Group GroupAt(uint64_t group) const;

  // The write at this position of the order of arrival, below writes().
  PlannedWrite At(uint64_t position) const { return InOrder(order_.At(position)); }

 private:
  std::vector<PlannedWrite> LastExtras() const;
  PlannedWrite Extra(uint64_t cell, uint32_t extra) const;
  PlannedWrite InOrder(uint64_t index) const;

  uint64_t records_;
  Random random_;
  uint64_t whole_cells_;
  std::vector<PlannedWrite> last_extras_;  // of the cell that is cut short
  Order order_;                            // of the writes
};

}  // namespace unirust::workload
