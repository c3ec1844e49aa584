#include "rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/limits.h"
#include "rpc/channel.h"
#include "rpc/requests.h"
#include "rpc/running_calls.h"

namespace unirust::rpc {
namespace {

std::string RealAddress(const std::string& listen, int port) {
  if (!listen.ends_with(":0")) return listen;
  return listen.substr(0, listen.size() - 1) + std::to_string(port);
}

// Must happen once in the process, before the first server is built.
void EnableStandardServices() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

void SetLimits(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("unirust");
  quota.SetMaxThreads(static_cast<int>(limits::kServerThreadsMax));
  // Towards it windows for what clients send close, then connections without calls are.
  quota.Resize(limits::kTransportBytesMax);
  builder.SetResourceQuota(quota);
  // A thread that has answered waits for the next request, instead of ending while another one begins.
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS,
                              static_cast<int>(limits::kIdleServerThreadsMax));
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  // Lets the transport take in the next chunk of a stream while the one before it is committed.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
                             static_cast<int>(limits::kMessageBytesMax));
  // Clients that have vanished answer no ping, with calls or without.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(limits::kKeepaliveMs));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             static_cast<int>(limits::kKeepaliveAnswerMsMax));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             static_cast<int>(limits::kClientPingMsMin));
  // Otherwise two daemons share a port, and each gets some of the requests.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::string& listen,
                                                      grpc::Service& service,
                                                      RequestMetrics* metrics,
                                                      const ServerSecurity& security) {
  EnableStandardServices();
  RaiseOpenFilesLimit();  // where a connection finds no descriptor, gRPC stops listening for good
  grpc::ServerBuilder builder;
  SetLimits(builder);
  int port = 0;
  const absl::Status refused = absl::UnavailableError(
      "cannot listen on '" + listen +
      "': not host:port, not an address of this machine, or in use");
  if (!listen.empty() && !IsAddress(listen)) return refused;
  if (!listen.empty()) {
    builder.AddListeningPort(listen,
                             security.credentials != nullptr ? security.credentials
                                                             : grpc::InsecureServerCredentials(),
                             &port);
  }
  builder.RegisterService(&service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(MakeRequestInterceptor(metrics, security.gate));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || (!listen.empty() && port == 0)) {
    return refused;
  }
  return std::unique_ptr<Server>(new Server(std::move(server), RealAddress(listen, port), metrics));
}

Server::Server(std::unique_ptr<grpc::Server> server, std::string address, RequestMetrics* metrics)
    : watch_(metrics == nullptr ? nullptr : std::make_unique<CallWatch>(metrics->running())),
      server_(std::move(server)),
      address_(std::move(address)) {}

Server::~Server() { Shutdown(); }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return server_->InProcessChannel(ChannelArguments());
}

void Server::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void Server::Shutdown() {
  server_->Shutdown(std::chrono::system_clock::now() +
                    std::chrono::milliseconds(limits::kDrainMsMax));
}

}  // namespace unirust::rpc
