#include "proto/answers.h"

#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "proto/records.h"

namespace unirust::proto {
namespace {

using GoldenDescriptors = google::protobuf::RepeatedPtrField<GoldenDescriptor>;

void Set(const std::vector<GoldenValue>& golden, GoldenDescriptors* to) {
  to->Reserve(static_cast<int>(golden.size()));
  for (const GoldenValue& value : golden) {
    GoldenDescriptor* descriptor = to->Add();
    descriptor->set_attr(value.attribute);
    descriptor->set_value(value.value);
    descriptor->set_start(value.interval.start);
    descriptor->set_end(value.interval.end);
  }
}

QueryConflict ToQueryConflict(const unirust::QueryConflict& conflict, uint32_t shard_id) {
  QueryConflict result;
  result.set_start(conflict.interval.start);
  result.set_end(conflict.interval.end);
  *result.add_clusters() = ToProto(conflict.first, shard_id);
  *result.add_clusters() = ToProto(conflict.second, shard_id);
  for (const AttributeValue& pair : conflict.descriptors) {
    QueryDescriptorOverlap* overlap = result.add_descriptors();
    overlap->mutable_descriptor()->set_attr(pair.first);
    overlap->mutable_descriptor()->set_value(pair.second);
    overlap->set_start(conflict.interval.start);
    overlap->set_end(conflict.interval.end);
  }
  return result;
}

// The records that conflicts_with edges connect (semantics.md, 9). An entity's id is the name of
// its first record.
std::vector<std::string> ConflictNodes(const Conflict& conflict) {
  if (conflict.kind == ConflictKind::kIndirect) return conflict.entities;
  std::vector<std::string> names;
  names.reserve(conflict.records.size());
  for (const Identity& record : conflict.records) names.push_back(RecordName(record));
  return names;
}

// An interval that the contract calls "no time filter" if it is empty or reversed.
std::optional<Interval> TimeFilter(Instant start, Instant end) {
  if (end <= start) return std::nullopt;
  return Interval{start, end};
}

template <typename Request>
absl::StatusOr<ConflictFilter> ToConflictFilter(const Request& request) {
  ConflictFilter filter{.interval = TimeFilter(request.start(), request.end()),
                        .attribute = request.attribute(),
                        .kind = std::nullopt};
  if (request.kind().empty()) return filter;
  for (const ConflictKind kind :
       {ConflictKind::kConstraintViolation, ConflictKind::kDirect, ConflictKind::kIndirect}) {
    if (request.kind() == ConflictKindName(kind)) filter.kind = kind;
  }
  if (!filter.kind) {
    return absl::InvalidArgumentError("kind: '" + request.kind() +
                                      "' is not constraint_violation, direct or indirect");
  }
  return filter;
}

absl::StatusOr<unirust::GraphPart> ToGraphPart(int part) {
  switch (part) {
    case GRAPH_PART_RECORD:
      return unirust::GraphPart::kRecord;
    case GRAPH_PART_ENTITY:
      return unirust::GraphPart::kEntity;
    case GRAPH_PART_CONFLICT:
      return unirust::GraphPart::kConflict;
    case GRAPH_PART_SAME_AS:
      return unirust::GraphPart::kSameAs;
    case GRAPH_PART_GENERIC:
      return unirust::GraphPart::kGeneric;
    default:
      return absl::InvalidArgumentError("parts: " + std::to_string(part) + " is unknown");
  }
}

}  // namespace

QueryMatch ToProto(const Match& match, uint32_t shard_id) {
  QueryMatch result;
  result.set_shard_id(shard_id);
  result.set_cluster_id(match.entity.first.value());
  result.set_start(match.interval.start);
  result.set_end(match.interval.end);
  result.set_cluster_key(match.entity.name);
  result.set_cluster_key_identity(match.entity.strongest_key);
  Set(match.golden, result.mutable_golden());
  return result;
}

QueryEntitiesResponse ToProto(const QueryOutcome& outcome, uint32_t shard_id) {
  QueryEntitiesResponse response;
  if (const auto* conflict = std::get_if<unirust::QueryConflict>(&outcome)) {
    *response.mutable_conflict() = ToQueryConflict(*conflict, shard_id);
    return response;
  }
  QueryMatches* matches = response.mutable_matches();
  for (const Match& match : std::get<std::vector<Match>>(outcome)) {
    *matches->add_matches() = ToProto(match, shard_id);
  }
  return response;
}

GetEntityResponse ToProto(const EntityView& entity, uint32_t shard_id) {
  GetEntityResponse response;
  response.set_cluster_key(entity.ref.name);
  response.set_cluster_key_identity(entity.ref.strongest_key);
  response.set_entity_type(entity.ref.entity_type);
  response.set_shard_id(shard_id);
  response.set_cluster_id(entity.ref.first.value());
  Set(entity.golden, response.mutable_golden());
  for (const RecordView& view : entity.records) *response.add_records() = ToProto(view);
  return response;
}

ConflictSummary ToProto(const Conflict& conflict) {
  ConflictSummary summary;
  summary.set_kind(ConflictKindName(conflict.kind));
  summary.set_attribute(conflict.attribute);
  summary.set_start(conflict.interval.start);
  summary.set_end(conflict.interval.end);
  for (const Identity& record : conflict.records) {
    RecordRef* ref = summary.add_records();
    ref->set_perspective(record.perspective);
    ref->set_uid(record.uid);
  }
  summary.set_cause(conflict.cause);
  summary.mutable_values()->Assign(conflict.values.begin(), conflict.values.end());
  summary.set_record_count(conflict.record_count);
  summary.set_key(conflict.key);
  summary.mutable_entities()->Assign(conflict.entities.begin(), conflict.entities.end());
  summary.set_entity_count(conflict.entity_count);
  summary.set_entity_type(conflict.entity_type);
  return summary;
}

void ToProto(const Conflict& conflict, GraphItem* item) {
  *item->mutable_conflict() = ToProto(conflict);
  const std::vector<std::string> nodes = ConflictNodes(conflict);
  item->mutable_conflict_nodes()->Assign(nodes.begin(), nodes.end());
}

void ToProto(const Generic& generic, GraphItem* item) {
  GraphGeneric* to = item->mutable_generic();
  to->set_entity_type(generic.entity_type);
  to->set_key(generic.key);
  to->mutable_values()->Assign(generic.values.begin(), generic.values.end());
  to->set_record_count(generic.record_count);
}

std::vector<AttributeValue> FromProto(const QueryPairs& pairs) {
  std::vector<AttributeValue> result;
  for (const QueryDescriptor& pair : pairs) result.emplace_back(pair.attr(), pair.value());
  return result;
}

GetDigestChunk ToProto(const StoreDigest& digest) {
  const auto bytes = [](absl::uint128 sum) {
    std::string out;
    AppendBig64(&out, absl::Uint128High64(sum));
    AppendBig64(&out, absl::Uint128Low64(sum));
    return out;
  };
  GetDigestChunk out;
  out.set_records(digest.records);
  out.set_entities(digest.entities);
  out.set_digest(bytes(digest.Total()));
  for (const absl::uint128& slot : digest.slots) out.add_slots(bytes(slot));
  return out;
}

RecordFilter FromProto(const ScanRecordsRequest& request) {
  RecordFilter filter{.descriptor = std::nullopt,
                      .entity_type = request.entity_type(),
                      .perspective = request.perspective(),
                      .interval = TimeFilter(request.start(), request.end())};
  if (request.has_descriptor()) {
    filter.descriptor.emplace(request.descriptor().attr(), request.descriptor().value());
  }
  return filter;
}

absl::StatusOr<ConflictFilter> FromProto(const ListConflictsRequest& request) {
  return ToConflictFilter(request);
}

absl::StatusOr<ConflictFilter> FromProto(const StreamConflictsRequest& request) {
  return ToConflictFilter(request);
}

absl::StatusOr<GraphFilter> FromProto(const ExportGraphRequest& request) {
  GraphFilter filter;
  for (const int part : request.parts()) {
    UNIRUST_ASSIGN_OR_RETURN(const unirust::GraphPart known, ToGraphPart(part));
    filter.parts.push_back(known);
  }
  for (const std::string& name : request.entities()) {
    UNIRUST_ASSIGN_OR_RETURN(Identity identity, ParseRecordName(name));
    filter.entities.push_back(std::move(identity));
  }
  return filter;
}

}  // namespace unirust::proto
