// Answers out, and the filters that ask for them in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "model/digest.h"
#include "proto/unirust.pb.h"

namespace unirust::proto {

QueryMatch ToProto(const Match& match, uint32_t shard_id);
QueryEntitiesResponse ToProto(const QueryOutcome& outcome, uint32_t shard_id);
GetEntityResponse ToProto(const EntityView& entity, uint32_t shard_id);
ConflictSummary ToProto(const Conflict& conflict);
void ToProto(const Conflict& conflict, GraphItem* item);  // into an empty one
void ToProto(const Generic& generic, GraphItem* item);    // the same

using QueryPairs = google::protobuf::RepeatedPtrField<QueryDescriptor>;
std::vector<AttributeValue> FromProto(const QueryPairs& pairs);

// Tells what an answer lacks.
template <typename Answer>
void AddMissing(std::span<const unirust::MissingPart> missing, Answer* answer) {
  for (const unirust::MissingPart& part : missing) {
    MissingPart& out = *answer->add_missing();
    out.set_part(part.part);
    out.set_slots(part.slots);
    out.set_fault(part.fault);
  }
}

GetDigestChunk ToProto(const StoreDigest& digest);

RecordFilter FromProto(const ScanRecordsRequest& request);

// INVALID_ARGUMENT if `kind` is not empty and unknown.
absl::StatusOr<ConflictFilter> FromProto(const ListConflictsRequest& request);
absl::StatusOr<ConflictFilter> FromProto(const StreamConflictsRequest& request);

// INVALID_ARGUMENT if a part is unknown or one of `entities` is not a record's name.
absl::StatusOr<GraphFilter> FromProto(const ExportGraphRequest& request);

}  // namespace unirust::proto
