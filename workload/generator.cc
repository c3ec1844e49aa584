#include "workload/generator.h"

#include <algorithm>
#include <array>

namespace unirust::workload {
namespace {

// Fills a list of descriptors whose strings keep their buffers from write to write.
class DescriptorList {
 public:
  explicit DescriptorList(std::vector<Descriptor>* list) : list_(list) {}

  // The next descriptor, with an empty value.
  Descriptor& Add(Attribute attribute, Interval interval) {
    if (used_ == list_->size()) list_->emplace_back();
    Descriptor& descriptor = (*list_)[used_++];
    descriptor.attribute = NameOf(attribute);
    descriptor.value.clear();
    descriptor.interval = interval;
    return descriptor;
  }

  void Finish() { list_->resize(used_); }

 private:
  std::vector<Descriptor>* list_;
  size_t used_ = 0;
};

}  // namespace

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

Generator::Generator(const Options& options)
    : plan_(options.records, options.window, Random(options.seed)), world_(Random(options.seed)) {}

struct Generator::Subject {
  uint64_t record = 0;
  EntityType type = EntityType::kPerson;
  Event event = Event::kNone;  // of this record
  uint64_t entity = 0;
  uint64_t claimed = 0;  // the entity whose handle it tells: `entity`, unless it is contested
  const Source* source = nullptr;
};

Generator::Subject Generator::SubjectOf(uint64_t record) const {
  const uint64_t group_number = record / kRecordsPerGroup;
  const auto in_group = static_cast<uint32_t>(record % kRecordsPerGroup);
  const Group group = plan_.GroupAt(group_number);
  const Place place = PlaceOf(in_group);
  const bool first = place.ordinal == 0;
  Subject out{.record = record,
              .type = group.type,
              .entity = group_number * kEntitiesPerGroup + place.entity,
              .source = &world_.SourceOf(group.type, record, first)};
  const bool special = group.event == Event::kContested ? first && place.entity == group.claimant
                                                        : in_group == group.record;
  if (special) out.event = group.event;
  out.claimed =
      out.event == Event::kContested ? group_number * kEntitiesPerGroup + group.owner : out.entity;
  return out;
}

void Generator::Make(uint64_t position, Write* write) const {
  const auto [record, kind] = plan_.At(position);
  const Subject subject = SubjectOf(record);
  write->identity.entity_type = NameOf(subject.type);
  write->identity.perspective = subject.source->name;
  write->identity.uid.clear();
  world_.AppendUid(record, &write->identity.uid);
  write->version.reset();
  if (subject.event == Event::kRetracted) write->version = kind == WriteKind::kRecord ? 1 : 2;
  if (subject.event == Event::kRewritten) write->version = kind == WriteKind::kRecord ? 2 : 1;
  write->retract = kind == WriteKind::kRetraction;
  if (write->retract) {
    write->descriptors.clear();
    return;
  }
  Describe(subject, &write->descriptors);
  if (kind == WriteKind::kEarlier) write->descriptors.pop_back();  // the source learned it later
}

void Generator::Describe(const Subject& subject, std::vector<Descriptor>* descriptors) const {
  DescriptorList list(descriptors);
  const bool stale = world_.IsStale(subject.record);
  for (const Attribute attribute : subject.source->attributes) {
    const uint64_t entity = IsHandle(attribute) ? subject.claimed : subject.entity;
    const Interval whole{.start = IsDated(attribute) ? world_.Since(subject.record) : kMinTime,
                         .end = world_.End(entity, attribute)};
    const bool informed = !stale && world_.Changes(entity, attribute);
    const Instant change = informed ? world_.ChangeTime(entity, attribute) : whole.end;
    Descriptor& before = list.Add(attribute, {.start = whole.start, .end = change});
    world_.AppendValue(subject.type, entity, attribute, /*after=*/false, &before.value);
    if (!informed) continue;
    Descriptor& after = list.Add(attribute, {.start = change, .end = whole.end});
    world_.AppendValue(subject.type, entity, attribute, /*after=*/true, &after.value);
  }
  list.Finish();
}

Truth Generator::CountTruth() const {
  Truth truth;
  const uint64_t groups = (plan_.records() + kRecordsPerGroup - 1) / kRecordsPerGroup;
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
  Truth truth;
  std::array<Known, kEntitiesPerGroup> known{};
  const uint64_t end = std::min(plan_.records(), (group + 1) * kRecordsPerGroup);
  for (uint64_t record = group * kRecordsPerGroup; record < end; ++record) {
    const Subject subject = SubjectOf(record);
    truth.indirect += subject.event == Event::kContested ? 1 : 0;
    truth.rewritten += subject.event == Event::kRewritten ? 1 : 0;
    if (subject.event == Event::kRetracted) {
      ++truth.retracted;
      continue;
    }
    ++truth.records;
    Known& entity = known[subject.entity % kEntitiesPerGroup];
    truth.entities += entity.live++ == 0 ? 1 : 0;
    const bool stale = world_.IsStale(record);
    for (const Attribute attribute : subject.source->attributes) {
      (stale ? entity.stale : entity.informed) |= bit(attribute);
      if (attribute != Attribute::kRole) continue;
      const bool changes = !stale && world_.Changes(subject.entity, attribute);
      truth.admins +=
          world_.IsAdmin(subject.entity, false) || (changes && world_.IsAdmin(subject.entity, true))
              ? 1
              : 0;
    }
  }
  for (uint64_t i = 0; i < known.size(); ++i) {
    for (const Attribute attribute : ChangingAttributes()) {
      const bool both = (known[i].stale & known[i].informed & bit(attribute)) != 0;
      if (both && world_.Changes(group * kEntitiesPerGroup + i, attribute)) ++truth.direct;
    }
  }
  return truth;
}

}  // namespace unirust::workload
