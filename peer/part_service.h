// Serves the parts that a process has, one of each tenant's store (docs/tenants.md).
#pragma once

#include <map>
#include <string>

#include "cluster/local_part.h"
#include "peer/part_handler.h"
#include "proto/parts.grpc.pb.h"

namespace unirust::peer {

// A call is for the part of the tenant that it names. UNAVAILABLE: there is none. Thread-safe.
class PartService final : public proto::PartService::Service {
 public:
  // By tenant; the default one's name is empty. The parts must outlive this.
  explicit PartService(const std::map<std::string, cluster::LocalPart*>& parts);
  explicit PartService(cluster::LocalPart& of_default) : PartService({{"", &of_default}}) {}

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
                        grpc::ServerWriter<proto::WalkRowsResponse>* page) override;
  grpc::Status EstimateRows(grpc::ServerContext* context, const proto::EstimateRowsRequest* request,
                            proto::EstimatedRows* response) override;
  grpc::Status ReadSlots(grpc::ServerContext* context, const proto::ReadSlotsRequest* request,
                         proto::ReadSlotsResponse* response) override;
  grpc::Status RewritePart(grpc::ServerContext* context, const proto::RewritePartRequest* request,
                           grpc::ServerWriter<proto::Empty>* signs) override;
  grpc::Status BackupPart(grpc::ServerContext* context, const proto::BackupPartRequest* request,
                          grpc::ServerWriter<proto::BackupPartChunk>* chunks) override;
  grpc::Status DropCopies(grpc::ServerContext* context, const proto::DropCopiesRequest* request,
                           proto::Empty* response) override;
  grpc::Status CheckpointPart(grpc::ServerContext* context,
                              const proto::CheckpointPartRequest* request,
                              proto::CheckpointPartResponse* response) override;

 private:
  template <typename Method, typename... Args>
  grpc::Status Handle(grpc::ServerContext* context, Method method, Args... args);

  std::map<std::string, PartHandler, std::less<>> handlers_;
};

}  // namespace unirust::peer
