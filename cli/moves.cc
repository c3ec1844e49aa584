// `unirust cluster plan|apply|cancel`: slots move between the parts of the store.
#include "cli/moves.h"

#include <cstdint>
#include <string>

#include "base/sleep.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_line.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

constexpr uint64_t kAskEveryMicros = 200'000;

using Moves = google::protobuf::RepeatedPtrField<proto::SlotMove>;

const char* PhaseName(proto::MoveStatus::Phase phase) {
  switch (phase) {
    case proto::MoveStatus::COPYING:
      return "copying";
    case proto::MoveStatus::COMPARING:
      return "comparing";
    default:
      return "sweeping";
  }
}

std::string Text(const proto::SlotMove& move) {
  return WithSeparators(move.slots()) + " slots from part " + std::to_string(move.from()) +
         " to part " + std::to_string(move.to());
}

std::string Text(const proto::MoveStatus& move) {
  return Text(move.slots()) + ": " + PhaseName(move.phase()) + ", " + WithSeparators(move.rows()) +
         " rows";
}

JsonLine Json(const char* type, const proto::SlotMove& move) {
  JsonLine line;
  line.Text("type", type).Number("from", move.from()).Number("to", move.to());
  line.Number("slots", move.slots());
  return line;
}

void Write(const Moves& moves, bool json, Output* out) {
  Table table({"from", "to", "slots"}, out);
  for (const proto::SlotMove& move : moves) {
    if (json) {
      out->Write(Json("move", move).Take() + "\n");
    } else {
      table.Row(
          {std::to_string(move.from()), std::to_string(move.to()), WithSeparators(move.slots())});
    }
  }
  table.Finish();
  if (moves.empty() && !json) out->Write("nothing to move\n");
}

absl::StatusOr<proto::PlanSlotsResponse> Plan(Client& client, const std::vector<uint32_t>& drain) {
  proto::PlanSlotsRequest request;
  for (const uint32_t part : drain) request.add_drain(part);
  proto::PlanSlotsResponse plan;
  UNIRUST_RETURN_IF_ERROR(client.Call(&Router::PlanSlots, request, &plan));
  return plan;
}

// Until nothing moves. A part or the router may be away for a while.
absl::Status AwaitMoves(Client& client, Progress::Mode mode) {
  Progress progress(mode);
  std::string told;
  while (true) {
    proto::GetPartsResponse parts;
    const absl::Status status = client.Call(&Router::GetParts, proto::GetPartsRequest(), &parts);
    if (!status.ok() && !absl::IsUnavailable(status)) return status;
    if (status.ok()) {
      if (!parts.move_fault().empty()) return absl::AbortedError(parts.move_fault());
      if (!parts.has_move() && parts.waiting().empty()) return absl::OkStatus();
      if (parts.step_fault() != told) {
        told = parts.step_fault();
        if (!told.empty()) progress.Message("slots cannot move for now: " + Printable(told));
      }
      if (parts.has_move()) {
        const std::string doing =
            Text(parts.move().slots()) + ", " + PhaseName(parts.move().phase()) + ", rows";
        progress.Update(doing, parts.move().rows());
      }
    }
    SleepMicros(kAskEveryMicros);
  }
}

}  // namespace

std::string MovesText(const proto::GetPartsResponse& parts) {
  std::string out;
  if (parts.has_move()) out += "\nmoving: " + Text(parts.move()) + "\n";
  for (const proto::SlotMove& move : parts.waiting()) out += "waiting: " + Text(move) + "\n";
  for (const std::string& fault : {parts.step_fault(), parts.move_fault()}) {
    if (!fault.empty()) out += "fault: " + Printable(fault) + "\n";
  }
  return out;
}

std::string MovesJson(const proto::GetPartsResponse& parts) {
  std::string out;
  if (parts.has_move()) {
    JsonLine line = Json("moving", parts.move().slots());
    line.Text("phase", PhaseName(parts.move().phase()));
    line.Number("rows", parts.move().rows()).Number("bytes", parts.move().bytes());
    out += line.Take() + "\n";
  }
  for (const proto::SlotMove& move : parts.waiting()) {
    out += Json("waiting", move).Take() + "\n";
  }
  for (const std::string& fault : {parts.step_fault(), parts.move_fault()}) {
    if (fault.empty()) continue;
    out += JsonLine().Text("type", "move_fault").Text("why", fault).Take() + "\n";
  }
  return out;
}

absl::Status Run(const ClusterPlanFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const proto::PlanSlotsResponse plan, Plan(*client, flags.drain));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  Write(plan.moves(), flags.json, out.get());
  return out->Close();
}

absl::Status Run(const ClusterApplyFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const proto::PlanSlotsResponse plan, Plan(*client, flags.drain));
  proto::MoveSlotsRequest request;
  request.set_slot_map_version(plan.slot_map_version());
  for (const uint32_t part : flags.drain) request.add_drain(part);
  proto::MoveSlotsResponse moves;
  UNIRUST_RETURN_IF_ERROR(client->Call(&Router::MoveSlots, request, &moves));
  if (!flags.no_wait) {
    UNIRUST_RETURN_IF_ERROR(AwaitMoves(*client, Progress::ModeFor(flags.quiet, flags.progress)));
    absl::StatusOr<proto::PlanSlotsResponse> left = Plan(*client, flags.drain);
    for (; absl::IsUnavailable(left.status()); left = Plan(*client, flags.drain)) {
      SleepMicros(kAskEveryMicros);
    }
    UNIRUST_RETURN_IF_ERROR(left.status());
    if (!left->moves().empty()) {
      return absl::AbortedError("somebody cancelled or changed the moves meanwhile");
    }
  }
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  Write(moves.moves(), flags.json, out.get());
  return out->Close();
}

absl::Status Run(const ClusterCancelFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::CancelMovesResponse done;
  return client->Call(&Router::CancelMoves, proto::CancelMovesRequest(), &done);
}

}  // namespace unirust::cli
