#include "peer/part_handler.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "peer/slot_messages.h"
#include "proto/status.h"

namespace unirust::peer {
namespace {

using proto::ToGrpc;

cluster::EpochId IdOf(const proto::EpochId& id) { return {.number = id.number(), .tag = id.tag()}; }

absl::StatusOr<store::Family> FamilyOf(const std::string& name) {
  const std::optional<store::Family> family = store::FamilyNamed(name);
  if (family) return *family;
  return absl::InvalidArgumentError("family: there is none called '" + name + "'");
}

// What a walk reads: a page of rows, in one direction.
class Page {
 public:
  Page(const proto::WalkRowsRequest& request, proto::WalkRowsResponse* response)
      : request_(request), response_(response) {}

  absl::Status Read(const store::Reader& reader) {
    UNIRUST_ASSIGN_OR_RETURN(const store::Family family, FamilyOf(request_.family()));
    const auto cursor = request_.prefix() ? reader.ScanPrefix(family, request_.lower())
                                          : reader.Scan(family, request_.lower(), request_.upper());
    const bool back = MoveToBegin(*cursor);
    while (cursor->Valid() && Take(*cursor)) {
      if (back) {
        cursor->Prev();
      } else {
        cursor->Next();
      }
    }
    response_->set_end(!cursor->Valid());
    return cursor->status();
  }

 private:
  // True if the walk is downwards.
  bool MoveToBegin(store::Cursor& cursor) const {
    const std::string& key = request_.key();
    switch (request_.from()) {
      case proto::WalkRowsRequest::AFTER:
        cursor.Seek(key);
        if (cursor.Valid() && cursor.key() == key) cursor.Next();
        return false;
      case proto::WalkRowsRequest::BEFORE:
        cursor.Seek(key);
        if (cursor.Valid()) {
          cursor.Prev();
        } else if (cursor.status().ok()) {
          cursor.SeekToLast();
        }
        return true;
      case proto::WalkRowsRequest::LAST:
        cursor.SeekToLast();
        return true;
      default:
        cursor.Seek(key);
        return false;
    }
  }

  // False if the page is full.
  bool Take(const store::Cursor& cursor) {
    const size_t rows = std::clamp<size_t>(request_.limit(), 1, limits::kPageItemsMax);
    const bool full = static_cast<size_t>(response_->keys_size()) == rows ||
                      (bytes_ > 0 && bytes_ >= limits::kPageBytesMax);
    if (full) return false;
    bytes_ += cursor.key().size() + cursor.value().size();
    response_->add_keys(std::string(cursor.key()));
    response_->add_values(std::string(cursor.value()));
    return true;
  }

