// Rows of a part in another process, as a Reader's state.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "proto/parts.grpc.pb.h"
#include "store/store.h"

namespace unirust::peer {

// What a call to a part came to; `where` is for messages. A part that does not answer, or not in time, is UNAVAILABLE.
absl::Status OfCall(const grpc::Status& status, const std::string& where);

// A call with the deadline of parts, or another one.
std::unique_ptr<grpc::ClientContext> NewCall(uint64_t deadline_ms = limits::kPartDeadlineMs);

// States that a part need not keep any more. Told with the next one that is opened there. Thread-safe.
class UnusedLeases {
 public:
  void Add(uint64_t lease) {
    MutexLock lock(mutex_);
    leases_.push_back(lease);
  }
  std::vector<uint64_t> Take() {
    MutexLock lock(mutex_);
    return std::exchange(leases_, {});
  }

 private:
  Mutex mutex_;
  std::vector<uint64_t> leases_ ABSL_GUARDED_BY(mutex_);
};

using Stub = proto::PartService::Stub;

// One state of a remote part. Each call is a round trip, a walk one a page. Thread-safe.
class RemoteState final : public store::Reader::State,
                          public std::enable_shared_from_this<RemoteState> {
 public:
  // `state`: becomes unused when this is destroyed, if it has a lease.
  RemoteState(std::shared_ptr<Stub> stub, const std::string& address,
              const proto::PartState& state, std::shared_ptr<UnusedLeases> unused)
      : stub_(std::move(stub)),
        where_("the part of the store at " + address),
        state_(state),
        unused_(std::move(unused)) {}
  ~RemoteState() override {
    if (state_.lease() != 0) unused_->Add(state_.lease());
  }

  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override;
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor row) const override;
  RowsToCome BeginMultiGet(store::Family family, std::span<const std::string> keys) const override;
  uint64_t EstimateBytes(store::Family family, std::string_view lower,
                         std::string_view upper) const override;
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override;
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override;
  uint64_t generation() const override { return store::kNoGeneration; }  // home's is asked for
  absl::StatusOr<store::SlotRows> ReadSlots(const store::SlotQuery& query) const override;

  bool lost() const { return lost_; }  // a call failed: the part may keep it no longer

 private:
  // A question for rows that is on its way.
  struct RowsCall {
    size_t first = 0;  // of the keys
    size_t count = 0;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<proto::GetRowsChunk>> chunks;
  };
  absl::Status EndCall(RowsCall& call, store::Reader::RowVisitor row) const;
  absl::Status Checked(const grpc::Status& status) const;
  std::unique_ptr<store::Cursor> Walk(proto::WalkRowsRequest request) const;

  const std::shared_ptr<Stub> stub_;
  const std::string where_;
  const proto::PartState state_;
  const std::shared_ptr<UnusedLeases> unused_;
  mutable std::atomic<bool> lost_ = false;
};

}  // namespace unirust::peer
