#include "shard/tenants.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "shard/memory_shares.h"
#include "shard/metrics.h"
#include "store/backup.h"
#include "store/store.h"

namespace unirust::shard {
namespace {

using Declared = std::vector<config::TenantSettings>;
using rpc::Metric;
using rpc::MetricType;

constexpr Metric kOpen{MetricType::kGauge, "unirust_tenant_open",
                       "1 if the store of the tenant is open, else 0"};
constexpr Metric kRefused{MetricType::kCounter, "unirust_tenant_refused_total",
                          "requests of the tenant that a quota refused: records, requests, bytes"};

// As the default tenant has them, but for what is of one store.
config::StoreSettings Settings(const config::StoreSettings& of_default, const std::string& data_dir,
                               const std::string& name) {
  config::StoreSettings out = of_default;
  out.data_dir = TenantDirectory(data_dir, name);
  out.ephemeral = false;
  out.ontology.clear();
  if (!out.backup_dir.empty()) out.backup_dir = TenantDirectory(out.backup_dir, name);
  return out;
}

// Each store has an equal share of the memory; the block cache is one.
struct Shared {
  config::StoreSettings settings;
  std::shared_ptr<store::BlockCache> cache;  // null: there is one store
};

Shared Among(const config::StoreSettings& settings, size_t stores) {
  Shared out{.settings = settings, .cache = nullptr};
  out.settings.memory_budget.bytes /= stores;
  if (stores > 1) {
    const uint64_t bytes = MemoryShares::Of(out.settings.memory_budget.bytes).store_bytes;
    out.cache = store::NewBlockCache(bytes, stores);
  }
  return out;
}

void LogNotOpened(const std::string& tenant, const absl::Status& why) {
  Log(LogLevel::kError, "a tenant cannot be opened; the others serve",
      {{"tenant", tenant}, {"error", std::string(why.message())}});
}

void AddRefusals(const Tenant& tenant, rpc::MetricFamilies& families) {
  const auto refused = [&](const char* quota, uint64_t count) {
    families.Add(kRefused, static_cast<double>(count), {{"tenant", tenant.name}, {"quota", quota}});
  };
  const Quotas::Refusals refusals = tenant.quotas.refusals();
  refused("records", tenant.engine->metrics().refused_by_quota);
  refused("requests", refusals.requests);
  refused("bytes", refusals.bytes);
}

void SetRecordsMax(Tenant& tenant, const config::TenantQuotas& quotas) {
  tenant.engine->SetRecordsMax(quotas.records.value_or(kNoRecordsMax));
}

absl::Status MakeDirectory(const std::string& dir) {
  if (mkdir(dir.c_str(), 0777) == 0) return SyncDirectory(dir + "/..");
  if (errno == EEXIST) return absl::OkStatus();
  return absl::PermissionDeniedError("cannot create " + dir + ": " + std::strerror(errno));
}

}  // namespace

std::string TenantDirectory(const std::string& dir, std::string_view name) {
  return name.empty() ? dir : dir + "/" + store::kTenantsName + "/" + std::string(name);
}

absl::Status MakeTenantsDirectory(const std::string& data_dir) {
  UNIRUST_RETURN_IF_ERROR(MakeDirectory(data_dir));
  return MakeDirectory(data_dir + "/" + store::kTenantsName);
}

Tenants::Tenants(Engine& engine, std::string import_dir)
    : default_(std::make_unique<Tenant>(
          config::TenantSettings{.name = "", .import_dir = std::move(import_dir), .quotas = {}})) {
  default_->Take(engine);
}

absl::StatusOr<std::unique_ptr<Tenants>> Tenants::Open(const config::StoreSettings& settings,
                                                       std::unique_ptr<config::TenantsFile> file,
                                                       uint32_t shard_id,
                                                       const OtherParts* others) {
  const auto declared = file != nullptr ? file->Current() : std::make_shared<const Declared>();
  const Shared shared = Among(settings, declared->size() + 1);
  UNIRUST_ASSIGN_OR_RETURN(OpenedStore opened,
                           OpenStore(shared.settings, shard_id, others, shared.cache));
  const std::string data_dir =
      opened.directory != nullptr ? opened.directory->path() : settings.data_dir;
  if (!declared->empty()) UNIRUST_RETURN_IF_ERROR(MakeTenantsDirectory(data_dir));
  auto of_default = std::make_unique<Tenant>(
      config::TenantSettings{.name = "", .import_dir = settings.import_dir, .quotas = {}});
  of_default->Take(std::move(opened));
  std::unique_ptr<Tenants> out(new Tenants(std::move(of_default)));
  for (const config::TenantSettings& one : *declared) {
    auto tenant = std::make_unique<Tenant>(one);
    absl::StatusOr<OpenedStore> store = OpenStore(Settings(shared.settings, data_dir, one.name),
                                                  shard_id, others, shared.cache, one.name);
    if (store.ok()) {
      tenant->Take(*std::move(store));
      SetRecordsMax(*tenant, one.quotas);
    } else {
      LogNotOpened(one.name, store.status());
    }
    out->declared_.push_back(std::move(tenant));
  }
  out->file_ = std::move(file);
  MutexLock lock(out->mutex_);
  out->followed_ = declared;
  return out;
}

absl::StatusOr<std::map<std::string, OpenedPart>> OpenParts(
    const config::StoreSettings& settings, config::TenantsFile* file, uint32_t shard_id) {
  const auto declared = file != nullptr ? file->Current() : std::make_shared<const Declared>();
  const Shared shared = Among(settings, declared->size() + 1);
  UNIRUST_ASSIGN_OR_RETURN(OpenedPart opened, OpenPart(shared.settings, shard_id, shared.cache));
  const std::string data_dir =
      opened.directory != nullptr ? opened.directory->path() : settings.data_dir;
  if (!declared->empty()) UNIRUST_RETURN_IF_ERROR(MakeTenantsDirectory(data_dir));
  std::map<std::string, OpenedPart> out;
  out.emplace("", std::move(opened));
  for (const config::TenantSettings& one : *declared) {
    absl::StatusOr<OpenedPart> part =
        OpenPart(Settings(shared.settings, data_dir, one.name), shard_id, shared.cache);
    if (part.ok()) {
      out.emplace(one.name, *std::move(part));
    } else {
      LogNotOpened(one.name, part.status());
    }
  }
  return out;
}

Tenant* Tenants::Opened(std::string_view name) const {
  const auto found = std::lower_bound(
      declared_.begin(), declared_.end(), name,
      [](const auto& tenant, std::string_view sought) { return tenant->name < sought; });
  return found != declared_.end() && (*found)->name == name ? found->get() : nullptr;
}

absl::StatusOr<Tenant*> Tenants::Find(std::string_view name) {
  if (name.empty()) return default_.get();
  FollowFile();
  Tenant* const tenant = Opened(name);
  if (tenant == nullptr) return absl::NotFoundError("there is no tenant of that name here");
  if (tenant->engine != nullptr) return tenant;
  return absl::UnavailableError("tenant '" + tenant->name +
                                "' could not be opened: the log of the daemon says why");
}

// Quotas are as the file has them now. Which stores are open, and what else is declared, stays.
void Tenants::FollowFile() {
  if (file_ == nullptr) return;
  const std::shared_ptr<const Declared> latest = file_->Current();
  MutexLock lock(mutex_);
  if (latest == followed_) return;
  followed_ = latest;
  bool waits = latest->size() != declared_.size();
  for (const config::TenantSettings& one : *latest) {
    Tenant* const tenant = Opened(one.name);
    waits = waits || tenant == nullptr || tenant->import_dir != one.import_dir;
    if (tenant == nullptr) continue;
    tenant->quotas.Change(one.quotas);
    if (tenant->engine != nullptr) SetRecordsMax(*tenant, one.quotas);
  }
  if (waits) {
    Log(LogLevel::kWarning,
        "file of tenants: other tenants and other import directories wait for the next start");
  }
}

void Tenants::StopWaiting() {
  engine().StopWaiting();
  for (const std::unique_ptr<Tenant>& tenant : declared_) {
    if (tenant->engine != nullptr) tenant->engine->StopWaiting();
  }
}

void Tenants::AddMetrics(rpc::MetricFamilies& families) const {
  for (const Metric& metric : {kOpen, kRefused}) families.Declare(metric);
  for (const std::unique_ptr<Tenant>& tenant : declared_) {
    families.Add(kOpen, tenant->engine != nullptr ? 1 : 0, {{"tenant", tenant->name}});
    if (tenant->engine == nullptr) continue;
    AddTenantMetrics(*tenant->engine, tenant->name, families);
    AddRefusals(*tenant, families);
  }
}

}  // namespace unirust::shard
