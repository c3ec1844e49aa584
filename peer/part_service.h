// Serves one part of a store of several to the writer of that store (docs/cluster.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "cluster/local_part.h"
#include "proto/parts.grpc.pb.h"
#include "store/store.h"

namespace unirust::peer {

// Trusts those that the server's gate lets in: they can write rows. Thread-safe.
class PartService final : public proto::PartService::Service {
 public:
  explicit PartService(cluster::LocalPart& part) : part_(part) {}

  grpc::Status Join(grpc::ServerContext* context, const proto::JoinPartRequest* request,
                    proto::JoinPartResponse* response) override;
  grpc::Status GetPart(grpc::ServerContext* context, const proto::GetPartRequest* request,
                       proto::GetPartResponse* response) override;
  grpc::Status ApplyEpoch(grpc::ServerContext* context,
                          grpc::ServerReader<proto::ApplyEpochChunk>* chunks,
                          proto::Empty* response) override;
  grpc::Status BeginGeneration(grpc::ServerContext* context, const proto::PendingRequest* request,
                               proto::Empty* response) override;
  grpc::Status CommitPending(grpc::ServerContext* context,
                             grpc::ServerReader<proto::PendingRowsChunk>* chunks,
                             proto::Empty* response) override;
  grpc::Status SealPending(grpc::ServerContext* context, const proto::PendingRequest* request,
                           proto::Empty* response) override;
  grpc::Status DropPending(grpc::ServerContext* context, const proto::PendingRequest* request,
                           proto::Empty* response) override;
  grpc::Status OpenState(grpc::ServerContext* context, const proto::OpenStateRequest* request,
                         proto::OpenedState* response) override;
  grpc::Status GetRows(grpc::ServerContext* context, const proto::GetRowsRequest* request,
                       grpc::ServerWriter<proto::GetRowsChunk>* chunks) override;
  grpc::Status WalkRows(grpc::ServerContext* context, const proto::WalkRowsRequest* request,
                        proto::WalkRowsResponse* response) override;
  grpc::Status EstimateRows(grpc::ServerContext* context,
                            const proto::EstimateRowsRequest* request,
                            proto::EstimatedRows* response) override;
  grpc::Status ReadSlots(grpc::ServerContext* context, const proto::ReadSlotsRequest* request,
                         proto::ReadSlotsResponse* response) override;
  grpc::Status RewritePart(grpc::ServerContext* context, const proto::RewritePartRequest* request,
                           grpc::ServerWriter<proto::Empty>* signs) override;

 private:
  struct Lease {
    store::Reader reader;
    uint64_t epoch = 0;
    uint64_t used_micros = 0;
  };
  absl::Status TakeEpoch(const grpc::ServerContext& context,
                         grpc::ServerReader<proto::ApplyEpochChunk>& chunks);
  template <typename Call>
  grpc::Status OfPending(const proto::PendingRequest& request, const Call& call);
  // FAILED_PRECONDITION if the part has fewer epochs.
  absl::Status CheckEpoch(uint64_t min_epoch) const;
  absl::StatusOr<store::Reader> ReaderOf(const proto::PartState& state);
  void DropUnused();

  cluster::LocalPart& part_;
  std::atomic<bool> taking_ = false;  // an epoch
  // Held from the check of the session to the end of what it writes: nothing of an earlier one comes after a Join.
  Mutex writing_;
  Mutex mutex_;
  std::map<uint64_t, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_lease_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace unirust::peer
