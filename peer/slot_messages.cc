#include "peer/slot_messages.h"

#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace unirust::peer {
namespace {

using store::SlotPosition;
using store::SlotQuery;

void ToProto(const SlotPosition& position, proto::SlotPosition* out) {
  out->set_family(position.FamilyText());
  out->set_key(position.key);
}

std::optional<SlotPosition> ToPosition(const proto::SlotPosition& position) {
  return SlotPosition::Of(position.family(), position.key());
}

bool IsFurther(const SlotPosition& position, const SlotPosition& than) {
  return std::tie(position.family, position.key) > std::tie(than.family, than.key);
}

}  // namespace

void ToProto(const SlotQuery& query, proto::ReadSlotsRequest* request) {
  request->set_slots(store::BytesOf(query.slots));
  ToProto(query.after, request->mutable_after());
  if (query.upto) ToProto(*query.upto, request->mutable_upto());
  request->set_what(static_cast<uint32_t>(query.what));
}

absl::StatusOr<SlotQuery> ToQuery(const proto::ReadSlotsRequest& request) {
  const std::optional<store::SlotSet> slots = store::SlotSetOf(request.slots());
  const std::optional<SlotPosition> after = ToPosition(request.after());
  std::optional<SlotPosition> upto;
  if (request.has_upto()) upto = ToPosition(request.upto());
  if (!slots || !request.has_after() || !after || upto.has_value() != request.has_upto() ||
      request.what() > static_cast<uint32_t>(SlotQuery::What::kDigest)) {
    return absl::InvalidArgumentError("the question for rows of slots is malformed");
  }
  return SlotQuery{.slots = *slots,
                   .after = *after,
                   .upto = upto,
                   .what = static_cast<SlotQuery::What>(request.what())};
}

void ToProto(store::SlotRows rows, proto::ReadSlotsResponse* response) {
  response->set_batch(rows.batch.Encode());
  ToProto(rows.upto, response->mutable_upto());
  response->set_rows(rows.rows);
  response->set_bytes(rows.bytes);
  response->set_digest_high(absl::Uint128High64(rows.digest));
  response->set_digest_low(absl::Uint128Low64(rows.digest));
}

absl::StatusOr<store::SlotRows> ToRows(const proto::ReadSlotsResponse& response,
                                       const SlotQuery& query) {
  std::optional<store::Batch> batch = store::Batch::Decode(response.batch());
  std::optional<SlotPosition> upto = ToPosition(response.upto());
  if (!batch || !upto || !IsFurther(*upto, query.after)) {
    return absl::InternalError("rows of slots that are malformed");
  }
  store::SlotRows out;
  out.batch = *std::move(batch);
  out.upto = *std::move(upto);
  out.rows = response.rows();
  out.bytes = response.bytes();
  out.digest = absl::MakeUint128(response.digest_high(), response.digest_low());
  return out;
}

}  // namespace unirust::peer