  const proto::WalkRowsRequest& request_;
  proto::WalkRowsResponse* const response_;
  size_t bytes_ = 0;
};

}  // namespace

grpc::Status PartHandler::Join(grpc::ServerContext* context, const proto::JoinPartRequest* request,
                               proto::JoinPartResponse* response) {
  MutexLock lock(writing_);
  if (context->IsCancelled()) return grpc::Status::CANCELLED;  // another one may have joined since
  if (request->store().empty()) return {grpc::StatusCode::INVALID_ARGUMENT, "store: none"};
  const absl::StatusOr<cluster::Position> position = part_.Join(
      {.part = request->part(), .store = request->store(), .session = request->session()},
      IdOf(request->last()), request->empty() ? cluster::Holds::kNothing : cluster::Holds::kRows);
  if (!position.ok()) return ToGrpc(position.status());
  response->mutable_last()->set_number(position->epoch.number);
  response->mutable_last()->set_tag(position->epoch.tag);
  response->set_attempt(position->attempt);
  return grpc::Status::OK;
}

grpc::Status PartHandler::GetPart(grpc::ServerContext*,
                                  const proto::GetPartRequest* request,
                                  proto::GetPartResponse* response) {
  absl::Status status = part_.CheckSession(request->session());
  if (status.ok()) status = CheckEpoch(request->min_epoch());
  const PartStatus part = part_.GetStatus();
  response->set_epoch(part.epoch);
  response->set_version(part.version);
  return ToGrpc(status);
}

// Not two at a time: one that its caller gave up takes memory as long as it is written.
grpc::Status PartHandler::ApplyEpoch(grpc::ServerContext* context,
                                     grpc::ServerReader<proto::ApplyEpochChunk>* chunks,
                                     proto::Empty*) {
  if (taking_.exchange(true)) {
    return {grpc::StatusCode::UNAVAILABLE, "an epoch is on its way to this part already"};
  }
  DropUnused();
  const absl::Status status = TakeEpoch(*context, *chunks);
  taking_ = false;
  return ToGrpc(status);
}

absl::Status PartHandler::TakeEpoch(const grpc::ServerContext& context,
                                    grpc::ServerReader<proto::ApplyEpochChunk>& chunks) {
  cluster::Epoch epoch;
  uint64_t bytes = 0;
  uint64_t session = 0;
  proto::ApplyEpochChunk chunk;
  for (bool first = true; chunks.Read(&chunk); first = false) {
    if (first) {
      session = chunk.session();
      UNIRUST_RETURN_IF_ERROR(part_.CheckSession(session));  // rather than after all of it
      if (chunk.kind() > static_cast<uint32_t>(cluster::EpochKind::kClear)) {
        return absl::InvalidArgumentError("kind: unknown");
      }
      epoch.kind = static_cast<cluster::EpochKind>(chunk.kind());
      epoch.id = IdOf(chunk.epoch());
      epoch.after_tag = chunk.after_tag();
      bytes = chunk.bytes();
    }
    epoch.rows += chunk.rows();
    if (epoch.rows.size() > bytes) break;
  }
  // A stream that broke off looks like one that ended.
  if (context.IsCancelled() || epoch.id.number == 0 || epoch.rows.size() != bytes) {
    return absl::CancelledError("the epoch did not arrive as a whole");
  }
  MutexLock lock(writing_);
  UNIRUST_RETURN_IF_ERROR(part_.CheckSession(session));
  return part_.Apply(epoch);
}

template <typename Call>
grpc::Status PartHandler::OfPending(const proto::PendingRequest& request, const Call& call) {
  MutexLock lock(writing_);
  const absl::Status status = part_.CheckSession(request.session());
  return ToGrpc(status.ok() ? call({.attempt = request.attempt(), .number = request.step()})
                            : status);
}

grpc::Status PartHandler::BeginGeneration(grpc::ServerContext*,
                                          const proto::PendingRequest* request, proto::Empty*) {
  return OfPending(*request,
                   [&](cluster::PendingStep step) { return part_.BeginGeneration(step); });
}

grpc::Status PartHandler::CommitPending(grpc::ServerContext* context,
                                        grpc::ServerReader<proto::PendingRowsChunk>* chunks,
                                        proto::Empty*) {
  std::string rows;
  uint64_t bytes = 0;
  proto::PendingRequest request;
  for (proto::PendingRowsChunk chunk; chunks->Read(&chunk);) {
    rows += chunk.rows();
    bytes = chunk.bytes();
    request.set_attempt(chunk.attempt());
    request.set_step(chunk.step());
    request.set_session(chunk.session());
    if (rows.size() > bytes) break;
  }
  if (context->IsCancelled() || rows.empty() || rows.size() != bytes) {
    return {grpc::StatusCode::CANCELLED, "the rows did not arrive as a whole"};
  }
  return OfPending(request,
                   [&](cluster::PendingStep step) { return part_.CommitPending(step, rows); });
}

grpc::Status PartHandler::SealPending(grpc::ServerContext*,
                                      const proto::PendingRequest* request, proto::Empty*) {
  return OfPending(*request, [&](cluster::PendingStep step) { return part_.SealPending(step); });
}

grpc::Status PartHandler::DropPending(grpc::ServerContext*,
                                      const proto::PendingRequest* request, proto::Empty*) {
  return OfPending(*request, [&](cluster::PendingStep step) { return part_.DropPending(step); });
}

// --- states --------------------------------------------------------------------------------------

grpc::Status PartHandler::OpenState(grpc::ServerContext*,
                                    const proto::OpenStateRequest* request,
                                    proto::OpenedState* response) {
  const absl::Status session = part_.CheckSession(request->session());
  if (!session.ok()) return ToGrpc(session);
  DropUnused();
  MutexLock lock(mutex_);
  for (const uint64_t lease : request->unused_leases()) leases_.erase(lease);
  absl::StatusOr<store::Reader> reader = part_.ReadEpoch(request->epoch());
  if (!reader.ok()) return ToGrpc(reader.status());
  if (leases_.size() >= limits::kPartStatesMax) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "very many states of this part are read already: ask again a little later"};
  }
  // Not to be mistaken for one of an earlier process.
  if (last_lease_ == 0) last_lease_ = UniqueNumber();
  leases_[++last_lease_] = {*std::move(reader), request->epoch(), SteadyClockMicros()};
  response->set_lease(last_lease_);
  return grpc::Status::OK;
}

