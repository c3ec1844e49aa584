// A part whose data directory this process has open.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "cluster/part.h"

namespace unirust::cluster {

// What the directory of a store says about itself; nothing if it is a store of its own. DATA_LOSS if damaged.
absl::StatusOr<std::optional<Membership>> MembershipOf(const store::Store& store);

class LocalPart final : public Part {
 public:
  // DATA_LOSS if the row that holds the number of the last epoch is damaged. The store must outlive the part, and be
  // written through it alone.
  static absl::StatusOr<std::unique_ptr<LocalPart>> Open(store::Store& store);

  absl::Status Join(const Membership& membership) override;
  absl::StatusOr<uint64_t> LastEpoch() override;
  absl::StatusOr<uint64_t> LastAttempt() override;
  absl::Status Apply(const Epoch& epoch) override;
  absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) override;
  absl::StatusOr<store::Reader> ReadLatest() override;
  absl::StatusOr<store::Reader> ReadPending() override;
  absl::Status BeginGeneration(uint64_t attempt) override;
  absl::Status CommitPending(uint64_t attempt, const std::string& rows) override;
  absl::Status SealPending(uint64_t attempt) override;
  absl::Status DropPending(uint64_t attempt) override;

  // Apply of rows that are not encoded, and of the next epoch only: FAILED_PRECONDITION for one that is there.
  absl::Status ApplyBatch(uint64_t epoch, EpochKind kind, store::Batch batch);

 private:
  struct Kept {
    uint64_t epoch;
    store::Reader reader;
  };

  LocalPart(store::Store& store, uint64_t last);
  absl::Status CheckPending() const;
  absl::Status TakeAttempt(uint64_t attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  void Keep(uint64_t epoch);  // and so it is the last one

  store::Store& store_;
  Mutex writing_;  // one call that writes at a time, whatever a caller has given up
  uint64_t attempt_ ABSL_GUARDED_BY(writing_) = 0;
  Mutex mutex_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_);
  std::deque<Kept> kept_ ABSL_GUARDED_BY(mutex_);  // the newest last
};

}  // namespace unirust::cluster
