// A part that another process serves (part_service.h).
#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/mutex.h"
#include "cluster/part.h"
#include "peer/remote_rows.h"

namespace unirust::peer {

class RemotePart final : public cluster::Part {
 public:
  // `address` for messages. `silence_ms`: of a part that makes its files anew, until it counts as gone.
  RemotePart(const std::shared_ptr<grpc::Channel>& channel, std::string address,
             uint64_t silence_ms = limits::kPartDeadlineMs);

  const std::string& address() const { return address_; }

  absl::StatusOr<cluster::Position> Join(const cluster::Membership& membership,
                                         cluster::EpochId last, cluster::Holds holds) override;
  absl::Status Apply(const cluster::Epoch& epoch) override;
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override;
  absl::StatusOr<store::Reader> ReadLatest() override;
  absl::StatusOr<store::Reader> ReadPending() override;
  PartStatus GetStatus() override;
  absl::Status BeginGeneration(cluster::PendingStep step) override;
  absl::Status CommitPending(cluster::PendingStep step, const std::string& rows) override;
  absl::Status SealPending(cluster::PendingStep step) override;
  absl::Status DropPending(cluster::PendingStep step) override;
  absl::Status Rewrite(uint64_t epoch, const std::function<bool()>& stop) override;
  absl::StatusOr<uint32_t> Backup(const std::function<bool()>& stop) override;
  absl::StatusOr<std::string> Checkpoint(const std::string& name) override;
  absl::Status DropCopies(const cluster::UnwantedCopies& unwanted) override;

 private:
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const proto::PendingRequest&,
                                        proto::Empty*);
  absl::Status Call(Method method, cluster::PendingStep step);
  template <typename Request, typename Sign>
  absl::Status AwaitSigns(std::unique_ptr<grpc::ClientReader<Sign>> (Stub::*method)(
                              grpc::ClientContext*, const Request&),
                          const Request& request, const std::function<bool()>& stop,
                          const std::function<void(const Sign&)>& hear);
  absl::StatusOr<std::shared_ptr<RemoteState>> OpenState(uint64_t epoch);
  store::Reader ReadNewest(bool pending) const;

  const std::shared_ptr<Stub> stub_;
  const std::string address_;
  const uint64_t silence_ms_;
  const std::shared_ptr<UnusedLeases> unused_ = std::make_shared<UnusedLeases>();
  std::atomic<uint64_t> session_ = 0;    // of the last Join
  std::atomic<uint64_t> has_epoch_ = 0;  // the part had it: it must not have fewer
  Mutex mutex_;
  CondVar opened_;
  bool opening_ ABSL_GUARDED_BY(mutex_) = false;  // one at a time; what it comes to is for all who wait
  // The state that was opened last, or why that failed: most reads are of the same.
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::StatusOr<std::shared_ptr<RemoteState>> state_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace unirust::peer
