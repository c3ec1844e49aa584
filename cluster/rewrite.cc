// How what was deleted leaves the disks of all parts (docs/erasure.md, 2).
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/sleep.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "cluster/cluster_store.h"

namespace unirust::cluster {
namespace {

constexpr uint64_t kPollMicros = 20'000;

// Until `done`, which is asked now and then.
void Await(const std::function<bool()>& done) {
  while (!done()) SleepMicros(kPollMicros);
}

absl::Status Stopped() { return absl::CancelledError("the rewrite was stopped"); }

// Those that were ended because another one failed are not why.
absl::Status WhyFailed(const std::vector<absl::Status>& parts) {
  absl::Status out;
  for (const absl::Status& status : parts) {
    if (out.ok() || (absl::IsCancelled(out) && !status.ok())) out = status;
  }
  return out;
}

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
    Commit({});
    epoch = home_->last().number;
    return CheckComplete();
  };
  while (true) {
    Await([&] { return !sweeping() || stop(); });
    if (stop()) return Stopped();
    UNIRUST_RETURN_IF_ERROR(in_turn(publish));
    if (epoch > 0) return epoch;
  }
}

// All at the same time. If one fails the others end. A part that joins meanwhile never had what was deleted.
absl::Status ClusterStore::RewriteParts(uint64_t epoch, const std::function<bool()>& stop) const {
  const size_t count = parts_.size();
  std::vector<absl::Status> status(count);
  std::atomic<bool> ending = false;
  std::atomic<size_t> running = count;
  {
    std::vector<Thread> parts;
    for (size_t part = 0; part < count; ++part) {
      parts.emplace_back("rewrite_part", [&, part] {
        status[part] =
            InPart(part, parts_[part]->Rewrite(epoch, [&ending] { return ending.load(); }));
        if (!status[part].ok()) ending = true;
        --running;
      });
    }
    Await([&] {
      if (stop()) ending = true;
      return running == 0;
    });
  }
  return WhyFailed(status);
}

}  // namespace unirust::cluster
