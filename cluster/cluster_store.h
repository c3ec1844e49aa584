// A store whose rows lie in several parts (docs/cluster.md). What works on it cannot tell it from one directory.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/limits.h"
#include "cluster/copy_holds.h"
#include "cluster/delivery.h"
#include "cluster/growing_list.h"
#include "cluster/local_part.h"
#include "cluster/part.h"
#include "cluster/placement.h"
#include "store/store.h"

namespace unirust::cluster {

// All writes of the store go through one ClusterStore, whose home part decides them: an epoch counts as soon as it is
// on disk there, with what the other parts are to write. A write returns when every part has it. For parts that cannot
// be reached it waits: a commit for limits::kPartPatienceMs, what switches or clears until StopWaiting. Then
// CheckComplete tells. Reads of what such a part has fail with UNAVAILABLE.
class ClusterStore final : public store::Store {
 public:
  // `home` is part 0; `others` are 1 and so on, and outlive the store. Brings every part to the last epoch. `slots`: of
  // a store without records that had no others before; all are home's if it has records, and later it knows itself.
  // UNAVAILABLE if a part cannot be reached; DATA_LOSS if one lacks epochs that it had, or has some that home has not;
  // FAILED_PRECONDITION if parts that have slots are missing.
  static absl::StatusOr<std::unique_ptr<ClusterStore>> Open(std::unique_ptr<store::Store> home,
                                                            std::vector<Part*> others,
                                                            const SlotMap& slots);
  ~ClusterStore() override;

  store::Reader Latest() const override;
  store::Reader Snapshot() const override;  // after the last epoch that every part has
  void Commit(store::Batch batch) override;
  absl::Status CheckComplete() const override;
  absl::Status BeginGeneration() override;
  bool HasPending() const override;
  store::Reader Pending() const override;
  absl::Status CommitPending(store::Batch batch) override;
  absl::StatusOr<uint64_t> SwitchGeneration(store::Batch batch) override;
  absl::Status DropPending() override;
  absl::Status SealPending() override;
  absl::Status Clear(store::Batch batch) override;
  void StopWaiting() override;

  // rewrite.cc. A moment is an epoch that every part has; who reads the store does so in this process. Rewrite waits
  // for readers from before an epoch of its own, and until no slots are swept; it drops a pending generation. An error
  // names the part.
  uint64_t Moment() const override { return Published(); }
  absl::Status AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const override;
  absl::Status Rewrite(uint64_t moment, const InTurn& in_turn,
                       const std::function<bool()>& stop) override;

  // copies.cc. Each part is copied into a directory of its own. What is published when it begins is in the copy.
  // UNAVAILABLE also if a part joins meanwhile, or the ontology is changed.
  absl::StatusOr<BackupInfo> Backup(const store::BackupPlan& plan,
                                    const std::function<bool()>& stop) const override;
  // Other parts remove their backups that belong to none of home's, which are in `dir`; if there are none, all stay.
  // UNAVAILABLE while one is made.
  absl::Status DropUnnamedBackups(const std::string& dir) const;
  // Of home in `dir`, of the others by its last name, where it takes the place of one that lacks home's.
  absl::Status Checkpoint(const std::string& dir) const override;
  absl::StatusOr<std::vector<std::string>> CheckpointParts(const std::string& dir) const;  // the same: all, by part
  // Of home.
  absl::Status VerifyChecksums() const override;
  StorageMetrics Metrics() const override;
  std::vector<PartStatus> Parts() const override;

  // The next part of the store, which gets no slots by it and must outlive the store. A write. FAILED_PRECONDITION if
  // it has rows, is a part of another store, or a change of ontology is under way; INVALID_ARGUMENT if there are
  // limits::kPartsMax; UNAVAILABLE if it, or another part, cannot be reached.
  absl::Status AddPart(Part& part);

  // --- moving slots (moves.cc; docs/cluster.md, 5); FAILED_PRECONDITION while a generation is pending ---

  size_t parts() const { return parts_.size(); }
  std::shared_ptr<const Placement> placement() const;

  // Where the slots are to go; what moves elsewhere goes back. FAILED_PRECONDITION unless the placement has this
  // version, INVALID_ARGUMENT if there is no such part. A write.
  absl::Status SetTarget(uint64_t version, const SlotMap& target);

