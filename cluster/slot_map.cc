#include "cluster/slot_map.h"

#include <map>
#include <string>
#include <utility>

namespace unirust::cluster {

absl::StatusOr<SlotMap> Balanced(const SlotMap& now, size_t parts,
                                 const std::vector<uint32_t>& drained) {
  std::vector<bool> takes(parts, true);
  for (const uint32_t part : drained) {
    if (part >= parts) {
      return absl::InvalidArgumentError("drain: there is no part " + std::to_string(part) +
                                        ": the last one is " + std::to_string(parts - 1));
    }
    takes[part] = false;
  }
  std::vector<size_t> taking;
  for (size_t part = 0; part < parts; ++part) {
    if (takes[part]) taking.push_back(part);
  }
  if (taking.empty()) return absl::InvalidArgumentError("drain: no part is left for the slots");
  // Those that have most keep the slots that cannot be divided.
  std::stable_sort(taking.begin(), taking.end(),
                   [&](size_t a, size_t b) { return now.SlotsOf(a) > now.SlotsOf(b); });
  std::vector<size_t> room(parts, 0);
  for (size_t i = 0; i < taking.size(); ++i) {
    room[taking[i]] = (limits::kSlots + taking.size() - 1 - i) / taking.size();
  }
  SlotMap out = now;
  std::vector<uint16_t> homeless;
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
    const size_t part = now.PartOf(slot);
    if (part < parts && room[part] > 0) {
      --room[part];
    } else {
      homeless.push_back(slot);
    }
  }
  std::sort(taking.begin(), taking.end());
  auto next = taking.begin();
  for (const uint16_t slot : homeless) {
    while (room[*next] == 0) ++next;
    --room[*next];
    out.Assign(slot, *next);
  }
  return out;
}

std::vector<PlannedMove> MovesBetween(const SlotMap& now, const SlotMap& target) {
  std::map<std::pair<size_t, size_t>, size_t> slots;
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
    if (now.PartOf(slot) != target.PartOf(slot)) ++slots[{now.PartOf(slot), target.PartOf(slot)}];
  }
  std::vector<PlannedMove> out;
  for (const auto& [parts, count] : slots) out.push_back({parts.first, parts.second, count});
  return out;
}

}  // namespace unirust::cluster
