#include "shard/open.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "base/exit_codes.h"
#include "base/status_macros.h"
#include "ontology/ontology.h"

namespace unirust::shard {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return absl::InvalidArgumentError(path + ": cannot be read, or is empty");
  return text.str();
}

absl::Status ApplyOntologyFile(const std::string& path, Engine& engine) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  const absl::StatusOr<ontology::Ontology> ontology = ontology::ParseOntology(json);
  const absl::Status status = ontology.ok() ? engine.SetOntology(*ontology) : ontology.status();
  if (status.ok()) return status;
  // Not the code of the fault: it is the input that is refused, not the data directory.
  return absl::InvalidArgumentError(path + ": " + std::string(status.message()));
}

}  // namespace

absl::StatusOr<OpenedStore> OpenStore(const config::StoreSettings& settings, uint32_t shard_id) {
  OpenedStore store;
  EngineOptions options;
  options.data_dir = settings.data_dir;
  if (settings.ephemeral) {
    UNIRUST_ASSIGN_OR_RETURN(store.directory, TemporaryDirectory::Create());
    options.data_dir = store.directory->path();
  }
  options.shard_id = shard_id;
  options.memory_budget_bytes = settings.memory_budget.bytes;
  options.backup_dir = settings.backup_dir;
  options.backup_keep = settings.backup_keep;
  options.allow_reset = settings.allow_reset;
  options.read_only = settings.read_only;
  UNIRUST_ASSIGN_OR_RETURN(store.engine, Engine::Open(options));
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
