#include "rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/client_interceptor.h>

#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "access/roles.h"
#include "base/limits.h"
#include "rpc/admission.h"

namespace unirust::rpc {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

constexpr std::string_view kShardService = "/unirust.ShardService/";

using Headers = std::vector<std::pair<std::string, std::string>>;

// gRPC's own call credentials refuse connections without TLS, which are right on loopback.
class HeaderSender final : public Interceptor {
 public:
  explicit HeaderSender(const Headers& headers) : headers_(headers) {}
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      for (const auto& [key, value] : headers_) {
        methods->GetSendInitialMetadata()->emplace(key, value);
      }
    }
    methods->Proceed();
  }

 private:
  const Headers& headers_;
};

class HeaderSenderFactory final : public ClientInterceptorFactoryInterface {
 public:
  explicit HeaderSenderFactory(Headers headers) : headers_(std::move(headers)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override {
    return new HeaderSender(headers_);
  }

 private:
  const Headers headers_;
};

}  // namespace

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(limits::kAnswerBytesMax));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // a token for loopback would go there in the clear
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return arguments;
}

bool IsAddress(const std::string& address) {
  if (address.starts_with("unix:")) return true;
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  uint16_t port = 0;
  const char* const end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
  return error == std::errc() && stop == end;
}

namespace {

// gRPC's service config, for the methods that readers may call. gRPC varies each delay by a fifth.
std::string ReadsAreRepeated() {
  std::string methods;
  for (const access::Rpc& rpc : access::Rpcs()) {
    if (rpc.role != access::Role::kReader || !rpc.path.starts_with(kShardService)) continue;
    if (!methods.empty()) methods += ",";
    methods += R"({"service":"unirust.ShardService","method":")" +
               std::string(rpc.path.substr(kShardService.size())) + R"("})";
  }
  const auto seconds = [](uint64_t ms) {
    return std::to_string(static_cast<double>(ms) / 1000) + "s";
  };
  return R"({"methodConfig":[{"name":[)" + methods + R"(],"retryPolicy":{"maxAttempts":)" +
         std::to_string(limits::kReadAttemptsMax) + R"(,"initialBackoff":")" +
         seconds(limits::kReadBackoffMs) + R"(","maxBackoff":"10s","backoffMultiplier":2,)" +
         R"("retryableStatusCodes":["UNAVAILABLE"]}}],)" +
         R"("retryThrottling":{"maxTokens":100,"tokenRatio":0.1}})";
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ClientSecurity& security,
                                       const grpc::ChannelArguments& arguments) {
  Headers headers;
  if (!security.token.empty()) headers.emplace_back(kTokenKey, kTokenScheme + security.token);
  if (!security.tenant.empty()) headers.emplace_back(kTenantKey, security.tenant);
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> interceptors;
  if (!headers.empty()) {
    interceptors.push_back(std::make_unique<HeaderSenderFactory>(std::move(headers)));
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      address,
      security.credentials != nullptr ? security.credentials : grpc::InsecureChannelCredentials(),
      arguments, std::move(interceptors));
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ClientSecurity& security) {
  return Connect(address, security, ChannelArguments());
}

std::shared_ptr<grpc::Channel> ConnectShard(const std::string& address,
                                            const ClientSecurity& security) {
  grpc::ChannelArguments arguments = ChannelArguments();
  arguments.SetServiceConfigJSON(ReadsAreRepeated());
  return Connect(address, security, arguments);
}

std::shared_ptr<grpc::Channel> ConnectPart(const std::string& address,
                                           const ClientSecurity& security) {
  grpc::ChannelArguments arguments = ChannelArguments();
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, limits::kPartKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, limits::kPartKeepaliveAnswerMsMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return Connect(address, security, arguments);
}

}  // namespace unirust::rpc
