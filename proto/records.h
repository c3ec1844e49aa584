// Writes in, records and assignments out. Inside namespace unirust::proto a bare name is a message;
// the values of model/ are written with `unirust::` where both have one of that name.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "model/record.h"
#include "proto/unirust.pb.h"

namespace unirust::proto {

// INVALID_ARGUMENT if there is no identity or `op` is unknown; the rest is for Check(Write) to
// judge.
absl::StatusOr<Write> FromProto(const RecordInput& input);

// The write that puts an exported record back; its record_id is not looked at.
Write FromProto(const RecordSnapshot& snapshot);

RecordInput ToProto(const Write& write, uint32_t index);
void ToProto(const RecordView& view, RecordSnapshot* snapshot);  // into an empty one
RecordSnapshot ToProto(const RecordView& view);
IngestAssignment ToProto(const Assignment& assignment, uint32_t index, uint32_t shard_id);

}  // namespace unirust::proto
