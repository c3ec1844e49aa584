// Questions for rows of slots and their answers (store/slot_rows.h) as messages.
#pragma once

#include "absl/status/statusor.h"
#include "proto/parts.pb.h"
#include "store/slot_rows.h"

namespace unirust::peer {

void ToProto(const store::SlotQuery& query, proto::ReadSlotsRequest* request);
// INVALID_ARGUMENT
absl::StatusOr<store::SlotQuery> ToQuery(const proto::ReadSlotsRequest& request);

void ToProto(store::SlotRows rows, proto::ReadSlotsResponse* response);
// Of an answer to the query. INTERNAL if it is malformed, or would not come to an end.
absl::StatusOr<store::SlotRows> ToRows(const proto::ReadSlotsResponse& response,
                                       const store::SlotQuery& query);

}  // namespace unirust::peer
