#include "shard/open.h"

#include <algorithm>
#include <utility>

#include "base/exit_codes.h"
#include "base/limits.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "cluster/cluster_store.h"
#include "ontology/ontology.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"
#include "shard/memory_shares.h"

namespace unirust::shard {
namespace {

absl::Status ApplyOntologyFile(const std::string& path, Engine& engine) {
  const absl::StatusOr<std::string> json = ReadWholeFile(path);
  if (!json.ok() || json->empty()) {
    return absl::InvalidArgumentError(path + ": cannot be read, or is empty");
  }
  const absl::StatusOr<ontology::Ontology> ontology = ontology::ParseOntology(*json);
  const absl::Status status = ontology.ok() ? engine.SetOntology(*ontology) : ontology.status();
  if (status.ok()) return status;
  // Not the code of the fault: it is the input that is refused, not the data directory.
  return absl::InvalidArgumentError(path + ": " + std::string(status.message()));
}

// The directory that the settings name, or a temporary one.
absl::StatusOr<std::string> DirectoryOf(const config::StoreSettings& settings,
                                        std::unique_ptr<TemporaryDirectory>* temporary) {
  if (!settings.ephemeral) return settings.data_dir;
  UNIRUST_ASSIGN_OR_RETURN(*temporary, TemporaryDirectory::Create());
  return (*temporary)->path();
}

store::StoreOptions PartOptions(const std::string& data_dir, uint32_t shard_id, uint64_t budget,
                                std::shared_ptr<store::BlockCache> block_cache) {
  return {.dir = data_dir,
          .shard_id = shard_id,
          .memory_budget_bytes = MemoryShares::Of(budget).store_bytes,
          .block_cache = std::move(block_cache)};
}

absl::StatusOr<std::unique_ptr<Engine>> OpenOnParts(
    const EngineOptions& options, const std::vector<PartAddress>& addresses,
    const std::string& tenant, std::vector<std::unique_ptr<peer::RemotePart>>* parts) {
  std::vector<cluster::Part*> others;
  for (const auto& [address, credentials] : addresses) {
    auto channel = rpc::ConnectPart(address, {.credentials = credentials, .tenant = tenant});
    parts->push_back(std::make_unique<peer::RemotePart>(channel, address));
    others.push_back(parts->back().get());
  }
  UNIRUST_ASSIGN_OR_RETURN(
      auto home, store::Store::Open(PartOptions(options.data_dir, 0, options.memory_budget_bytes,
                                                options.block_cache)));
  const auto slots = cluster::SlotMap::Even(addresses.size() + 1);
  UNIRUST_ASSIGN_OR_RETURN(auto store,
                           cluster::ClusterStore::Open(std::move(home), std::move(others), slots));
  return Engine::OpenOn(std::move(store), options);
}

}  // namespace

absl::StatusOr<std::vector<PartAddress>> PartAddresses(const config::ShardSettings& settings) {
  std::vector<PartAddress> out;
  for (const std::string& address : settings.parts) {
    UNIRUST_ASSIGN_OR_RETURN(auto credentials, rpc::MakeChannelCredentials(settings.tls, address));
    out.push_back({address, std::move(credentials)});
  }
  return out;
}

absl::StatusOr<OpenedPart> OpenPart(const config::StoreSettings& settings, uint32_t shard_id,
                                    std::shared_ptr<store::BlockCache> block_cache) {
  OpenedPart out;
  UNIRUST_ASSIGN_OR_RETURN(const std::string data_dir, DirectoryOf(settings, &out.directory));
  UNIRUST_ASSIGN_OR_RETURN(
      out.store, store::Store::Open(PartOptions(data_dir, shard_id, settings.memory_budget.bytes,
                                                std::move(block_cache))));
  UNIRUST_ASSIGN_OR_RETURN(out.part, cluster::LocalPart::Open(*out.store));
  return out;
}

absl::StatusOr<OpenedStore> OpenStore(const config::StoreSettings& settings, uint32_t shard_id,
                                      const std::vector<PartAddress>& parts,
                                      std::shared_ptr<store::BlockCache> block_cache,
                                      const std::string& tenant) {
  OpenedStore store;
  EngineOptions options;
  UNIRUST_ASSIGN_OR_RETURN(options.data_dir, DirectoryOf(settings, &store.directory));
  options.shard_id = shard_id;
  options.memory_budget_bytes = settings.memory_budget.bytes;
  options.backup_dir = settings.backup_dir;
  options.backup_keep = settings.backup_keep;
  options.allow_reset = settings.allow_reset;
  options.read_only = settings.read_only;
  options.block_cache = std::move(block_cache);
  if (parts.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(store.engine, Engine::Open(options));
  } else {
    UNIRUST_ASSIGN_OR_RETURN(store.engine, OpenOnParts(options, parts, tenant, &store.parts));
  }
  if (!settings.ontology.empty()) {
    UNIRUST_RETURN_IF_ERROR(ApplyOntologyFile(settings.ontology, *store.engine));
  }
  if (settings.backup_every.seconds > 0) {
    store.schedule = std::make_unique<BackupSchedule>(*store.engine, settings.backup_dir,
                                                      settings.backup_every.seconds);
  }
  if (settings.retention_clock != ClockUnit::kNone) {
    store.retention = std::make_unique<RetentionClock>(
        *store.engine, settings.retention_clock, settings.retention_every.seconds * 1'000'000);
  }
  const bool purges = settings.purge_after.seconds > 0 && !settings.read_only;
  if (purges) {
    store.purges = std::make_unique<PurgeSchedule>(*store.engine, settings.purge_after.seconds);
  }
  if (!parts.empty()) store.mover = std::make_unique<SlotMover>(*store.engine);
  return store;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kExitInput;
    case absl::StatusCode::kUnavailable:
      return kExitUnavailable;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
      return kExitDataDir;
    case absl::StatusCode::kDataLoss:
      return kExitDataLoss;
    default:
      return kExitFailure;
  }
}

}  // namespace unirust::shard
