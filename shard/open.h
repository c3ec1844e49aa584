// Opens the store that a program's settings describe. Used by unirust_shard and by the embedded
// mode.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "cluster/local_part.h"
#include "config/programs.h"
#include "shard/backups.h"
#include "shard/engine.h"
#include "shard/other_parts.h"
#include "shard/purge_schedule.h"
#include "shard/retention_clock.h"
#include "shard/slot_mover.h"

namespace unirust::shard {

struct OpenedStore {
  std::unique_ptr<TemporaryDirectory> directory;  // of an ephemeral store, else null
  std::unique_ptr<RemoteParts> parts;             // the others of a store of several, else null
  std::unique_ptr<Engine> engine;
  std::unique_ptr<BackupSchedule> schedule;   // null without --backup-every
  std::unique_ptr<RetentionClock> retention;  // null without --retention-clock
  std::unique_ptr<PurgeSchedule> purges;      // null with --purge-after 0s
  std::unique_ptr<SlotMover> mover;           // null without parts
  std::unique_ptr<PartFollower> follower;     // null unless parts may come
};

// Opens the engine, applies the ontology file, if one is given, and starts the schedules of backups
// and purges and the clock of retention, if there are any. `settings` have passed CheckStore. The errors of
// Engine::Open; INVALID_ARGUMENT if the ontology file cannot be read or is refused.
//
// `others`: the other parts of the store, which must be up; null: it lies in one directory. Must outlive the store.
// Then also UNAVAILABLE if one cannot be reached, and the errors of cluster::ClusterStore::Open.
// `block_cache`: of stores that share it (store/store.h). `tenant`: whose store it is, for the parts.
absl::StatusOr<OpenedStore> OpenStore(const config::StoreSettings& settings, uint32_t shard_id,
                                      const OtherParts* others,
                                      std::shared_ptr<store::BlockCache> block_cache,
                                      const std::string& tenant = "");

// What a part of a store needs to be served (peer/part_service.h).
struct OpenedPart {
  std::unique_ptr<TemporaryDirectory> directory;  // of an ephemeral part, else null
  std::unique_ptr<store::Store> store;
  std::unique_ptr<cluster::LocalPart> part;
};

// `block_cache`: as of OpenStore. FAILED_PRECONDITION: the directory is of another shard, or of a
// store of its own. Other errors as Engine::Open.
absl::StatusOr<OpenedPart> OpenPart(const config::StoreSettings& settings, uint32_t shard_id,
                                    std::shared_ptr<store::BlockCache> block_cache);

// The exit code of a program whose store did not open.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace unirust::shard
