#include "peer/part_service.h"

#include "rpc/admission.h"

namespace unirust::peer {

PartService::PartService(const std::map<std::string, cluster::LocalPart*>& parts) {
  for (const auto& [tenant, part] : parts) handlers_.try_emplace(tenant, *part);
}

template <typename Method, typename... Args>
grpc::Status PartService::Handle(grpc::ServerContext* context, Method method, Args... args) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const std::string tenant = rpc::TenantName(*context);
  const auto found = handlers_.find(tenant);
  if (found != handlers_.end()) return (found->second.*method)(context, args...);
  return {grpc::StatusCode::UNAVAILABLE,
          "this part has no tenant '" + tenant +
              "', or it could not be opened: start it with the " +
              "--tenants of the shard that has all parts; its log says more"};
}

grpc::Status PartService::Join(grpc::ServerContext* context, const proto::JoinPartRequest* request,
                               proto::JoinPartResponse* response) {
  return Handle(context, &PartHandler::Join, request, response);
}

grpc::Status PartService::GetPart(grpc::ServerContext* context,
                                  const proto::GetPartRequest* request,
                                  proto::GetPartResponse* response) {
  return Handle(context, &PartHandler::GetPart, request, response);
}

grpc::Status PartService::ApplyEpoch(grpc::ServerContext* context,
                                     grpc::ServerReader<proto::ApplyEpochChunk>* chunks,
                                     proto::Empty* response) {
  return Handle(context, &PartHandler::ApplyEpoch, chunks, response);
}

grpc::Status PartService::BeginGeneration(grpc::ServerContext* context,
                                          const proto::PendingRequest* request,
                                          proto::Empty* response) {
  return Handle(context, &PartHandler::BeginGeneration, request, response);
}

grpc::Status PartService::CommitPending(grpc::ServerContext* context,
                                        grpc::ServerReader<proto::PendingRowsChunk>* chunks,
                                        proto::Empty* response) {
  return Handle(context, &PartHandler::CommitPending, chunks, response);
}

grpc::Status PartService::SealPending(grpc::ServerContext* context,
                                      const proto::PendingRequest* request,
                                      proto::Empty* response) {
  return Handle(context, &PartHandler::SealPending, request, response);
}

grpc::Status PartService::DropPending(grpc::ServerContext* context,
                                      const proto::PendingRequest* request,
                                      proto::Empty* response) {
  return Handle(context, &PartHandler::DropPending, request, response);
}

grpc::Status PartService::OpenState(grpc::ServerContext* context,
                                    const proto::OpenStateRequest* request,
                                    proto::OpenedState* response) {
  return Handle(context, &PartHandler::OpenState, request, response);
}

grpc::Status PartService::GetRows(grpc::ServerContext* context,
                                  const proto::GetRowsRequest* request,
                                  grpc::ServerWriter<proto::GetRowsChunk>* chunks) {
  return Handle(context, &PartHandler::GetRows, request, chunks);
}

grpc::Status PartService::WalkRows(grpc::ServerContext* context,
                                   const proto::WalkRowsRequest* request,
                                   grpc::ServerWriter<proto::WalkRowsResponse>* page) {
  return Handle(context, &PartHandler::WalkRows, request, page);
}

grpc::Status PartService::EstimateRows(grpc::ServerContext* context,
                                       const proto::EstimateRowsRequest* request,
                                       proto::EstimatedRows* response) {
  return Handle(context, &PartHandler::EstimateRows, request, response);
}

grpc::Status PartService::ReadSlots(grpc::ServerContext* context,
                                    const proto::ReadSlotsRequest* request,
                                    proto::ReadSlotsResponse* response) {
  return Handle(context, &PartHandler::ReadSlots, request, response);
}

grpc::Status PartService::RewritePart(grpc::ServerContext* context,
                                      const proto::RewritePartRequest* request,
                                      grpc::ServerWriter<proto::Empty>* signs) {
  return Handle(context, &PartHandler::RewritePart, request, signs);
}

grpc::Status PartService::BackupPart(grpc::ServerContext* context,
                                     const proto::BackupPartRequest* request,
                                     grpc::ServerWriter<proto::BackupPartChunk>* chunks) {
  return Handle(context, &PartHandler::BackupPart, request, chunks);
}

grpc::Status PartService::DropCopies(grpc::ServerContext* context,
                                      const proto::DropCopiesRequest* request,
                                      proto::Empty* response) {
  return Handle(context, &PartHandler::DropCopies, request, response);
}

grpc::Status PartService::CheckpointPart(grpc::ServerContext* context,
                                         const proto::CheckpointPartRequest* request,
                                         proto::CheckpointPartResponse* response) {
  return Handle(context, &PartHandler::CheckpointPart, request, response);
}

}  // namespace unirust::peer