  enum class NextStep {
    kNone,     // every slot is where it should be
    kStep,     // MoveStep: some rows are copied or deleted, or the part of slots changes
    kCompare,  // CompareCopies
  };
  NextStep NextMoveStep() const;
  // A write: an epoch of bounded size, or none.
  absl::Status MoveStep();
  // Reads both copies of what moves, at the same epoch. If they are equal the next step lets the slots change their
  // part, else it gives the move up. Not a write: epochs may come meanwhile. UNAVAILABLE if a part fails: then it is to
  // be done again.
  absl::Status CompareCopies();

 private:
  // From an epoch on.
  struct Placed {
    uint64_t epoch = 0;
    std::shared_ptr<const Placement> placement;
  };

  // Two copies of parts belong together if it was the same all the time.
  struct Shape {
    size_t parts = 0;
    uint64_t generation = 0;
  };

  ClusterStore(std::unique_ptr<store::Store> home_store, std::unique_ptr<LocalPart> home,
               std::vector<Part*> others);
  absl::StatusOr<Placement> ReadPlacement(const SlotMap& slots) const;
  void KeepPlacement();
  absl::StatusOr<Position> JoinPart(Part& part, size_t number, Holds holds) const;
  absl::Status CatchUp();
  absl::Status CatchUp(size_t part, EpochId has);
  absl::StatusOr<Position> Replace(size_t part);
  absl::StatusOr<BackupInfo> BackUpAll(const store::BackupPlan& plan,
                                       const std::function<bool()>& stop,
                                       std::vector<uint32_t>* made) const;
  absl::StatusOr<std::vector<std::string>> CheckpointAll(const std::string& dir,
                                                         const std::string& name) const;
  absl::Status DropUnnamed(const std::string& dir) const;
  absl::Status DropFromAll(const std::function<UnwantedCopies(size_t part)>& unwanted) const;
  Shape GetShape() const;
  absl::Status CheckShape(const Shape& before) const;
  absl::Status ReadOutbox();
  std::vector<store::Batch> Split(store::Batch batch) const;
  // `next`: with this epoch; null if nothing changes.
  absl::Status Publish(EpochKind kind, std::vector<store::Batch> batches,
                       std::shared_ptr<const Placement> next);
  absl::Status PublishPlacement(Placement next, size_t part = kHome, store::Batch rows = {});
  void Place(uint64_t epoch, std::shared_ptr<const Placement> placement);
  std::shared_ptr<const Placement> PlacementAt(uint64_t epoch) const;
  absl::Status BeginMove();
  absl::Status CopyRows();
  absl::Status SweepRows();
  absl::Status EndMove();
  absl::StatusOr<store::SlotRows> NextRows(size_t part, const Move& move,
                                           store::SlotQuery::What what) const;
  absl::StatusOr<bool> CopiesAreEqual(const Move& move) const;
  void NextAttempt();
  PendingStep NextStepIn(size_t part);
  uint64_t EmptyOutbox(store::Batch* batch) const;
  uint64_t Published() const;
  absl::StatusOr<uint64_t> PublishNothing(const InTurn& in_turn, const std::function<bool()>& stop);
  absl::Status RewriteParts(uint64_t epoch, const std::function<bool()>& stop) const;
  template <typename Call>
  absl::Status OnEach(const Call& call) const;
  template <typename Read>
  store::Reader Merge(std::shared_ptr<const Placement> placement, const Read& read) const;

  const std::unique_ptr<store::Store> home_store_;
  const std::unique_ptr<LocalPart> home_;
  GrowingList<Part*, limits::kPartsMax> parts_;  // all, by number; one that is there has its delivery
  GrowingList<std::unique_ptr<Delivery>, limits::kPartsMax> deliveries_;  // of all but home, by number less one
  std::atomic<uint64_t> returned_ = 0;  // the last epoch that is not waited for any more
  std::atomic<bool> stopping_ = false;
  mutable CopyHolds holds_;
  mutable std::atomic<bool> copying_ = false;  // a backup is made, or unnamed ones are removed
  mutable Mutex placing_;
  std::deque<Placed> placed_ ABSL_GUARDED_BY(placing_);  // the newest last, at least one
  uint64_t compared_ ABSL_GUARDED_BY(placing_) = 0;      // the last move that was
  bool copies_equal_ ABSL_GUARDED_BY(placing_) = false;  // of that one
  // The writer's:
  uint64_t attempt_ = 0;           // of the last change of ontology, also by a writer before
  std::vector<uint64_t> steps_;    // that each part was told of it
  uint64_t outbox_from_ = 0;       // no earlier epoch has rows there
};

// What must wait until no copy of the store is made: UNAVAILABLE.
absl::Status BeingCopied();

// The same status with the part's name before the message.
absl::Status InPart(size_t part, const absl::Status& status);

}  // namespace unirust::cluster
