// A part that another process serves (part_service.h).
#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "cluster/part.h"
#include "peer/remote_rows.h"

namespace unirust::peer {

class RemotePart final : public cluster::Part {
 public:
  // `address` for messages.
  RemotePart(const std::shared_ptr<grpc::Channel>& channel, std::string address);

  absl::Status Join(const cluster::Membership& membership) override;
  absl::StatusOr<uint64_t> LastEpoch() override;
  absl::StatusOr<uint64_t> LastAttempt() override;
  absl::Status Apply(const cluster::Epoch& epoch) override;
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override;
  absl::StatusOr<store::Reader> ReadLatest() override;
  absl::StatusOr<store::Reader> ReadPending() override;
  absl::Status BeginGeneration(uint64_t attempt) override;
  absl::Status CommitPending(uint64_t attempt, const std::string& rows) override;
  absl::Status SealPending(uint64_t attempt) override;
  absl::Status DropPending(uint64_t attempt) override;

 private:
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const proto::PendingRequest&,
                                        proto::PartDone*);
  absl::Status Call(Method method, uint64_t attempt);

  const std::shared_ptr<Stub> stub_;
  const std::string address_;
  std::atomic<uint64_t> has_epoch_ = 0;  // the part had it: it must not have fewer
  Mutex mutex_;
  // The newest state that was read: most reads are of the same.
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<RemoteState> state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::peer
