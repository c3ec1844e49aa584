// Named places at which a test may let the process die, as by kill -9 (docs/testing.md, Kill
// campaigns):
//
//   FaultPoint("commit.gathered");
//
// With UNIRUST_ABORT_AT=NAME or NAME:N in its environment a program ends itself at the first or
// N-th passage of that place. Otherwise a place costs one relaxed load, and does nothing. A name
// that is not in the table does not compile. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace unirust {

// clang-format off: the steps of one thing in a row
inline constexpr auto kFaultPoints = std::to_array<std::string_view>({
    // A commit (shard/committer.cc, store/store.cc). `synced`: its rows are on disk; `marked`: the mark says so.
    "commit.gathered", "commit.resolved", "commit.before_write", "commit.synced", "commit.marked",
    "commit.before_answer",
    // Files (store/rocks_files.cc, store/commit_mark.cc). `log.appended`: perhaps half a commit.
    "log.appended", "log.before_sync", "log.before_delete", "mark.before_sync",
    "mark.files_before_sync", "manifest.before_sync", "manifest.synced",
    // Background work (store/rocks_options.cc).
    "flush.begun", "flush.done", "compaction.begun", "compaction.done",
    // A generation (store/store.cc).
    "generation.family_created", "generation.begun", "generation.filled", "generation.before_seal",
    "generation.sealed", "generation.before_switch", "generation.switched",
    "generation.family_dropped",
    // An advance of retention (shard/committer_retention.cc).
    "retention.resolved", "retention.committed",
    // A purge (shard/committer_erasure.cc, store/rewrite.cc).
    "purge.names_found", "purge.names_retired", "rewrite.compacted", "rewrite.manifest_begun",
    "purge.rewritten",
    // An opening (store/open.cc, shard/engine.cc). `identified`: of a new store; `upgraded`: of an older format.
    "open.marked", "open.recovered", "open.identified", "open.checked", "open.leftover_dropped",
    "open.chosen", "open.upgraded", "open.buffer_shrunk", "open.probed",
    // Copies (store/store.cc, store/backup.cc).
    "checkpoint.linked", "checkpoint.marked", "backup.begun", "backup.copying", "backup.made",
    "backup.purged", "restore.copied", "restore.marked", "restore.opened", "restore.renamed",
    // A repair (store/repair.cc).
    "repair.copied", "repair.settled", "repair.renamed",
    // An epoch: in home (cluster/cluster_store.cc, cluster/delivery.cc), in any part (cluster/local_part.cc).
    "epoch.before_decided", "epoch.decided", "epoch.delivered", "epoch.before_published",
    "part.before_epoch", "part.applied",
    // Home that opens with its parts (cluster/cluster_store.cc).
    "join.part_joined", "join.epoch_delivered",
    // A move of slots, after each of its steps (cluster/moves.cc).
    "move.begun", "move.copied", "move.compared", "move.switched", "move.swept", "move.ended",
});
// clang-format on

namespace fault_points {

inline constexpr size_t kNone = kFaultPoints.size();
inline std::atomic<size_t> armed = kNone;  // position in the table

void NoSuchPoint();  // not constexpr: whoever names another one does not compile
void Pass();         // at the armed one

}  // namespace fault_points

class FaultPointName {
 public:
  consteval FaultPointName(const char* name) {  // NOLINT(google-explicit-constructor): a literal
    while (position_ < kFaultPoints.size() && kFaultPoints[position_] != name) ++position_;
    if (position_ == kFaultPoints.size()) fault_points::NoSuchPoint();
  }
  size_t position() const { return position_; }

 private:
  size_t position_ = 0;
};

inline void FaultPoint(FaultPointName name) {
  if (fault_points::armed.load(std::memory_order_relaxed) == name.position()) fault_points::Pass();
}

// What UNIRUST_ABORT_AT says. INVALID_ARGUMENT unless it is NAME or NAME:N, where N is at least 1;
// the message lists the names. To be called before other threads run.
absl::Status ArmFaultPoint();

}  // namespace unirust
