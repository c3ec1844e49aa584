// The program unirust_shard: one shard of a store.
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "access/audit_log.h"
#include "base/exit_codes.h"
#include "config/programs.h"
#include "peer/part_service.h"
#include "rpc/credentials.h"
#include "rpc/daemon.h"
#include "rpc/metrics_endpoint.h"
#include "rpc/requests.h"
#include "shard/metrics.h"
#include "shard/open.h"
#include "shard/other_parts.h"
#include "shard/service.h"
#include "shard/tenants.h"

namespace unirust::shard {
namespace {

const config::ProgramText kText{
    .name = "unirust_shard",
    .description =
        "Keeps records, resolves them into entities and answers unirust.ShardService over gRPC.\n"
        "Clients talk to unirust_router, which talks to this program.",
    .examples =
        "  unirust_shard --data-dir /var/lib/unirust\n"
        "  unirust_shard --ephemeral --ontology ontology.json --listen 127.0.0.1:0\n"
        "  UNIRUST_DATA_DIR=/var/lib/unirust unirust_shard --memory-budget 2GiB\n"
        "  unirust_shard --config shard.toml\n"
        "  unirust_shard --part --shard-id 1 --data-dir /var/lib/unirust1 --listen 0.0.0.0:50071\n"
        "  unirust_shard --parts host1:50071,host2:50071 --data-dir /var/lib/unirust0\n"};

int Fail(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "unirust_shard: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

// One part of a store, and of each tenant's, for the shard that has the others.
int RunPart(const config::ShardSettings& settings) {
  std::unique_ptr<access::Gate> gate;
  const auto security =
      rpc::MakeServerSecurity(settings.tls, settings.access, settings.listen, &gate);
  if (!security.ok()) return Fail(security.status(), kExitUsage);
  const auto declared = config::OpenTenants(settings.store);
  if (!declared.ok()) return Fail(declared.status(), kExitUsage);
  const auto opened = OpenParts(settings.store, declared->get(), settings.shard_id);
  if (!opened.ok()) return Fail(opened.status(), ExitCodeOf(opened.status()));
  std::map<std::string, cluster::LocalPart*> parts;
  for (const auto& [tenant, part] : *opened) parts[tenant] = part.part.get();
  peer::PartService service(parts);
  rpc::RequestMetrics requests("unirust.PartService", rpc::Callers::kHome);
  const auto server = rpc::Server::Start(settings.listen, service, &requests, *security);
  if (!server.ok()) return Fail(server.status(), kExitUnavailable);
  const auto metrics = rpc::MetricsEndpoint::Start(
      settings.observe.metrics_listen, {[&](auto& families) { requests.AddTo(families); }});
  if (!metrics.ok()) return Fail(metrics.status(), rpc::ExitCodeOf(metrics.status()));
  rpc::ServeUntilTerminated(kText.name, **server);
  return kExitOk;
}

int Run(const config::ShardSettings& settings) {
  config::ConfigureLog(settings.observe);
  if (const absl::Status status = config::CheckShard(settings); !status.ok()) {
    return Fail(status, kExitUsage);
  }
  if (settings.part) return RunPart(settings);
  std::unique_ptr<access::Gate> gate;
  const auto security =
      rpc::MakeServerSecurity(settings.tls, settings.access, settings.listen, &gate);
  if (!security.ok()) return Fail(security.status(), kExitUsage);
  auto declared = config::OpenTenants(settings.store);
  if (!declared.ok()) return Fail(declared.status(), kExitUsage);
  const auto others = OtherParts::Open(settings);
  if (!others.ok()) return Fail(others.status(), kExitUsage);
  const auto audit = access::AuditLog::OpenIfAny(settings.access.audit_dir);
  if (!audit.ok()) return Fail(audit.status(), ExitCodeOf(audit.status()));
  const auto tenants =
      Tenants::Open(settings.store, *std::move(declared), settings.shard_id, others->get());
  if (!tenants.ok()) return Fail(tenants.status(), ExitCodeOf(tenants.status()));
  Engine& engine = (*tenants)->engine();
  ShardService service(**tenants, audit->get());
  const auto server = rpc::Server::Start(settings.listen, service, &service.requests(), *security);
  if (!server.ok()) return Fail(server.status(), kExitUnavailable);
  const auto metrics =
      rpc::MetricsEndpoint::Start(settings.observe.metrics_listen,
                                  {[&](auto& families) { service.requests().AddTo(families); },
                                   [&](auto& families) { AddMetrics(engine, families); },
                                   [&](auto& families) { (*tenants)->AddMetrics(families); }});
  if (!metrics.ok()) return Fail(metrics.status(), rpc::ExitCodeOf(metrics.status()));
  rpc::ServeUntilTerminated(kText.name, **server, [&] { (*tenants)->StopWaiting(); });
  return kExitOk;
}

}  // namespace
}  // namespace unirust::shard

int main(int argc, char** argv) {
  unirust::rpc::BecomeDaemon();
  unirust::config::ShardSettings shard;
  unirust::config::Settings settings = unirust::config::Declare(shard);
  const auto exit_code =
      unirust::config::ParseCommandLine(unirust::shard::kText, settings, argc, argv);
  return exit_code ? *exit_code : unirust::shard::Run(shard);
}
