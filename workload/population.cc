#include "workload/population.h"

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

Subject Population::SubjectOf(uint64_t record) const {
  const uint64_t group_number = record / kRecordsPerGroup;
  const auto in_group = static_cast<uint32_t>(record % kRecordsPerGroup);
  const Group group = plan_.GroupAt(group_number);
  const Place place = PlaceOf(in_group);
  const bool first = place.ordinal == 0;
  Subject out{.record = record,
              .type = group.type,
              .entity = group_number * kEntitiesPerGroup + place.entity,
              .perspective = &world_.PerspectiveOf(group.type, record, first)};
  const bool special = group.event == Event::kContested ? first && place.entity == group.claimant
                                                        : in_group == group.record;
  if (special) out.event = group.event;
  out.claimed =
      out.event == Event::kContested ? group_number * kEntitiesPerGroup + group.owner : out.entity;
  return out;
}

void Population::Make(const Subject& subject, WriteKind kind, Write* write) const {
  write->identity.entity_type = NameOf(subject.type);
  write->identity.perspective = subject.perspective->name;
  write->identity.uid.clear();
  world_.AppendUid(subject.record, &write->identity.uid);
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

void Population::Describe(const Subject& subject, std::vector<Descriptor>* descriptors) const {
  DescriptorList list(descriptors);
  const bool stale = world_.IsStale(subject.record);
  for (const Attribute attribute : subject.perspective->attributes) {
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

}  // namespace unirust::workload
