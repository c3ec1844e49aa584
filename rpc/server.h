// A gRPC server for one service, with our limits, grpc.health.v1 and reflection.
//
//   UNIRUST_ASSIGN_OR_RETURN(auto server, rpc::Server::Start("127.0.0.1:0", service));
//   std::puts(server->address().c_str());   // the real port
//
// Requests that do not decode (malformed bytes, strings that are not UTF-8) are answered
// INVALID_ARGUMENT. What happens to every call besides: rpc/requests.h. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class Channel;
class Server;
class ServerCredentials;
class Service;
}  // namespace grpc

namespace unirust::access {
class Gate;
}

namespace unirust::rpc {

class RequestMetrics;
class CallWatch;

// Who reaches a server, and what they may do there.
struct ServerSecurity {
  std::shared_ptr<grpc::ServerCredentials> credentials = nullptr;  // credentials.h; null: plaintext
  access::Gate* gate = nullptr;  // null: everyone may do everything. Outlives the server
};

class Server {
 public:
  // Listens on `listen` (host:port, port 0 for a free one; or unix:path); on nothing if it is
  // empty, for a server that is reached in the process only. UNAVAILABLE if the address cannot be
  // had. `service` must outlive the server, and so must `metrics`, where its calls are counted, and
  // limited (rpc/running_calls.h), if it is not null. Lets the process open as many files as it may.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& listen,
                                                       grpc::Service& service,
                                                       RequestMetrics* metrics = nullptr,
                                                       const ServerSecurity& security = {});

  ~Server();  // shuts down

  const std::string& address() const { return address_; }

  // Connected without a network; usable until the server is shut down.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // What grpc.health.v1 answers; true from the start.
  void SetServing(bool serving);

  // Refuses new requests, lets running ones end for limits::kDrainMsMax and cancels what is left.
  // Returns when all have ended. May be called again.
  void Shutdown();

 private:
  Server(std::unique_ptr<grpc::Server> server, std::string address, RequestMetrics* metrics);

  std::unique_ptr<CallWatch> watch_;  // null without metrics
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace unirust::rpc
