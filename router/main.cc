// The program unirust_router: what clients talk to.
#include <cstdio>
#include <string>

#include "base/exit_codes.h"
#include "config/programs.h"
#include "router/health_watch.h"
#include "router/service.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"
#include "rpc/daemon.h"
#include "rpc/metrics_endpoint.h"

namespace unirust::router {
namespace {

const config::ProgramText kText{.name = "unirust_router",
                                .description =
                                    "Answers unirust.RouterService over gRPC from a shard "
                                    "(unirust_shard). Keeps nothing itself.",
                                .examples =
                                    "  unirust_router --shards 127.0.0.1:50061\n"
                                    "  unirust_router --shards shard0:50061 --listen 127.0.0.1:0\n"
                                    "  unirust_router --config router.toml\n"};

int Fail(const std::string& message, int exit_code) {
  std::fprintf(stderr, "unirust_router: %s\n", message.c_str());
  return exit_code;
}

int Run(const config::RouterSettings& settings) {
  config::ConfigureLog(settings.observe);
  if (settings.shards.size() != 1) {
    return Fail("--shards: exactly one address is needed, not " +
                    std::to_string(settings.shards.size()) +
                    "; several shards are not supported yet",
                kExitUsage);
  }
  const std::string& shard = settings.shards.front();
  const auto credentials = rpc::MakeChannelCredentials(settings.tls, shard);
  if (!credentials.ok()) return Fail(std::string(credentials.status().message()), kExitUsage);
  const auto listener = rpc::MakeServerCredentials(settings.tls, settings.listen);
  if (!listener.ok()) return Fail(std::string(listener.status().message()), kExitUsage);
  const auto channel = rpc::ConnectShard(shard, {.credentials = *credentials});
  RouterService service(channel, shard, std::chrono::milliseconds(settings.deadline_ms));
  const auto server =
      rpc::Server::Start(settings.listen, service, &service.requests(), {.credentials = *listener});
  if (!server.ok()) return Fail(std::string(server.status().message()), kExitUnavailable);
  const HealthWatch health(channel, **server);
  const auto metrics = rpc::MetricsEndpoint::Start(
      settings.observe.metrics_listen, {[&](auto& families) { service.requests().AddTo(families); },
                                        [&](auto& families) { health.AddTo(families); }});
  if (!metrics.ok()) {
    return Fail(std::string(metrics.status().message()), rpc::ExitCodeOf(metrics.status()));
  }
  rpc::ServeUntilTerminated(kText.name, **server);
  return kExitOk;
}

}  // namespace
}  // namespace unirust::router

int main(int argc, char** argv) {
  unirust::rpc::BecomeDaemon();
  unirust::config::RouterSettings router;
  unirust::config::Settings settings = unirust::config::Declare(router);
  const auto exit_code =
      unirust::config::ParseCommandLine(unirust::router::kText, settings, argc, argv);
  return exit_code ? *exit_code : unirust::router::Run(router);
}
