#include "cli/local_store.h"

#include <chrono>
#include <utility>

#include "access/audit_log.h"
#include "base/status_macros.h"
#include "cli/failure.h"
#include "router/service.h"
#include "rpc/credentials.h"
#include "shard/metrics.h"
#include "shard/open.h"
#include "shard/service.h"
#include "shard/tenants.h"

namespace unirust::cli {
namespace {

// Of calls from the router to the shard: nothing can get lost between them.
constexpr std::chrono::hours kDeadline{24};

absl::StatusOr<std::unique_ptr<shard::Tenants>> OpenStores(
    const config::StoreSettings& settings) {
  auto declared = config::OpenTenants(settings);
  if (!declared.ok()) return WithExitCode(declared.status(), kExitUsage);
  auto tenants = shard::Tenants::Open(settings, *std::move(declared), /*shard_id=*/0);
  if (tenants.ok()) return tenants;
  absl::Status status = WithExitCodeOfStore(tenants.status());
  if (!absl::IsUnavailable(status)) return status;
  return WithHint(status, "Talk to the process that has it open instead: --router ADDR.");
}

}  // namespace

absl::Status WithExitCodeOfStore(const absl::Status& status) {
  return WithExitCode(status, shard::ExitCodeOf(status));
}

// Each part uses the ones above it.
struct LocalStore::Parts {
  Parts(std::unique_ptr<shard::Tenants> opened, std::unique_ptr<access::AuditLog> audit_log)
      : tenants(std::move(opened)),
        audit(std::move(audit_log)),
        shard_service(*tenants, audit.get()) {}

  std::unique_ptr<shard::Tenants> tenants;
  std::unique_ptr<access::AuditLog> audit;  // null: none is kept
  shard::ShardService shard_service;
  std::unique_ptr<access::Gate> gate;  // null: everyone may do everything
  std::unique_ptr<rpc::Server> shard_server;
  std::unique_ptr<router::RouterService> router_service;
  std::unique_ptr<rpc::Server> router_server;
};

absl::StatusOr<std::unique_ptr<LocalStore>> LocalStore::Open(const config::StoreSettings& settings,
                                                             const Listener& listener) {
  std::unique_ptr<access::Gate> gate;
  const auto security =
      rpc::MakeServerSecurity(listener.tls, listener.access, listener.address, &gate);
  if (!security.ok()) return WithExitCode(security.status(), kExitUsage);
  auto audit = access::AuditLog::OpenIfAny(listener.access.audit_dir);
  if (!audit.ok()) return WithExitCodeOfStore(audit.status());
  UNIRUST_ASSIGN_OR_RETURN(auto tenants, OpenStores(settings));
  auto parts = std::make_unique<Parts>(std::move(tenants), *std::move(audit));
  parts->gate = std::move(gate);
  UNIRUST_ASSIGN_OR_RETURN(parts->shard_server, rpc::Server::Start("", parts->shard_service,
                                                                   &parts->shard_service.requests(),
                                                                   {.gate = security->gate}));
  parts->router_service = std::make_unique<router::RouterService>(
      parts->shard_server->InProcessChannel(), "in this process", kDeadline);
  UNIRUST_ASSIGN_OR_RETURN(parts->router_server,
                           rpc::Server::Start(listener.address, *parts->router_service,
                                              &parts->router_service->requests(),
                                              {.credentials = security->credentials}));
  return std::unique_ptr<LocalStore>(new LocalStore(std::move(parts)));
}

LocalStore::LocalStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LocalStore::~LocalStore() = default;

rpc::Server& LocalStore::server() { return *parts_->router_server; }

void LocalStore::AddMetrics(rpc::MetricFamilies& families) const {
  parts_->router_service->requests().AddTo(families);
  parts_->shard_service.requests().AddTo(families);
  shard::AddMetrics(parts_->tenants->engine(), families);
  parts_->tenants->AddMetrics(families);
}

}  // namespace unirust::cli
