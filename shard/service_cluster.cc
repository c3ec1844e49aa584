// The parts of the store, and the moves of slots between them.
#include <vector>

#include "base/status_macros.h"
#include "cluster/placement.h"
#include "proto/status.h"
#include "shard/audited.h"
#include "shard/reply.h"
#include "shard/service.h"

namespace unirust::shard {
namespace {

using Moves = google::protobuf::RepeatedPtrField<proto::SlotMove>;

void AddMoves(const cluster::SlotMap& now, const cluster::SlotMap& target, Moves* out) {
  for (const cluster::PlannedMove& move : cluster::MovesBetween(now, target)) {
    proto::SlotMove* const one = out->Add();
    one->set_from(static_cast<uint32_t>(move.from));
    one->set_to(static_cast<uint32_t>(move.to));
    one->set_slots(static_cast<uint32_t>(move.slots));
  }
}

proto::MoveStatus::Phase PhaseOf(const cluster::Move& move) {
  if (move.phase == cluster::Move::Phase::kSweeping) return proto::MoveStatus::SWEEPING;
  return move.done.IsEnd() ? proto::MoveStatus::COMPARING : proto::MoveStatus::COPYING;
}

void Fill(const cluster::Move& move, proto::MoveStatus* out) {
  out->mutable_slots()->set_from(static_cast<uint32_t>(move.from));
  out->mutable_slots()->set_to(static_cast<uint32_t>(move.to));
  out->mutable_slots()->set_slots(static_cast<uint32_t>(move.slots.count()));
  out->set_phase(PhaseOf(move));
  out->set_rows(move.rows);
  out->set_bytes(move.bytes);
}

std::vector<uint32_t> Drained(const google::protobuf::RepeatedField<uint32_t>& parts) {
  return {parts.begin(), parts.end()};
}

}  // namespace

grpc::Status ShardService::GetParts(grpc::ServerContext* context,
                                    const proto::GetPartsRequest* request,
                                    proto::GetPartsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  for (const PartStatus& status : call.engine().GetParts()) {
    proto::PartStatus* part = response->add_parts();
    part->set_part(status.part);
    part->set_address(status.address);
    part->set_slots(status.slots);
    part->set_epoch(status.epoch);
    part->set_behind(status.behind);
    part->set_version(status.version);
    part->set_fault(status.fault);
  }
  const Engine::Slots slots = call.engine().GetSlots();
  if (slots.placement == nullptr) return grpc::Status::OK;
  response->set_slot_map_version(slots.placement->version);
  if (slots.placement->move) Fill(*slots.placement->move, response->mutable_move());
  AddMoves(slots.placement->Coming(), slots.placement->target, response->mutable_waiting());
  response->set_move_fault(slots.placement->fault);
  response->set_step_fault(slots.step_fault);
  return grpc::Status::OK;
}

grpc::Status ShardService::PlanSlots(grpc::ServerContext* context,
                                     const proto::PlanSlotsRequest* request,
                                     proto::PlanSlotsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const absl::StatusOr<Engine::SlotPlan> plan = call.engine().PlanSlots(Drained(request->drain()));
  if (!plan.ok()) return proto::ToGrpc(plan.status());
  response->set_slot_map_version(plan->version);
  AddMoves(plan->now, plan->target, response->mutable_moves());
  return grpc::Status::OK;
}

grpc::Status ShardService::MoveSlots(grpc::ServerContext* context,
                                     const proto::MoveSlotsRequest* request,
                                     proto::MoveSlotsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const absl::StatusOr<Engine::SlotPlan> plan = call.engine().PlanSlots(Drained(request->drain()));
  if (!plan.ok()) return proto::ToGrpc(plan.status());
  AddMoves(plan->now, plan->target, response->mutable_moves());
  const Audited audited(audit_, *context, "MoveSlots", request->ShortDebugString());
  return audited.End(
      proto::ToGrpc(call.engine().MoveSlots(request->slot_map_version(), plan->target)));
}

grpc::Status ShardService::CancelMoves(grpc::ServerContext* context,
                                       const proto::CancelMovesRequest* request,
                                       proto::CancelMovesResponse*) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "CancelMoves");
  return audited.End(proto::ToGrpc(call.engine().CancelMoves()));
}

}  // namespace unirust::shard
