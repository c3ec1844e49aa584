#include "proto/records.h"

#include <string>
#include <utility>

namespace unirust::proto {
namespace {

using ProtoDescriptors = google::protobuf::RepeatedPtrField<RecordDescriptor>;

Identity ToIdentity(const RecordIdentity& identity) {
  return {identity.entity_type(), identity.perspective(), identity.uid()};
}

void Set(const Identity& from, RecordIdentity* to) {
  to->set_entity_type(from.entity_type);
  to->set_perspective(from.perspective);
  to->set_uid(from.uid);
}

std::vector<Descriptor> ToDescriptors(const ProtoDescriptors& descriptors) {
  std::vector<Descriptor> result;
  result.reserve(static_cast<size_t>(descriptors.size()));
  for (const RecordDescriptor& d : descriptors) {
    result.push_back({d.attr(), d.value(), {d.start(), d.end()}});
  }
  return result;
}

void Set(const std::vector<Descriptor>& from, ProtoDescriptors* to) {
  to->Reserve(static_cast<int>(from.size()));
  for (const Descriptor& d : from) {
    RecordDescriptor* descriptor = to->Add();
    descriptor->set_attr(d.attribute);
    descriptor->set_value(d.value);
    descriptor->set_start(d.interval.start);
    descriptor->set_end(d.interval.end);
  }
}

WriteOutcome ToOutcome(unirust::WriteOutcome outcome) {
  switch (outcome) {
    case unirust::WriteOutcome::kApplied:
      return WRITE_OUTCOME_APPLIED;
    case unirust::WriteOutcome::kUnchanged:
      return WRITE_OUTCOME_UNCHANGED;
    case unirust::WriteOutcome::kStale:
      break;
  }
  return WRITE_OUTCOME_STALE;
}

}  // namespace

absl::StatusOr<Write> FromProto(const RecordInput& input) {
  if (!input.has_identity()) return absl::InvalidArgumentError("identity: is missing");
  if (!WriteOp_IsValid(input.op())) {
    return absl::InvalidArgumentError("op: " + std::to_string(input.op()) + " is unknown");
  }
  Write write{.identity = ToIdentity(input.identity()),
              .version = std::nullopt,
              .retract = input.op() == WRITE_OP_RETRACT,
              .descriptors = ToDescriptors(input.descriptors())};
  if (input.has_version()) write.version = input.version();
  return write;
}

Write FromProto(const RecordSnapshot& snapshot) {
  Write write{.identity = ToIdentity(snapshot.identity()),
              .version = std::nullopt,
              .retract = false,
              .descriptors = ToDescriptors(snapshot.descriptors())};
  if (snapshot.has_version()) write.version = snapshot.version();
  return write;
}

RecordInput ToProto(const Write& write, uint32_t index) {
  RecordInput input;
  input.set_index(index);
  Set(write.identity, input.mutable_identity());
  Set(write.descriptors, input.mutable_descriptors());
  if (write.version) input.set_version(*write.version);
  input.set_op(write.retract ? WRITE_OP_RETRACT : WRITE_OP_UPSERT);
  return input;
}

void ToProto(const RecordView& view, RecordSnapshot* snapshot) {
  snapshot->set_record_id(view.id.value());
  Set(view.record.identity, snapshot->mutable_identity());
  Set(view.record.descriptors, snapshot->mutable_descriptors());
  snapshot->set_version(view.record.version);
  snapshot->set_cluster_key(view.entity_name);
}

RecordSnapshot ToProto(const RecordView& view) {
  RecordSnapshot snapshot;
  ToProto(view, &snapshot);
  return snapshot;
}

IngestAssignment ToProto(const Assignment& assignment, uint32_t index, uint32_t shard_id) {
  IngestAssignment result;
  result.set_index(index);
  result.set_shard_id(shard_id);
  result.set_record_id(assignment.record.value());
  result.set_cluster_id(assignment.entity.value());
  result.set_cluster_key(assignment.entity_name);
  result.set_outcome(ToOutcome(assignment.outcome));
  result.set_version(assignment.version);
  return result;
}

}  // namespace unirust::proto
