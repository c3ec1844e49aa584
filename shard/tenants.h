// The tenants of a daemon (docs/tenants.md): each is a store of its own, with its own directory,
// engine and rules, below the daemon's directories. They share the process, its memory budget and
// the block cache.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "config/tenants.h"
#include "rpc/metrics.h"
#include "shard/open.h"
#include "shard/quotas.h"
#include "rpc/request_room.h"

namespace unirust::shard {

// Where the tenant's part of a directory of the daemon is. `name`: empty for the default tenant, or
// IsTenantName.
std::string TenantDirectory(const std::string& dir, std::string_view name);

// Makes what lies above the data directory of a tenant, durably. PERMISSION_DENIED if it cannot.
absl::Status MakeTenantsDirectory(const std::string& data_dir);

// Immutable but for its quotas.
struct Tenant {
  explicit Tenant(const config::TenantSettings& settings)
      : name(settings.name), import_dir(settings.import_dir), quotas(settings.quotas) {}
  void Take(OpenedStore opened) {
    store = std::move(opened);
    Take(*store.engine);
  }
  void Take(Engine& opened) {
    engine = &opened;
    room = std::make_unique<rpc::RequestRoom>(engine->memory_shares().request_bytes());
  }

  const std::string name;  // empty: the default one
  const std::string import_dir;
  Quotas quotas;
  OpenedStore store;
  Engine* engine = nullptr;  // null: the store could not be opened
  std::unique_ptr<rpc::RequestRoom> room;  // of requests until their commit; null without an engine
};

// The parts that a daemon has of its tenants' stores, by tenant; the default one's name is empty.
// As Tenants::Open, with the errors of OpenPart.
absl::StatusOr<std::map<std::string, OpenedPart>> OpenParts(
    const config::StoreSettings& settings, config::TenantsFile* file, uint32_t shard_id);

// Thread-safe.
class Tenants {
 public:
  // The default tenant alone, on an engine that outlives this.
  Tenants(Engine& engine, std::string import_dir);

  // Opens the default tenant as OpenStore does, with its errors, and those that `file` declares
  // (null: none), each with an equal share of the memory budget. One that cannot be opened is
  // logged, and does not keep the others from serving. `others`: as of OpenStore, of all.
  static absl::StatusOr<std::unique_ptr<Tenants>> Open(const config::StoreSettings& settings,
                                                       std::unique_ptr<config::TenantsFile> file,
                                                       uint32_t shard_id,
                                                       const OtherParts* others = nullptr);

  // Of the default tenant.
  Engine& engine() const { return *default_->engine; }
  rpc::RequestRoom& room() const { return *default_->room; }

  // As Engine::StopWaiting, of all.
  void StopWaiting();

  // The tenant, with an engine and the quotas that are in force now, as long as this lives.
  // NOT_FOUND: it was not declared at the opening; UNAVAILABLE: it is not open.
  absl::StatusOr<Tenant*> Find(std::string_view name);

  // Of those that are declared: the names of the samples are theirs alone.
  void AddMetrics(rpc::MetricFamilies& families) const;

 private:
  using Declared = std::vector<config::TenantSettings>;
  explicit Tenants(std::unique_ptr<Tenant> of_default) : default_(std::move(of_default)) {}
  void FollowFile();
  Tenant* Opened(std::string_view name) const;  // null if it was not declared then

  std::unique_ptr<Tenant> default_;  // first: its temporary directory goes after the others
  std::vector<std::unique_ptr<Tenant>> declared_;  // ascending by name
  std::unique_ptr<config::TenantsFile> file_;      // null: there is none
  Mutex mutex_;
  std::shared_ptr<const Declared> followed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::shard
