// How a ClusterStore moves slots from one part to another (docs/cluster.md, 5).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fault_point.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "cluster/cluster_store.h"
#include "store/slot_rows.h"

namespace unirust::cluster {

using store::SlotQuery;
using store::SlotRows;

// --- the placement -------------------------------------------------------------------------------

std::shared_ptr<const Placement> ClusterStore::placement() const {
  MutexLock lock(placing_);
  return placed_.back().placement;
}

// Readers take the last published epoch, or one that was it when they began.
void ClusterStore::Place(uint64_t epoch, std::shared_ptr<const Placement> placement) {
  const uint64_t published = Published();
  MutexLock lock(placing_);
  placed_.push_back({epoch, std::move(placement)});
  while (placed_.size() > 1 && placed_[1].epoch + limits::kEpochsKept <= published) {
    placed_.pop_front();
  }
}

std::shared_ptr<const Placement> ClusterStore::PlacementAt(uint64_t epoch) const {
  MutexLock lock(placing_);
  for (auto placed = placed_.rbegin(); placed != placed_.rend(); ++placed) {
    if (placed->epoch <= epoch) return placed->placement;
  }
  return nullptr;
}

absl::Status ClusterStore::PublishPlacement(Placement next, size_t part, store::Batch rows) {
  if (HasPending()) return absl::FailedPreconditionError("a change of ontology is under way");
  std::vector<store::Batch> batches(parts_.size());
  batches[part] = std::move(rows);
  UNIRUST_RETURN_IF_ERROR(
      Publish(EpochKind::kRows, std::move(batches), std::make_shared<Placement>(std::move(next))));
  return CheckComplete();
}

absl::Status ClusterStore::SetTarget(uint64_t version, const SlotMap& target) {
  UNIRUST_RETURN_IF_ERROR(CheckComplete());
  Placement next = *placement();
  if (target == next.target && next.fault.empty()) return absl::OkStatus();
  if (version != next.version) {
    return absl::FailedPreconditionError(
        "the slots have changed since this was planned: plan again");
  }
  if (target.LastPart() >= parts_.size()) {
    return absl::InvalidArgumentError("there is no part " + std::to_string(target.LastPart()));
  }
  next.target = target;
  next.fault.clear();
  ++next.version;
  if (next.move && next.move->phase == Move::Phase::kCopying) {
    for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
      if (!next.move->slots[slot] || target.PartOf(slot) == next.move->to) continue;
      next.GiveUp();
      break;
    }
  }
  return PublishPlacement(std::move(next));
}

// --- steps ---------------------------------------------------------------------------------------

ClusterStore::NextStep ClusterStore::NextMoveStep() const {
  MutexLock lock(placing_);
  const Placement& now = *placed_.back().placement;
  if (!now.move) return now.map == now.target ? NextStep::kNone : NextStep::kStep;
  const bool copied = now.move->phase == Move::Phase::kCopying && now.move->done.IsEnd();
  return copied && compared_ != now.move->id ? NextStep::kCompare : NextStep::kStep;
}

absl::Status ClusterStore::MoveStep() {
  UNIRUST_RETURN_IF_ERROR(CheckComplete());
  if (NextMoveStep() != NextStep::kStep) return absl::OkStatus();
  const std::shared_ptr<const Placement> now = placement();
  if (!now->move) return BeginMove();
  if (now->move->phase == Move::Phase::kSweeping) return SweepRows();
  return now->move->done.IsEnd() ? EndMove() : CopyRows();
}

absl::Status ClusterStore::EndMove() {
  Placement next = *placement();
  bool equal = false;
  {
    MutexLock lock(placing_);
    equal = copies_equal_;
  }
  if (equal) {
    next.Switch();
    UNIRUST_RETURN_IF_ERROR(PublishPlacement(std::move(next)));
    FaultPoint("move.switched");
    return absl::OkStatus();
  }
  next.target = next.map;  // nothing else moves before somebody has looked
  ++next.version;
  next.GiveUp();
  next.fault = "the copies of " + std::to_string(next.move->slots.count()) + " slots in parts " +
               std::to_string(next.move->from) + " and " + std::to_string(next.move->to) +
               " were not equal: they stay in part " + std::to_string(next.move->from) +
               ", and the other copy is dropped";
  Log(LogLevel::kError, next.fault);
  return PublishPlacement(std::move(next));
}

absl::Status ClusterStore::BeginMove() {
  Placement next = *placement();
  next.move = next.NextMove(UniqueNumber());
  UNIRUST_RETURN_IF_ERROR(PublishPlacement(std::move(next)));
  FaultPoint("move.begun");
  return absl::OkStatus();
}

