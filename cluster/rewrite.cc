// How what was deleted leaves the disks of all parts (docs/erasure.md, 2).
#include <optional>

#include "base/sleep.h"
#include "base/status_macros.h"
#include "cluster/at_once.h"
#include "cluster/cluster_store.h"

namespace unirust::cluster {
namespace {

constexpr uint64_t kPollMicros = 20'000;

// Until `done`, which is asked now and then.
void Await(const std::function<bool()>& done) {
  while (!done()) SleepMicros(kPollMicros);
}

absl::Status Stopped() { return absl::CancelledError("the rewrite was stopped"); }

}  // namespace

// Whoever reads a state of the store reads home's part of it, too.
absl::Status ClusterStore::AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const {
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t kept_since, home_->ForgetBefore(moment));
  return home_store_->AwaitReaders(kept_since, stop);
}

absl::Status ClusterStore::Rewrite(uint64_t, const InTurn& in_turn,
                                   const std::function<bool()>& stop) {
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t epoch, PublishNothing(in_turn, stop));
  UNIRUST_RETURN_IF_ERROR(AwaitReaders(epoch, stop));
  return RewriteParts(epoch, stop);
}

// An epoch without rows. With it the outbox, which has keys of what was deleted, is empty, and what parts hold besides
// their rows is gone: rows of slots that moved away, which no deletion reaches, and a generation that could not be
// dropped everywhere.
absl::StatusOr<uint64_t> ClusterStore::PublishNothing(const InTurn& in_turn,
                                                      const std::function<bool()>& stop) {
  const auto sweeping = [this] {
    const std::optional<Move> move = placement()->move;
    return move && move->phase == Move::Phase::kSweeping;
  };
  uint64_t epoch = 0;
  const auto publish = [&]() -> absl::Status {
    if (sweeping()) return absl::OkStatus();
    UNIRUST_RETURN_IF_ERROR(CheckComplete());
    UNIRUST_RETURN_IF_ERROR(DropPending());
    do {
      if (holds_.HoldsOutbox()) return BeingCopied();
      if (stop()) return Stopped();
      Commit({});
      UNIRUST_RETURN_IF_ERROR(CheckComplete());
    } while (outbox_from_ < home_->last().number);
    epoch = home_->last().number;
    return absl::OkStatus();
  };
  while (true) {
    Await([&] { return !sweeping() || stop(); });
    if (stop()) return Stopped();
    UNIRUST_RETURN_IF_ERROR(in_turn(publish));
    if (epoch > 0) return epoch;
  }
}

// A part that joins meanwhile never had what was deleted.
absl::Status ClusterStore::RewriteParts(uint64_t epoch, const std::function<bool()>& stop) const {
  return AtOnce(kHome, parts_.size(), stop, [&](size_t part, const Stop& ending) {
    return parts_[part]->Rewrite(epoch, ending);
  });
}

}  // namespace unirust::cluster
