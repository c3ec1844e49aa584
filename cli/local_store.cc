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

namespace unirust::cli {
namespace {

// Of calls from the router to the shard: nothing can get lost between them.
constexpr std::chrono::hours kDeadline{24};

absl::StatusOr<shard::OpenedStore> OpenStore(const config::StoreSettings& settings) {
  absl::StatusOr<shard::OpenedStore> store = shard::OpenStore(settings, /*shard_id=*/0);
  if (store.ok()) return store;
  absl::Status status = WithExitCodeOfStore(store.status());
  if (!absl::IsUnavailable(status)) return status;
  return WithHint(status, "Talk to the process that has it open instead: --router ADDR.");
}

}  // namespace

absl::Status WithExitCodeOfStore(const absl::Status& status) {
  return WithExitCode(status, shard::ExitCodeOf(status));
}

// Each part uses the ones above it.
struct LocalStore::Parts {
  Parts(shard::OpenedStore opened, std::unique_ptr<access::AuditLog> audit_log,
        const std::string& import_dir)
      : store(std::move(opened)),
        audit(std::move(audit_log)),
        shard_service(*store.engine, import_dir, audit.get()) {}

  shard::OpenedStore store;
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
  UNIRUST_ASSIGN_OR_RETURN(shard::OpenedStore store, OpenStore(settings));
  auto parts =
      std::make_unique<Parts>(std::move(store), *std::move(audit), settings.import_dir);
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
  shard::AddMetrics(*parts_->store.engine, families);
}

}  // namespace unirust::cli
