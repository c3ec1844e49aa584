// Serves one part of a store of several to the writer of that store (docs/cluster.md).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "cluster/part.h"
#include "proto/parts.grpc.pb.h"
#include "store/store.h"

namespace unirust::peer {

// Trusts its clients: whoever reaches it can write rows. Thread-safe.
class PartService final : public proto::PartService::Service {
 public:
  explicit PartService(cluster::Part& part) : part_(part) {}

  grpc::Status Join(grpc::ServerContext* context, const proto::JoinPartRequest* request,
                    proto::PartDone* response) override;
  grpc::Status GetPosition(grpc::ServerContext* context, const proto::PartDone* request,
                           proto::PartPosition* response) override;
  grpc::Status ApplyEpoch(grpc::ServerContext* context,
                          grpc::ServerReader<proto::ApplyEpochChunk>* chunks,
                          proto::PartDone* response) override;
  grpc::Status BeginGeneration(grpc::ServerContext* context, const proto::PendingRequest* request,
                               proto::PartDone* response) override;
  grpc::Status CommitPending(grpc::ServerContext* context,
                             grpc::ServerReader<proto::PendingRowsChunk>* chunks,
                             proto::PartDone* response) override;
  grpc::Status SealPending(grpc::ServerContext* context, const proto::PendingRequest* request,
                           proto::PartDone* response) override;
  grpc::Status DropPending(grpc::ServerContext* context, const proto::PendingRequest* request,
                           proto::PartDone* response) override;
  grpc::Status OpenState(grpc::ServerContext* context, const proto::OpenStateRequest* request,
                         proto::OpenedState* response) override;
  grpc::Status CloseState(grpc::ServerContext* context, const proto::OpenedState* request,
                          proto::PartDone* response) override;
  grpc::Status GetRows(grpc::ServerContext* context, const proto::GetRowsRequest* request,
                       grpc::ServerWriter<proto::GetRowsChunk>* chunks) override;
  grpc::Status WalkRows(grpc::ServerContext* context, const proto::WalkRowsRequest* request,
                        proto::WalkRowsResponse* response) override;
  grpc::Status EstimateRows(grpc::ServerContext* context,
                            const proto::EstimateRowsRequest* request,
                            proto::EstimatedRows* response) override;

 private:
  struct Lease {
    store::Reader reader;
    uint64_t used_micros = 0;
  };
  absl::StatusOr<store::Reader> ReaderOf(const proto::PartState& state);
  void DropUnused(uint64_t now_micros) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  cluster::Part& part_;
  Mutex mutex_;
  std::map<uint64_t, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_lease_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace unirust::peer
