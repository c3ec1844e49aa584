// What the writer of a store of several parts asks of one of them (docs/cluster.md).
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "cluster/local_part.h"
#include "proto/parts.grpc.pb.h"
#include "store/store.h"

namespace unirust::peer {

// The methods of PartService, of one part. Trusts who calls, who can write rows. Thread-safe.
class PartHandler {
 public:
  explicit PartHandler(cluster::LocalPart& part) : part_(part) {}

  grpc::Status Join(grpc::ServerContext* context, const proto::JoinPartRequest* request,
                    proto::JoinPartResponse* response);
  grpc::Status GetPart(grpc::ServerContext* context, const proto::GetPartRequest* request,
                       proto::GetPartResponse* response);
  grpc::Status ApplyEpoch(grpc::ServerContext* context,
                          grpc::ServerReader<proto::ApplyEpochChunk>* chunks,
                          proto::Empty* response);
  grpc::Status BeginGeneration(grpc::ServerContext* context, const proto::PendingRequest* request,
                               proto::Empty* response);
  grpc::Status CommitPending(grpc::ServerContext* context,
                             grpc::ServerReader<proto::PendingRowsChunk>* chunks,
                             proto::Empty* response);
  grpc::Status SealPending(grpc::ServerContext* context, const proto::PendingRequest* request,
                           proto::Empty* response);
  grpc::Status DropPending(grpc::ServerContext* context, const proto::PendingRequest* request,
                           proto::Empty* response);
  grpc::Status OpenState(grpc::ServerContext* context, const proto::OpenStateRequest* request,
                         proto::OpenedState* response);
  grpc::Status GetRows(grpc::ServerContext* context, const proto::GetRowsRequest* request,
                       grpc::ServerWriter<proto::GetRowsChunk>* chunks);
  grpc::Status WalkRows(grpc::ServerContext* context, const proto::WalkRowsRequest* request,
                        grpc::ServerWriter<proto::WalkRowsResponse>* page);
  grpc::Status EstimateRows(grpc::ServerContext* context,
                            const proto::EstimateRowsRequest* request,
                            proto::EstimatedRows* response);
  grpc::Status ReadSlots(grpc::ServerContext* context, const proto::ReadSlotsRequest* request,
                         proto::ReadSlotsResponse* response);
  grpc::Status RewritePart(grpc::ServerContext* context, const proto::RewritePartRequest* request,
                           grpc::ServerWriter<proto::Empty>* signs);
  grpc::Status BackupPart(grpc::ServerContext* context, const proto::BackupPartRequest* request,
                          grpc::ServerWriter<proto::BackupPartChunk>* chunks);
  grpc::Status DropCopies(grpc::ServerContext* context, const proto::DropCopiesRequest* request,
                           proto::Empty* response);
  grpc::Status CheckpointPart(grpc::ServerContext* context,
                              const proto::CheckpointPartRequest* request,
                              proto::CheckpointPartResponse* response);

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
  template <typename Sign>
  std::function<bool()> Stop(const grpc::ServerContext& context, uint64_t session,
                             grpc::ServerWriter<Sign>& signs) const;

  cluster::LocalPart& part_;
  std::atomic<bool> taking_ = false;  // an epoch
  // Held from the check of the session to the end of what it writes: nothing of an earlier one comes after a Join.
  Mutex writing_;
  Mutex mutex_;
  std::map<uint64_t, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_lease_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace unirust::peer