void PartHandler::DropUnused() {
  MutexLock lock(mutex_);
  const uint64_t now = SteadyClockMicros();
  std::erase_if(leases_, [&](const auto& entry) {
    return now - entry.second.used_micros > limits::kPartStateIdleSecondsMax * 1'000'000;
  });
}

absl::Status PartHandler::CheckEpoch(uint64_t min_epoch) const {
  const uint64_t last = part_.last().number;
  if (last >= min_epoch) return absl::OkStatus();
  return absl::FailedPreconditionError("this part has epoch " + std::to_string(last) +
                                       ", and had " + std::to_string(min_epoch) +
                                       ": its directory is an older one. Restore it");
}

absl::StatusOr<store::Reader> PartHandler::ReaderOf(const proto::PartState& state) {
  UNIRUST_RETURN_IF_ERROR(part_.CheckSession(state.session()));
  if (state.lease() == 0) {
    UNIRUST_RETURN_IF_ERROR(CheckEpoch(state.min_epoch()));
    return state.pending() ? part_.ReadPending() : part_.ReadLatest();
  }
  MutexLock lock(mutex_);
  const auto lease = leases_.find(state.lease());
  if (lease == leases_.end()) {
    return absl::UnavailableError("the state that was read is not kept any more: read again");
  }
  lease->second.used_micros = SteadyClockMicros();
  return lease->second.reader;
}

// --- rows ----------------------------------------------------------------------------------------

grpc::Status PartHandler::GetRows(grpc::ServerContext*,
                                  const proto::GetRowsRequest* request,
                                  grpc::ServerWriter<proto::GetRowsChunk>* chunks) {
  const absl::StatusOr<store::Reader> reader = ReaderOf(request->state());
  if (!reader.ok()) return ToGrpc(reader.status());
  const absl::StatusOr<store::Family> family = FamilyOf(request->family());
  if (!family.ok()) return ToGrpc(family.status());
  const std::vector<std::string> keys(request->keys().begin(), request->keys().end());
  if (!std::is_sorted(keys.begin(), keys.end())) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "keys: not in ascending order"};
  }
  proto::GetRowsChunk chunk;
  size_t bytes = 0;
  const auto send = [&] {
    chunks->Write(chunk);
    chunk.Clear();
    bytes = 0;
  };
  const absl::Status status =
      reader->MultiGet(*family, keys, [&](size_t i, std::string_view value) {
        chunk.add_positions(static_cast<uint32_t>(i));
        chunk.add_values(std::string(value));
        bytes += value.size();
        if (bytes >= limits::kPageBytesMax) send();
      });
  if (status.ok() && chunk.positions_size() > 0) send();
  return ToGrpc(status);
}

grpc::Status PartHandler::WalkRows(grpc::ServerContext*,
                                   const proto::WalkRowsRequest* request,
                                   grpc::ServerWriter<proto::WalkRowsResponse>* page) {
  const absl::StatusOr<store::Reader> reader = ReaderOf(request->state());
  if (!reader.ok()) return ToGrpc(reader.status());
  proto::WalkRowsResponse rows;
  const absl::Status status = Page(*request, &rows).Read(*reader);
  if (status.ok()) page->Write(rows);
  return ToGrpc(status);
}

grpc::Status PartHandler::EstimateRows(grpc::ServerContext*,
                                       const proto::EstimateRowsRequest* request,
                                       proto::EstimatedRows* response) {
  const absl::StatusOr<store::Reader> reader = ReaderOf(request->state());
  if (!reader.ok()) return ToGrpc(reader.status());
  const absl::StatusOr<store::Family> family = FamilyOf(request->family());
  if (!family.ok()) return ToGrpc(family.status());
  response->set_bytes(reader->EstimateBytes(*family, request->lower(), request->upper()));
  return grpc::Status::OK;
}

