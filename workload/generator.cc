#include "workload/generator.h"

#include <algorithm>
#include <array>

namespace unirust::workload {

Truth& Truth::operator+=(const Truth& other) {
  records += other.records;
  entities += other.entities;
  direct += other.direct;
  indirect += other.indirect;
  retracted += other.retracted;
  rewritten += other.rewritten;
  admins += other.admins;
  return *this;
}

void Generator::Make(uint64_t position, Write* write) const {
  const auto [record, kind] = population_.plan().At(position);
  population_.Make(population_.SubjectOf(record), kind, write);
}

Truth Generator::CountTruth() const {
  Truth truth;
  const uint64_t groups = (population_.plan().records() + kRecordsPerGroup - 1) / kRecordsPerGroup;
  for (uint64_t group = 0; group < groups; ++group) truth += CountGroup(group);
  return truth;
}

// Every live record of an entity is reached from every other (docs/scale.md), and none of another
// entity is: so entities are counted. Of a change, all informed records tell one and the same, and
// so do all stale ones: both together are one conflict.
Truth Generator::CountGroup(uint64_t group) const {
  struct Known {
    uint64_t live = 0;      // records
    uint32_t informed = 0;  // attributes, as bits, that some live record tells and is informed of
    uint32_t stale = 0;
  };
  const auto bit = [](Attribute attribute) { return 1U << static_cast<uint32_t>(attribute); };
  const World& world = population_.world();
  Truth truth;
  std::array<Known, kEntitiesPerGroup> known{};
  const uint64_t end = std::min(population_.plan().records(), (group + 1) * kRecordsPerGroup);
  for (uint64_t record = group * kRecordsPerGroup; record < end; ++record) {
    const Subject subject = population_.SubjectOf(record);
    truth.indirect += subject.event == Event::kContested ? 1 : 0;
    truth.rewritten += subject.event == Event::kRewritten ? 1 : 0;
    if (subject.event == Event::kRetracted) {
      ++truth.retracted;
      continue;
    }
    ++truth.records;
    Known& entity = known[subject.entity % kEntitiesPerGroup];
    truth.entities += entity.live++ == 0 ? 1 : 0;
    const bool stale = world.IsStale(record);
    for (const Attribute attribute : subject.perspective->attributes) {
      (stale ? entity.stale : entity.informed) |= bit(attribute);
      if (attribute != Attribute::kRole) continue;
      const bool changes = !stale && world.Changes(subject.entity, attribute);
      truth.admins +=
          world.IsAdmin(subject.entity, false) || (changes && world.IsAdmin(subject.entity, true))
              ? 1
              : 0;
    }
  }
  for (uint64_t i = 0; i < known.size(); ++i) {
    for (const Attribute attribute : ChangingAttributes()) {
      const bool both = (known[i].stale & known[i].informed & bit(attribute)) != 0;
      if (both && world.Changes(group * kEntitiesPerGroup + i, attribute)) ++truth.direct;
    }
  }
  return truth;
}

}  // namespace unirust::workload
