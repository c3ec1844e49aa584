// Opens the store that a program's settings describe. Used by unirust_shard and by the embedded
// mode.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "config/programs.h"
#include "shard/backups.h"
#include "shard/engine.h"
#include "shard/retention_clock.h"

namespace unirust::shard {

struct OpenedStore {
  std::unique_ptr<TemporaryDirectory> directory;  // of an ephemeral store, else null
  std::unique_ptr<Engine> engine;
  std::unique_ptr<BackupSchedule> schedule;  // null without --backup-every
  std::unique_ptr<RetentionClock> retention;  // null without --retention-clock
};

// Opens the engine, applies the ontology file, if one is given, and starts the schedule of backups and the clock of
// retention, if there are any. `settings` have passed CheckStore. The errors of Engine::Open; INVALID_ARGUMENT if the
// ontology file cannot be read or is refused.
absl::StatusOr<OpenedStore> OpenStore(const config::StoreSettings& settings, uint32_t shard_id);

// The exit code of a program whose store did not open.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace unirust::shard