absl::StatusOr<SlotRows> ClusterStore::NextRows(size_t part, const Move& move,
                                                SlotQuery::What what) const {
  const absl::StatusOr<store::Reader> reader = parts_[part]->ReadLatest();
  UNIRUST_RETURN_IF_ERROR(InPart(part, reader.status()));
  absl::StatusOr<SlotRows> rows =
      reader->ReadSlots({.slots = move.slots, .after = move.done, .upto = {}, .what = what});
  UNIRUST_RETURN_IF_ERROR(InPart(part, rows.status()));
  return rows;
}

// From the state after the last epoch: with this one the copy is of this one.
absl::Status ClusterStore::CopyRows() {
  Placement next = *placement();
  Move& move = *next.move;
  UNIRUST_ASSIGN_OR_RETURN(SlotRows rows, NextRows(move.from, move, SlotQuery::What::kRows));
  move.done = std::move(rows.upto);
  move.rows += rows.rows;
  move.bytes += rows.bytes;
  const size_t to = move.to;
  UNIRUST_RETURN_IF_ERROR(PublishPlacement(std::move(next), to, std::move(rows.batch)));
  FaultPoint("move.copied");
  return absl::OkStatus();
}

// The move ends when every part has the last deletes: a part without slots is expected to be empty.
absl::Status ClusterStore::SweepRows() {
  Placement next = *placement();
  Move& move = *next.move;
  if (move.done.IsEnd()) {
    // From then on the part is taken to have nothing, and an earlier copy of it has rows.
    if (holds_.HoldsOutbox()) return BeingCopied();
    next.move.reset();
    UNIRUST_RETURN_IF_ERROR(PublishPlacement(std::move(next)));
    FaultPoint("move.ended");
    return absl::OkStatus();
  }
  const size_t swept = next.SweptPart();
  UNIRUST_ASSIGN_OR_RETURN(SlotRows rows, NextRows(swept, move, SlotQuery::What::kDelete));
  move.done = std::move(rows.upto);
  move.rows += rows.rows;
  move.bytes += rows.bytes;
  UNIRUST_RETURN_IF_ERROR(PublishPlacement(std::move(next), swept, std::move(rows.batch)));
  FaultPoint("move.swept");
  return absl::OkStatus();
}

// --- the proof -----------------------------------------------------------------------------------

absl::Status ClusterStore::CompareCopies() {
  UNIRUST_RETURN_IF_ERROR(CheckComplete());  // so what is copied is published
  const std::shared_ptr<const Placement> now = placement();
  if (!now->move) return absl::OkStatus();
  UNIRUST_ASSIGN_OR_RETURN(const bool equal, CopiesAreEqual(*now->move));
  FaultPoint("move.compared");
  MutexLock lock(placing_);
  compared_ = now->move->id;
  copies_equal_ = equal;
  return absl::OkStatus();
}

absl::StatusOr<bool> ClusterStore::CopiesAreEqual(const Move& move) const {
  const uint64_t epoch = Published();
  const absl::StatusOr<store::Reader> from = parts_[move.from]->ReadEpoch(epoch);
  const absl::StatusOr<store::Reader> to = parts_[move.to]->ReadEpoch(epoch);
  if (absl::IsOutOfRange(from.status()) || absl::IsOutOfRange(to.status())) {
    return absl::UnavailableError("there were very many epochs meanwhile: it is compared again");
  }
  UNIRUST_RETURN_IF_ERROR(InPart(move.from, from.status()));
  UNIRUST_RETURN_IF_ERROR(InPart(move.to, to.status()));
  SlotQuery query{.slots = move.slots, .after = {}, .upto = {}, .what = SlotQuery::What::kDigest};
  while (!query.after.IsEnd()) {
    if (stopping_) return absl::UnavailableError("the store is being closed");
    query.upto.reset();
    UNIRUST_ASSIGN_OR_RETURN(const SlotRows old_rows, from->ReadSlots(query));
    // The other part may have less between: it is read until it is there, too.
    query.upto = old_rows.upto;
    SlotRows new_rows;
    new_rows.upto = query.after;
    while (new_rows.upto != old_rows.upto) {
      query.after = new_rows.upto;
      UNIRUST_ASSIGN_OR_RETURN(const SlotRows more, to->ReadSlots(query));
      new_rows.upto = more.upto;
      new_rows.rows += more.rows;
      new_rows.digest += more.digest;
    }
    if (new_rows.rows != old_rows.rows || new_rows.digest != old_rows.digest) return false;
    query.after = old_rows.upto;
  }
  return true;
}

}  // namespace unirust::cluster
