// A part whose data directory this process has open.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/mutex.h"
#include "cluster/part.h"

namespace unirust::cluster {

// What the directory of a store says about itself; nothing if it is a store of its own. DATA_LOSS if damaged.
absl::StatusOr<std::optional<Membership>> MembershipOf(const store::Store& store);

class LocalPart final : public Part {
 public:
  // DATA_LOSS if the row that names the last epoch, or the membership, is damaged. The store must outlive the part, and
  // be written through it alone. `backup_dir`: below it are its backups and checkpoints; empty: there are none.
  static absl::StatusOr<std::unique_ptr<LocalPart>> Open(store::Store& store,
                                                         std::string backup_dir = "");

  absl::StatusOr<Position> Join(const Membership& membership, EpochId last,
                                Holds holds) override;
  absl::Status Apply(const Epoch& epoch) override;
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override;
  absl::StatusOr<store::Reader> ReadLatest() override;
  absl::StatusOr<store::Reader> ReadPending() override;
  PartStatus GetStatus() override;
  absl::Status BeginGeneration(PendingStep step) override;
  absl::Status CommitPending(PendingStep step, const std::string& rows) override;
  absl::Status SealPending(PendingStep step) override;
  absl::Status DropPending(PendingStep step) override;
  absl::Status Rewrite(uint64_t epoch, const std::function<bool()>& stop) override;
  absl::StatusOr<uint32_t> Backup(const std::function<bool()>& stop) override;
  absl::StatusOr<std::string> Checkpoint(const std::string& name) override;
  absl::Status DropCopies(const UnwantedCopies& unwanted) override;

  // Lets the states of earlier epochs go. Whoever reads one of them still has a snapshot from before the moment that
  // this returns (store/store.h), whoever reads a later state has not. FAILED_PRECONDITION if the part lacks the epoch.
  absl::StatusOr<uint64_t> ForgetBefore(uint64_t epoch);

  // Apply of rows that are not encoded.
  absl::Status ApplyBatch(const Epoch& epoch, store::Batch batch);

  EpochId last() const;
  // ABORTED unless it is that of the last Join.
  absl::Status CheckSession(uint64_t session) const;

 private:
  struct Kept {
    EpochId epoch;
    store::Reader reader;
  };
  struct Watched {
    uint64_t epoch = 0;
    uint64_t moment = 0;
    std::weak_ptr<const store::Reader::State> state;
  };

  LocalPart(store::Store& store, std::string backup_dir, EpochId last, uint64_t session);
  absl::Status CheckMembership(const Membership& membership, Holds holds) const;
  absl::Status CheckHoldsNothing() const;
  absl::Status CheckPending() const;
  absl::Status TakeStep(PendingStep step, absl::FunctionRef<absl::Status()> body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  void Keep(EpochId epoch);  // and so it is the last one

  std::string BackupsDir() const;
  absl::Status DropCheckpoint(const std::string& name) const;

  store::Store& store_;
  const std::string backup_dir_;
  Mutex checkpointing_;  // one at a time
  Mutex writing_;  // one call that writes at a time, whatever a caller has given up
  PendingStep next_ ABSL_GUARDED_BY(writing_);  // of the last attempt
  std::atomic<uint64_t> session_;
  std::atomic<bool> rewriting_ = false;
  mutable Mutex mutex_;
  std::deque<Kept> kept_ ABSL_GUARDED_BY(mutex_);  // the newest last, at least one
  std::vector<Watched> watched_ ABSL_GUARDED_BY(mutex_);  // those, and others that somebody may still read
};

}  // namespace unirust::cluster
