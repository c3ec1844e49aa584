#include "workload/plan.h"

#include <algorithm>
#include <array>

#include "workload/draws.h"

namespace unirust::workload {
namespace {

// Records of each entity of a group: 35 % have one, 30 % two, 20 % three, 10 % four, 5 % five.
constexpr std::array<uint8_t, kEntitiesPerGroup> kSizes = {1, 2, 1, 3, 2, 1, 4, 1, 2, 3,
                                                           1, 2, 5, 1, 2, 3, 1, 4, 2, 3};

constexpr std::array<Place, kRecordsPerGroup> kPlaces = [] {
  std::array<Place, kRecordsPerGroup> places{};
  size_t record = 0;
  for (uint32_t entity = 0; entity < kEntitiesPerGroup; ++entity) {
    for (uint32_t ordinal = 0; ordinal < kSizes[entity]; ++ordinal) {
      places[record++] = {.entity = entity, .ordinal = ordinal};
    }
  }
  return places;
}();
static_assert(kPlaces.back().entity == kEntitiesPerGroup - 1, "kSizes add up");

// The groups of a cell take turns in an order that starts anywhere.
Event EventOfTurn(uint32_t turn) {
  if (turn < kContestedPerCell) return Event::kContested;
  if (turn < kContestedPerCell + kRetractedPerCell) return Event::kRetracted;
  const uint32_t special = kContestedPerCell + kRetractedPerCell + kRewrittenPerCell;
  return turn < special ? Event::kRewritten : Event::kNone;
}

EntityType TypeOfTurn(uint32_t turn) {
  if (turn < 20) return EntityType::kPerson;
  return turn < 23 ? EntityType::kFirm : EntityType::kDevice;
}

uint32_t FirstTurn(const Random& random, uint64_t purpose, uint64_t cell) {
  return static_cast<uint32_t>(Below(random(purpose, cell), kGroupsPerCell));
}

uint64_t WindowWrites(uint64_t records, uint64_t window) {
  if (window == 0) window = records;
  const uint64_t cells = (std::min(window, records) + kRecordsPerCell - 1) / kRecordsPerCell;
  return cells * kWritesPerCell;
}

}  // namespace

Place PlaceOf(uint32_t record) { return kPlaces[record]; }

Plan::Plan(uint64_t records, uint64_t window, Random random)
    : records_(records),
      random_(random),
      whole_cells_(records / kRecordsPerCell),
      last_extras_(LastExtras()),
      order_(whole_cells_ * kWritesPerCell + records % kRecordsPerCell + last_extras_.size(),
             WindowWrites(records, window), random) {}

std::vector<PlannedWrite> Plan::LastExtras() const {
  std::vector<PlannedWrite> extras;
  for (uint32_t extra = 0; extra < kWritesPerCell - kRecordsPerCell; ++extra) {
    const PlannedWrite write = Extra(whole_cells_, extra);
    if (write.record < records_) extras.push_back(write);
  }
  return extras;
}

Group Plan::GroupAt(uint64_t group) const {
  const uint64_t cell = group / kGroupsPerCell;
  const auto index = static_cast<uint32_t>(group % kGroupsPerCell);
  Group out;
  out.type = TypeOfTurn((index + FirstTurn(random_, draws::kTypeTurn, cell)) % kGroupsPerCell);
  out.event = EventOfTurn((index + FirstTurn(random_, draws::kEventTurn, cell)) % kGroupsPerCell);
  const uint64_t choice = random_(draws::kEventPlace, group);
  out.record = static_cast<uint32_t>(Below(choice, kRecordsPerGroup));
  out.owner = static_cast<uint32_t>(Below(choice, kEntitiesPerGroup - 1));
  const uint32_t later = kEntitiesPerGroup - 1 - out.owner;
  out.claimant = out.owner + 1 + static_cast<uint32_t>(Below(Mix(choice), later));
  return out;
}

PlannedWrite Plan::InOrder(uint64_t index) const {
  const uint64_t cell = index / kWritesPerCell;
  const auto rest = static_cast<uint32_t>(index % kWritesPerCell);
  const auto records =
      static_cast<uint32_t>(std::min<uint64_t>(records_ - cell * kRecordsPerCell, kRecordsPerCell));
  if (rest < records) return {.record = cell * kRecordsPerCell + rest, .kind = WriteKind::kRecord};
  return cell < whole_cells_ ? Extra(cell, rest - records) : last_extras_[rest - records];
}

// The writes of a cell besides one for each record: the retraction, then the earlier ones.
PlannedWrite Plan::Extra(uint64_t cell, uint32_t extra) const {
  const uint32_t turn = kContestedPerCell + extra;
  const uint32_t index =
      (turn + kGroupsPerCell - FirstTurn(random_, draws::kEventTurn, cell)) % kGroupsPerCell;
  const uint64_t group = cell * kGroupsPerCell + index;
  return {.record = group * kRecordsPerGroup + GroupAt(group).record,
          .kind = extra < kRetractedPerCell ? WriteKind::kRetraction : WriteKind::kEarlier};
}

}  // namespace unirust::workload
