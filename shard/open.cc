#include "shard/open.h"

#include <algorithm>
#include <utility>

#include "base/exit_codes.h"
#include "base/limits.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "cluster/cluster_store.h"
#include "ontology/ontology.h"
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

absl::StatusOr<std::unique_ptr<Engine>> OpenOnParts(const EngineOptions& options,
                                                    const OtherParts& others,
                                                    const std::string& tenant,
                                                    RemoteParts* parts) {
  std::vector<cluster::Part*> connected;
  for (const std::string& address : others.Addresses()) {
    UNIRUST_ASSIGN_OR_RETURN(auto part, others.Connect(address, tenant, /*wait_ms=*/0));
    connected.push_back(part.get());
    parts->push_back(std::move(part));
  }
  UNIRUST_ASSIGN_OR_RETURN(
      auto home, store::Store::Open(PartOptions(options.data_dir, 0, options.memory_budget_bytes,
                                                options.block_cache)));
  const auto slots = cluster::SlotMap::Even(connected.size() + 1);
  UNIRUST_ASSIGN_OR_RETURN(
      auto store, cluster::ClusterStore::Open(std::move(home), std::move(connected), slots));
  return Engine::OpenOn(std::move(store), options);
}

}  // namespace

absl::StatusOr<OpenedPart> OpenPart(const config::StoreSettings& settings, uint32_t shard_id,
                                    std::shared_ptr<store::BlockCache> block_cache) {
  OpenedPart out;
  UNIRUST_ASSIGN_OR_RETURN(const std::string data_dir, DirectoryOf(settings, &out.directory));
  UNIRUST_ASSIGN_OR_RETURN(
      out.store, store::Store::Open(PartOptions(data_dir, shard_id, settings.memory_budget.bytes,
                                                std::move(block_cache))));
  UNIRUST_ASSIGN_OR_RETURN(out.part, cluster::LocalPart::Open(*out.store, settings.backup_dir));
  return out;
}

absl::StatusOr<OpenedStore> OpenStore(const config::StoreSettings& settings, uint32_t shard_id,
                                      const OtherParts* others,
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
  if (others == nullptr) {
    UNIRUST_ASSIGN_OR_RETURN(store.engine, Engine::Open(options));
  } else {
    store.parts = std::make_unique<RemoteParts>();
    UNIRUST_ASSIGN_OR_RETURN(store.engine,
                             OpenOnParts(options, *others, tenant, store.parts.get()));
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
  if (others != nullptr) store.mover = std::make_unique<SlotMover>(*store.engine);
  if (others != nullptr && others->MayChange()) {
    store.follower =
        std::make_unique<PartFollower>(*others, tenant, *store.engine, *store.parts);
  }
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