grpc::Status PartHandler::ReadSlots(grpc::ServerContext*,
                                    const proto::ReadSlotsRequest* request,
                                    proto::ReadSlotsResponse* response) {
  const absl::StatusOr<store::Reader> reader = ReaderOf(request->state());
  if (!reader.ok()) return ToGrpc(reader.status());
  const absl::StatusOr<store::SlotQuery> query = ToQuery(*request);
  if (!query.ok()) return ToGrpc(query.status());
  absl::StatusOr<store::SlotRows> rows = reader->ReadSlots(*query);
  if (!rows.ok()) return ToGrpc(rows.status());
  ToProto(*std::move(rows), response);
  return grpc::Status::OK;
}

// --- files ---------------------------------------------------------------------------------------

// Home asks when nobody reads a state of an earlier epoch any more.
grpc::Status PartHandler::RewritePart(grpc::ServerContext* context,
                                      const proto::RewritePartRequest* request,
                                      grpc::ServerWriter<proto::Empty>* signs) {
  absl::Status status = part_.CheckSession(request->session());
  if (status.ok()) status = CheckEpoch(request->epoch());
  if (!status.ok()) return ToGrpc(status);
  {
    MutexLock lock(mutex_);
    std::erase_if(leases_,
                  [&](const auto& entry) { return entry.second.epoch < request->epoch(); });
  }
  return ToGrpc(part_.Rewrite(request->epoch(), Stop(*context, request->session(), *signs)));
}

// Asked now and then by what takes long: gives a sign that it goes on, and says to stop if nobody listens any more, or
// another process has opened the store.
template <typename Sign>
std::function<bool()> PartHandler::Stop(const grpc::ServerContext& context, uint64_t session,
                                        grpc::ServerWriter<Sign>& signs) const {
  return [this, &context, session, &signs, signed_micros = uint64_t{0}]() mutable {
    if (context.IsCancelled() || !part_.CheckSession(session).ok()) return true;
    const uint64_t now = SteadyClockMicros();
    if (now - signed_micros < limits::kPartSignMs * 1000) return false;
    signed_micros = now;
    return !signs.Write({});
  };
}

// --- copies --------------------------------------------------------------------------------------

grpc::Status PartHandler::BackupPart(grpc::ServerContext* context,
                                     const proto::BackupPartRequest* request,
                                     grpc::ServerWriter<proto::BackupPartChunk>* chunks) {
  absl::Status status = part_.CheckSession(request->session());
  if (status.ok()) status = CheckEpoch(request->min_epoch());
  if (!status.ok()) return ToGrpc(status);
  const absl::StatusOr<uint32_t> made =
      part_.Backup(Stop(*context, request->session(), *chunks));
  if (!made.ok()) return ToGrpc(made.status());
  proto::BackupPartChunk last;
  last.set_backup_id(*made);
  if (chunks->Write(last) && !context->IsCancelled()) return grpc::Status::OK;
  return ToGrpc(part_.DropCopies({.keep = {}, .backups = {*made}, .checkpoint = ""}));  // nobody knows of it
}

grpc::Status PartHandler::DropCopies(grpc::ServerContext*, const proto::DropCopiesRequest* request,
                                     proto::Empty*) {
  const absl::Status session = part_.CheckSession(request->session());
  if (!session.ok()) return ToGrpc(session);
  return ToGrpc(part_.DropCopies({.keep = {request->keep().begin(), request->keep().end()},
                                  .backups = {request->backups().begin(), request->backups().end()},
                                  .checkpoint = request->checkpoint()}));
}

grpc::Status PartHandler::CheckpointPart(grpc::ServerContext*,
                                         const proto::CheckpointPartRequest* request,
                                         proto::CheckpointPartResponse* response) {
  absl::Status status = part_.CheckSession(request->session());
  if (status.ok()) status = CheckEpoch(request->min_epoch());
  if (!status.ok()) return ToGrpc(status);
  const absl::StatusOr<std::string> path = part_.Checkpoint(request->name());
  if (path.ok()) response->set_path(*path);
  return ToGrpc(path.status());
}

}  // namespace unirust::peer
