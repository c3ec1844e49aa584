// Lists of writes as they are on the wire: messages whose field 1 is `repeated RecordInput records`
// (IngestRecordsRequest, IngestRecordsChunk) or `repeated RecordSnapshot records`
// (ImportRecordsRequest, ImportRecordsChunk). They are read into values at once, not by way of
// protobuf's messages: much comes so, and of what comes it is known how much memory it will take.
//
// What protobuf takes is taken, and means the same, but for two things: groups, which proto3 has
// not, and strings that are not UTF-8, which Check(Write) finds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "model/record.h"

namespace unirust::proto {

enum class ListOf { kInputs, kSnapshots };

struct WriteList {
  std::vector<Write> writes;
  std::vector<uint32_t> indexes;  // of inputs: what each is called in the answer
};

// What a list will be.
struct WriteListSize {
  size_t records = 0;
  uint64_t bytes = 0;  // in memory
};

// Allocates nothing. Empty if it does not decode; what it has in records may not decode all the
// same.
std::optional<WriteListSize> MeasureWriteList(std::string_view message);

// Into an empty list. INVALID_ARGUMENT for inputs without an identity, or with an unknown `op`,
// named by their position: "records[3] identity: is missing". Empty if it does not decode.
std::optional<absl::Status> ReadWriteList(std::string_view message, ListOf what, WriteList* list);

}  // namespace unirust::proto
