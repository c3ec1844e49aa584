#include "peer/remote_part.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::peer {
namespace {

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

}  // namespace

RemotePart::RemotePart(const std::shared_ptr<grpc::Channel>& channel, std::string address)
    : stub_(proto::PartService::NewStub(channel)), address_(std::move(address)) {}

absl::Status RemotePart::Join(const cluster::Membership& membership) {
  proto::JoinPartRequest request;
  request.set_parts(membership.parts);
  request.set_part(membership.part);
  request.set_store(membership.store);
  proto::PartDone done;
  return OfCall(stub_->Join(NewCall().get(), request, &done), address_);
}

absl::StatusOr<uint64_t> RemotePart::LastEpoch() {
  proto::PartPosition position;
  UNIRUST_RETURN_IF_ERROR(
      OfCall(stub_->GetPosition(NewCall().get(), proto::PartDone(), &position), address_));
  has_epoch_ = std::max<uint64_t>(has_epoch_, position.epoch());
  return position.epoch();
}

absl::StatusOr<uint64_t> RemotePart::LastAttempt() {
  proto::PartPosition position;
  UNIRUST_RETURN_IF_ERROR(
      OfCall(stub_->GetPosition(NewCall().get(), proto::PartDone(), &position), address_));
  return position.attempt();
}

absl::Status RemotePart::Apply(const cluster::Epoch& epoch) {
  const auto call = NewCall();
  proto::PartDone done;
  const auto stream = stub_->ApplyEpoch(call.get(), &done);
  InPieces(epoch.rows, [&](std::string rows) {
    proto::ApplyEpochChunk chunk;
    chunk.set_epoch(epoch.number);
    chunk.set_kind(static_cast<uint32_t>(epoch.kind));
    chunk.set_rows(std::move(rows));
    chunk.set_bytes(epoch.rows.size());
    return stream->Write(chunk);
  });
  stream->WritesDone();
  UNIRUST_RETURN_IF_ERROR(OfCall(stream->Finish(), address_));
  has_epoch_ = std::max(has_epoch_.load(), epoch.number);
  return absl::OkStatus();
}

absl::StatusOr<store::Reader> RemotePart::ReadEpoch(uint64_t epoch) {
  MutexLock lock(mutex_);
  if (state_ != nullptr && epoch_ == epoch && !state_->lost()) return store::Reader(state_);
  proto::OpenStateRequest request;
  request.set_epoch(epoch);
  proto::OpenedState opened;
  UNIRUST_RETURN_IF_ERROR(
      OfCall(stub_->OpenState(NewCall().get(), request, &opened), address_));
  proto::PartState state;
  state.set_lease(opened.lease());
  epoch_ = epoch;
  state_ = std::make_shared<RemoteState>(stub_, address_, state);
  return store::Reader(state_);
}

absl::StatusOr<store::Reader> RemotePart::ReadLatest() {
  proto::PartState state;
  state.set_min_epoch(has_epoch_);
  return store::Reader(std::make_shared<RemoteState>(stub_, address_, state));
}

absl::StatusOr<store::Reader> RemotePart::ReadPending() {
  proto::PartState state;
  state.set_pending(true);
  state.set_min_epoch(has_epoch_);
  return store::Reader(std::make_shared<RemoteState>(stub_, address_, state));
}

absl::Status RemotePart::Call(Method method, uint64_t attempt) {
  proto::PendingRequest request;
  request.set_attempt(attempt);
  proto::PartDone done;
  return OfCall(((*stub_).*method)(NewCall().get(), request, &done), address_);
}

absl::Status RemotePart::BeginGeneration(uint64_t attempt) {
  return Call(&Stub::BeginGeneration, attempt);
}

absl::Status RemotePart::CommitPending(uint64_t attempt, const std::string& rows) {
  const auto call = NewCall();
  proto::PartDone done;
  const auto stream = stub_->CommitPending(call.get(), &done);
  InPieces(rows, [&](std::string some) {
    proto::PendingRowsChunk chunk;
    chunk.set_rows(std::move(some));
    chunk.set_bytes(rows.size());
    chunk.set_attempt(attempt);
    return stream->Write(chunk);
  });
  stream->WritesDone();
  return OfCall(stream->Finish(), address_);
}

absl::Status RemotePart::SealPending(uint64_t attempt) {
  return Call(&Stub::SealPending, attempt);
}

absl::Status RemotePart::DropPending(uint64_t attempt) {
  return Call(&Stub::DropPending, attempt);
}

}  // namespace unirust::peer
