#include "peer/remote_part.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/sleep.h"
#include "base/status_macros.h"
#include "base/thread.h"

namespace unirust::peer {
namespace {

constexpr uint64_t kPollMicros = 20'000;  // until it is asked again whether to stop

// Calls `send` with piece after piece, at least one, until all are sent or it says that nobody listens.
template <typename Send>
void InPieces(const std::string& rows, const Send& send) {
  size_t from = 0;
  do {
    const size_t bytes = std::min(rows.size() - from, limits::kPageBytesMax);
    if (!send(rows.substr(from, bytes))) return;
    from += bytes;
  } while (from < rows.size());
}

// The deadline of a call that carries rows.
uint64_t DeadlineMs(const std::string& rows) {
  return limits::kPartDeadlineMs + rows.size() / limits::kPartBytesPerMsMin;
}

}  // namespace

RemotePart::RemotePart(const std::shared_ptr<grpc::Channel>& channel, std::string address,
                       uint64_t silence_ms)
    : stub_(proto::PartService::NewStub(channel)),
      address_(std::move(address)),
      silence_ms_(silence_ms) {}

absl::StatusOr<cluster::Position> RemotePart::Join(const cluster::Membership& membership,
                                                   cluster::EpochId last,
                                                   cluster::Holds holds) {
  proto::JoinPartRequest request;
  request.set_part(membership.part);
  request.set_store(membership.store);
  request.set_session(membership.session);
  request.mutable_last()->set_number(last.number);
  request.mutable_last()->set_tag(last.tag);
  request.set_empty(holds == cluster::Holds::kNothing);
  proto::JoinPartResponse response;
  UNIRUST_RETURN_IF_ERROR(
      OfCall(stub_->Join(NewCall().get(), request, &response), "at " + address_));
  session_ = membership.session;
  has_epoch_ = response.last().number();
  return cluster::Position{
      .epoch = {.number = response.last().number(), .tag = response.last().tag()},
      .attempt = response.attempt()};
}

absl::Status RemotePart::Apply(const cluster::Epoch& epoch) {
  const auto call = NewCall(DeadlineMs(epoch.rows));
  proto::Empty done;
  const auto stream = stub_->ApplyEpoch(call.get(), &done);
  InPieces(epoch.rows, [&](std::string rows) {
    proto::ApplyEpochChunk chunk;
    chunk.mutable_epoch()->set_number(epoch.id.number);
    chunk.mutable_epoch()->set_tag(epoch.id.tag);
    chunk.set_after_tag(epoch.after_tag);
    chunk.set_kind(static_cast<uint32_t>(epoch.kind));
    chunk.set_rows(std::move(rows));
    chunk.set_bytes(epoch.rows.size());
    chunk.set_session(session_);
    return stream->Write(chunk);
  });
  stream->WritesDone();
  UNIRUST_RETURN_IF_ERROR(OfCall(stream->Finish(), "at " + address_));
  has_epoch_ = std::max(has_epoch_.load(), epoch.id.number);
  return absl::OkStatus();
}

absl::StatusOr<store::Reader> RemotePart::ReadEpoch(uint64_t epoch) {
  const auto reader = [](const std::shared_ptr<RemoteState>& state) {
    return store::Reader(state);
  };
  MutexLock lock(mutex_);
  if (opening_) {
    while (opening_) opened_.Wait(mutex_);
    if (epoch_ == epoch && !state_.ok()) return state_.status();
  }
  if (epoch_ == epoch && state_.ok() && *state_ != nullptr && !(*state_)->lost()) {
    return reader(*state_);
  }
  opening_ = true;
  mutex_.Unlock();
  auto opened = OpenState(epoch);
  mutex_.Lock();
  opening_ = false;
  opened_.NotifyAll();
  if (epoch >= epoch_) {
    epoch_ = epoch;
    state_ = opened;
  }
  if (!opened.ok()) return opened.status();
  return reader(*opened);
}

absl::StatusOr<std::shared_ptr<RemoteState>> RemotePart::OpenState(uint64_t epoch) {
  proto::OpenStateRequest request;
  request.set_epoch(epoch);
  request.set_session(session_);
  const std::vector<uint64_t> unused = unused_->Take();
  for (const uint64_t lease : unused) request.add_unused_leases(lease);
  proto::OpenedState opened;
  const absl::Status status =
      OfCall(stub_->OpenState(NewCall().get(), request, &opened), "at " + address_);
  if (absl::IsUnavailable(status)) {  // it may not have heard of them
    for (const uint64_t lease : unused) unused_->Add(lease);
  }
  UNIRUST_RETURN_IF_ERROR(status);
  proto::PartState state;
  state.set_lease(opened.lease());
  state.set_session(session_);
  return std::make_shared<RemoteState>(stub_, address_, state, unused_);
}

store::Reader RemotePart::ReadNewest(bool pending) const {
  proto::PartState state;
  state.set_pending(pending);
  state.set_min_epoch(has_epoch_);
  state.set_session(session_);
  return store::Reader(std::make_shared<RemoteState>(stub_, address_, state, unused_));
}

absl::StatusOr<store::Reader> RemotePart::ReadLatest() { return ReadNewest(false); }

absl::StatusOr<store::Reader> RemotePart::ReadPending() { return ReadNewest(true); }

absl::Status RemotePart::Call(Method method, cluster::PendingStep step) {
  proto::PendingRequest request;
  request.set_attempt(step.attempt);
  request.set_step(step.number);
  request.set_session(session_);
  proto::Empty done;
  return OfCall(((*stub_).*method)(NewCall().get(), request, &done), "at " + address_);
}

PartStatus RemotePart::GetStatus() {
  PartStatus out;
  out.address = address_;
  proto::GetPartRequest request;
  request.set_session(session_);
  request.set_min_epoch(has_epoch_);
  proto::GetPartResponse response;
  const grpc::Status status =
      stub_->GetPart(NewCall(limits::kPartStatusDeadlineMs).get(), request, &response);
  out.epoch = response.epoch();
  out.version = response.version();
  if (status.ok()) return out;
  out.fault = status.error_message();
  if (out.fault.empty()) out.fault = "gRPC status " + std::to_string(status.error_code());
  return out;
}

absl::Status RemotePart::BeginGeneration(cluster::PendingStep step) {
  return Call(&Stub::BeginGeneration, step);
}

absl::Status RemotePart::CommitPending(cluster::PendingStep step,
                                       const std::string& rows) {
  const auto call = NewCall(DeadlineMs(rows));
  proto::Empty done;
  const auto stream = stub_->CommitPending(call.get(), &done);
  InPieces(rows, [&](std::string some) {
    proto::PendingRowsChunk chunk;
    chunk.set_rows(std::move(some));
    chunk.set_bytes(rows.size());
    chunk.set_attempt(step.attempt);
    chunk.set_step(step.number);
    chunk.set_session(session_);
    return stream->Write(chunk);
  });
  stream->WritesDone();
  return OfCall(stream->Finish(), "at " + address_);
}

absl::Status RemotePart::SealPending(cluster::PendingStep step) {
  return Call(&Stub::SealPending, step);
}

absl::Status RemotePart::DropPending(cluster::PendingStep step) {
  return Call(&Stub::DropPending, step);
}

// What takes as long as there are files has no deadline; a part that gives no sign counts as gone. Calls `hear` with
// each answer.
template <typename Request, typename Sign>
absl::Status RemotePart::AwaitSigns(
    std::unique_ptr<grpc::ClientReader<Sign>> (Stub::*method)(grpc::ClientContext*, const Request&),
    const Request& request, const std::function<bool()>& stop,
    const std::function<void(const Sign&)>& hear) {
  grpc::ClientContext call;
  const auto signs = ((*stub_).*method)(&call, request);
  std::atomic<uint64_t> heard_micros = SteadyClockMicros();
  std::atomic<bool> ended = false;
  Thread hearing("hear_part", [&] {
    for (Sign sign; signs->Read(&sign);) {
      heard_micros = SteadyClockMicros();
      hear(sign);
    }
    ended = true;
  });
  bool stopped = false;
  bool silent = false;
  while (!ended && !stopped && !silent) {
    stopped = stop();
    const uint64_t heard = heard_micros;  // before now
    silent = SteadyClockMicros() - heard > silence_ms_ * 1000;
    if (stopped || silent) call.TryCancel();
    SleepMicros(kPollMicros);
  }
  hearing.Join();
  const grpc::Status status = signs->Finish();
  if (status.ok()) return absl::OkStatus();
  if (stopped) return absl::CancelledError("it was stopped");
  if (silent) return absl::UnavailableError("at " + address_ + ": it gives no sign any more");
  return OfCall(status, "at " + address_);
}

absl::Status RemotePart::Rewrite(uint64_t epoch, const std::function<bool()>& stop) {
  proto::RewritePartRequest request;
  request.set_session(session_);
  request.set_epoch(epoch);
  return AwaitSigns<proto::RewritePartRequest, proto::Empty>(&Stub::RewritePart, request, stop,
                                                             [](const proto::Empty&) {});
}

absl::StatusOr<uint32_t> RemotePart::Backup(const std::function<bool()>& stop) {
  proto::BackupPartRequest request;
  request.set_session(session_);
  request.set_min_epoch(has_epoch_);
  uint32_t made = 0;
  UNIRUST_RETURN_IF_ERROR((AwaitSigns<proto::BackupPartRequest, proto::BackupPartChunk>(
      &Stub::BackupPart, request, stop,
      [&](const proto::BackupPartChunk& chunk) { made = chunk.backup_id(); })));
  if (made != 0) return made;
  return absl::InternalError("at " + address_ + ": it does not say which backup it made");
}

// On another file system it takes as long as there are files: a part that is gone is noticed by its connection.
absl::StatusOr<std::string> RemotePart::Checkpoint(const std::string& name) {
  proto::CheckpointPartRequest request;
  request.set_session(session_);
  request.set_min_epoch(has_epoch_);
  request.set_name(name);
  proto::CheckpointPartResponse response;
  grpc::ClientContext call;
  UNIRUST_RETURN_IF_ERROR(
      OfCall(stub_->CheckpointPart(&call, request, &response), "at " + address_));
  return response.path();
}

absl::Status RemotePart::DropCopies(const cluster::UnwantedCopies& unwanted) {
  proto::DropCopiesRequest request;
  request.set_session(session_);
  request.mutable_keep()->Assign(unwanted.keep.begin(), unwanted.keep.end());
  request.mutable_backups()->Assign(unwanted.backups.begin(), unwanted.backups.end());
  request.set_checkpoint(unwanted.checkpoint);
  proto::Empty done;
  grpc::ClientContext call;
  return OfCall(stub_->DropCopies(&call, request, &done), "at " + address_);
}

}  // namespace unirust::peer
