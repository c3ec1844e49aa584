#include "peer/part_service.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "proto/status.h"

namespace unirust::peer {
namespace {

using proto::ToGrpc;

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
    const auto cursor = request_.prefix()
                            ? reader.ScanPrefix(family, request_.lower())
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

grpc::Status PartService::Join(grpc::ServerContext*, const proto::JoinPartRequest* request,
                               proto::PartDone*) {
  return ToGrpc(part_.Join(
      {.parts = request->parts(), .part = request->part(), .store = request->store()}));
}

grpc::Status PartService::GetPosition(grpc::ServerContext*, const proto::PartDone*,
                                      proto::PartPosition* response) {
  const absl::StatusOr<uint64_t> epoch = part_.LastEpoch();
  if (!epoch.ok()) return ToGrpc(epoch.status());
  const absl::StatusOr<uint64_t> attempt = part_.LastAttempt();
  if (!attempt.ok()) return ToGrpc(attempt.status());
  response->set_epoch(*epoch);
  response->set_attempt(*attempt);
  return grpc::Status::OK;
}

grpc::Status PartService::ApplyEpoch(grpc::ServerContext* context,
                                     grpc::ServerReader<proto::ApplyEpochChunk>* chunks,
                                     proto::PartDone*) {
  cluster::Epoch epoch;
  uint64_t bytes = 0;
  proto::ApplyEpochChunk chunk;
  for (bool first = true; chunks->Read(&chunk); first = false) {
    if (first) {
      epoch.number = chunk.epoch();
      bytes = chunk.bytes();
      if (chunk.kind() > static_cast<uint32_t>(cluster::EpochKind::kClear)) {
        return {grpc::StatusCode::INVALID_ARGUMENT, "kind: unknown"};
      }
      epoch.kind = static_cast<cluster::EpochKind>(chunk.kind());
    }
    epoch.rows += chunk.rows();
  }
  // A stream that broke off looks like one that ended.
  if (context->IsCancelled() || epoch.number == 0 || epoch.rows.size() != bytes) {
    return {grpc::StatusCode::CANCELLED, "the epoch did not arrive as a whole"};
  }
  return ToGrpc(part_.Apply(epoch));
}

grpc::Status PartService::BeginGeneration(grpc::ServerContext*,
                                          const proto::PendingRequest* request, proto::PartDone*) {
  return ToGrpc(part_.BeginGeneration(request->attempt()));
}

grpc::Status PartService::CommitPending(grpc::ServerContext* context,
                                        grpc::ServerReader<proto::PendingRowsChunk>* chunks,
                                        proto::PartDone*) {
  std::string rows;
  uint64_t bytes = 0;
  uint64_t attempt = 0;
  for (proto::PendingRowsChunk chunk; chunks->Read(&chunk);) {
    rows += chunk.rows();
    attempt = chunk.attempt();
    bytes = chunk.bytes();
  }
  if (context->IsCancelled() || rows.empty() || rows.size() != bytes) {
    return {grpc::StatusCode::CANCELLED, "the rows did not arrive as a whole"};
  }
  return ToGrpc(part_.CommitPending(attempt, rows));
}

grpc::Status PartService::SealPending(grpc::ServerContext*, const proto::PendingRequest* request,
                                      proto::PartDone*) {
  return ToGrpc(part_.SealPending(request->attempt()));
}

grpc::Status PartService::DropPending(grpc::ServerContext*, const proto::PendingRequest* request,
                                      proto::PartDone*) {
  return ToGrpc(part_.DropPending(request->attempt()));
}

// --- states ----------------------------------------------------------------------------------------

grpc::Status PartService::OpenState(grpc::ServerContext*, const proto::OpenStateRequest* request,
                                    proto::OpenedState* response) {
  absl::StatusOr<store::Reader> reader = part_.ReadEpoch(request->epoch());
  if (!reader.ok()) return ToGrpc(reader.status());
  MutexLock lock(mutex_);
  const uint64_t now = SteadyClockMicros();
  DropUnused(now);
  if (leases_.size() >= limits::kPartStatesMax) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "very many states of this part are read already: ask again a little later"};
  }
  // Not to be mistaken for one of an earlier process.
  if (last_lease_ == 0) last_lease_ = static_cast<uint64_t>(std::random_device()()) << 32U;
  leases_[++last_lease_] = {*std::move(reader), now};
  response->set_lease(last_lease_);
  return grpc::Status::OK;
}

grpc::Status PartService::CloseState(grpc::ServerContext*, const proto::OpenedState* request,
                                     proto::PartDone*) {
  MutexLock lock(mutex_);
  leases_.erase(request->lease());
  return grpc::Status::OK;
}

void PartService::DropUnused(uint64_t now_micros) {
  std::erase_if(leases_, [&](const auto& entry) {
    return now_micros - entry.second.used_micros > limits::kPartStateIdleSecondsMax * 1'000'000;
  });
}

absl::StatusOr<store::Reader> PartService::ReaderOf(const proto::PartState& state) {
  if (state.lease() == 0) {
    UNIRUST_ASSIGN_OR_RETURN(const uint64_t last, part_.LastEpoch());
    if (last < state.min_epoch()) {
      return absl::FailedPreconditionError("this part has epoch " + std::to_string(last) +
                                           ", and had " + std::to_string(state.min_epoch()) +
                                           ": its directory is an older one. Restore it");
    }
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

// --- rows ------------------------------------------------------------------------------------------

grpc::Status PartService::GetRows(grpc::ServerContext*, const proto::GetRowsRequest* request,
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

grpc::Status PartService::WalkRows(grpc::ServerContext*, const proto::WalkRowsRequest* request,
                                   proto::WalkRowsResponse* response) {
  const absl::StatusOr<store::Reader> reader = ReaderOf(request->state());
  if (!reader.ok()) return ToGrpc(reader.status());
  return ToGrpc(Page(*request, response).Read(*reader));
}

grpc::Status PartService::EstimateRows(grpc::ServerContext*,
                                       const proto::EstimateRowsRequest* request,
                                       proto::EstimatedRows* response) {
  const absl::StatusOr<store::Reader> reader = ReaderOf(request->state());
  if (!reader.ok()) return ToGrpc(reader.status());
  const absl::StatusOr<store::Family> family = FamilyOf(request->family());
  if (!family.ok()) return ToGrpc(family.status());
  response->set_bytes(reader->EstimateBytes(*family, request->lower(), request->upper()));
  return grpc::Status::OK;
}

}  // namespace unirust::peer
