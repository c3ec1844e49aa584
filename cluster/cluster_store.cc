#include "cluster/cluster_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "cluster/merged_state.h"

namespace unirust::cluster {
namespace {

constexpr char kPlacementKey[] = "slots";     // row of meta, in home
constexpr size_t kEpochsDroppedMax = 1'000;  // from the outbox, in one epoch

using store::Batch;
using store::Family;
using store::Reader;

// --- family outbox: what a part is to write in an epoch -------------------------------------------

std::string OutboxKey(size_t part, uint64_t epoch) {
  std::string out;
  AppendBig32(&out, static_cast<uint32_t>(part));
  AppendBig64(&out, epoch);
  return out;
}

std::string OutboxRow(const Epoch& epoch) {
  std::string out(1, static_cast<char>(epoch.kind));
  AppendBig64(&out, epoch.id.tag);
  AppendBig64(&out, epoch.after_tag);
  return out + epoch.rows;
}

std::optional<Epoch> OutboxEpoch(std::string_view key, std::string_view row) {
  ByteReader in_key(key);
  in_key.Big32();
  Epoch out;
  out.id.number = in_key.Big64();
  ByteReader in(row);
  const uint8_t kind = in.Big8();
  out.id.tag = in.Big64();
  out.after_tag = in.Big64();
  if (!in_key.done() || !in.ok() || kind > static_cast<uint8_t>(EpochKind::kClear)) return {};
  out.kind = static_cast<EpochKind>(kind);
  out.rows = std::string(in.rest());
  return out;
}

std::string PartName(size_t part) { return "part " + std::to_string(part) + " of the store"; }

// A part that was started again has no pending generation any more.
absl::Status IfGone(const absl::Status& status) {
  if (!absl::IsFailedPrecondition(status)) return status;
  return absl::UnavailableError("it was started again meanwhile: try again");
}

Reader Unreadable(absl::Status why) {
  return Reader(std::make_shared<UnreadableState>(std::move(why)));
}

}  // namespace

absl::Status InPart(size_t part, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), PartName(part) + ": " + std::string(status.message()));
}

ClusterStore::ClusterStore(std::unique_ptr<store::Store> home_store,
                           std::unique_ptr<LocalPart> home, std::vector<Part*> others)
    : home_store_(std::move(home_store)), home_(std::move(home)) {
  parts_.Add(home_.get());
  for (Part* part : others) parts_.Add(part);
}

ClusterStore::~ClusterStore() = default;

absl::StatusOr<std::unique_ptr<ClusterStore>> ClusterStore::Open(
    std::unique_ptr<store::Store> home, std::vector<Part*> others, const SlotMap& slots) {
  if (others.size() >= limits::kPartsMax) {
    return absl::InvalidArgumentError(std::to_string(others.size() + 1) + " parts, at most " +
                                      std::to_string(limits::kPartsMax) + " are allowed");
  }
  UNIRUST_ASSIGN_OR_RETURN(auto home_as_part, LocalPart::Open(*home));
  std::unique_ptr<ClusterStore> out(
      new ClusterStore(std::move(home), std::move(home_as_part), std::move(others)));
  UNIRUST_ASSIGN_OR_RETURN(Placement placement, out->ReadPlacement(slots));
  out->Place(0, std::make_shared<Placement>(std::move(placement)));
  UNIRUST_RETURN_IF_ERROR(out->CatchUp());
  if (out->home_->last().number == 0) out->KeepPlacement();
  // A generation that was complete on some parts, but not switched to.
  UNIRUST_RETURN_IF_ERROR(out->DropPending());
  return out;
}

// For the first epoch and those after it.
void ClusterStore::KeepPlacement() {
  Batch batch;
  batch.Put(Family::kMeta, kPlacementKey, placement()->Encode());
  home_store_->Commit(std::move(batch));
}

// Before the first epoch only home can have rows.
absl::StatusOr<Placement> ClusterStore::ReadPlacement(const SlotMap& slots) const {
  const Reader home = home_store_->Latest();
  std::string row;
  UNIRUST_ASSIGN_OR_RETURN(const bool found, home.Get(Family::kMeta, kPlacementKey, &row));
  if (!found) {
    if (home_->last().number > 0) return store::Damaged(Family::kMeta, kPlacementKey);
    const auto records = home.Scan(Family::kRecords, "", "");
    UNIRUST_RETURN_IF_ERROR(records->status());
    return Placement::Of(records->Valid() ? SlotMap::Even(1) : slots);
  }
  std::optional<Placement> out = Placement::Decode(row);
  if (!out) return store::Damaged(Family::kMeta, kPlacementKey);
  if (out->LastPart() < parts_.size()) return *std::move(out);
  const bool there = out->map.LastPart() >= parts_.size();
  const std::string which = there ? "lie in part " + std::to_string(out->map.LastPart())
                                  : "move to or from part " + std::to_string(out->LastPart());
  return absl::FailedPreconditionError("slots of the store " + which + ", but only " +
                                       std::to_string(parts_.size()) + " parts are given");
}

// --- what an interrupted writer left -----------------------------------------------------------------

absl::StatusOr<Position> ClusterStore::JoinPart(Part& part, size_t number, Holds holds) const {
  Membership membership{.part = static_cast<uint32_t>(number), .store = "", .session = 0};
  UNIRUST_ASSIGN_OR_RETURN(membership.store, home_store_->Latest().ReadIdentity());
  membership.session = UniqueNumber();
  absl::StatusOr<Position> position = part.Join(membership, home_->last(), holds);
  if (!position.ok()) return InPart(number, position.status());
  FaultPoint("join.part_joined");
  return position;
}

absl::Status ClusterStore::CatchUp() {
  const EpochId last = home_->last();
  std::vector<EpochId> has(parts_.size());
  // Home is the last one: until then it may join with others.
  for (size_t n = 1; n <= parts_.size(); ++n) {
    const size_t part = n % parts_.size();
    const Holds holds =
        part == kHome || placement()->HasRows(part) ? Holds::kRows : Holds::kNothing;
    UNIRUST_ASSIGN_OR_RETURN(Position position, JoinPart(*parts_[part], part, holds));
    if (position.epoch.number == 0 && last.number > 0 && placement()->map.SlotsOf(part) == 0) {
      UNIRUST_ASSIGN_OR_RETURN(position, Replace(part));
    }
    has[part] = position.epoch;
    attempt_ = std::max(attempt_, position.attempt);
  }
  for (size_t part = 1; part < parts_.size(); ++part) {
    UNIRUST_RETURN_IF_ERROR(InPart(part, CatchUp(part, has[part])));
    deliveries_.Add(std::make_unique<Delivery>(*parts_[part], PartName(part), last.number));
  }
  returned_ = last.number;
  return ReadOutbox();
}

// With nothing on its way to any part, so that the last epoch is all that the new one lacks.
absl::Status ClusterStore::AddPart(Part& part) {
  UNIRUST_RETURN_IF_ERROR(CheckComplete());
  if (HasPending()) return absl::FailedPreconditionError("a change of ontology is under way");
  if (holds_.HoldsOutbox()) return BeingCopied();
  const size_t number = parts_.size();
  if (number >= limits::kPartsMax) {
    return absl::InvalidArgumentError("a store has at most " + std::to_string(limits::kPartsMax) +
                                      " parts");
  }
  const CopyHolds::Change change(holds_);
  UNIRUST_ASSIGN_OR_RETURN(const Position position, JoinPart(part, number, Holds::kNothing));
  attempt_ = std::max(attempt_, position.attempt);
  deliveries_.Add(std::make_unique<Delivery>(part, PartName(number), position.epoch.number));
  parts_.Add(&part);
  if (stopping_) deliveries_[number - 1]->StopWaiting();
  return absl::OkStatus();
}

// A part without slots of which the directory was lost: what was on its way to it or from it is still, or already,
// where it belongs.
absl::StatusOr<Position> ClusterStore::Replace(size_t part) {
  Placement next = *placement();
  next.target = next.map;
  next.move.reset();
  next.fault = PartName(part) + " was replaced by an empty directory while slots moved";
  ++next.version;
  Place(0, std::make_shared<Placement>(std::move(next)));
  KeepPlacement();
  return JoinPart(*parts_[part], part, Holds::kNothing);
}

// Drops what is for parts that were left out since. Each epoch has rows for every part.
absl::Status ClusterStore::ReadOutbox() {
  Batch batch;
  const Reader home = home_store_->Latest();
  const auto cursor = home.Scan(Family::kOutbox, OutboxKey(parts_.size(), 0), "");
  for (; cursor->Valid(); cursor->Next()) batch.Delete(Family::kOutbox, cursor->key());
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  if (!batch.empty()) home_store_->Commit(std::move(batch));
  outbox_from_ = home_->last().number + 1;
  for (size_t part = 1; part < parts_.size(); ++part) {
    const auto first = home.Scan(Family::kOutbox, OutboxKey(part, 0), OutboxKey(part + 1, 0));
    UNIRUST_RETURN_IF_ERROR(first->status());
    if (!first->Valid()) continue;
    ByteReader key(first->key());
    key.Big32();
    outbox_from_ = std::min(outbox_from_, key.Big64());
    if (!key.done()) return store::Damaged(Family::kOutbox, first->key());
  }
  return absl::OkStatus();
}

absl::Status ClusterStore::CatchUp(size_t part, EpochId has) {
  const EpochId last = home_->last();
  const Reader outbox = home_store_->Latest();
  const auto cursor =
      outbox.Scan(Family::kOutbox, OutboxKey(part, has.number + 1), OutboxKey(part + 1, 0));
  for (; cursor->Valid(); cursor->Next()) {
    const std::optional<Epoch> epoch = OutboxEpoch(cursor->key(), cursor->value());
    if (!epoch) return store::Damaged(Family::kOutbox, cursor->key());
    if (epoch->id.number != has.number + 1) break;
    UNIRUST_RETURN_IF_ERROR(parts_[part]->Apply(*epoch));
    has = epoch->id;
    FaultPoint("join.epoch_delivered");
  }
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  if (has == last) return absl::OkStatus();
  return absl::DataLossError("it lacks epochs from " + std::to_string(has.number + 1) + " to " +
                             std::to_string(last.number) + ", which it had: its directory is " +
                             "older than the home part's. " + RestoreTogether());
}

// --- writes ----------------------------------------------------------------------------------------

std::vector<Batch> ClusterStore::Split(Batch batch) const {
  const std::shared_ptr<const Placement> placement = this->placement();
  std::vector<Batch> out(parts_.size());
  if (out.size() == 1) {
    out[kHome] = std::move(batch);
    return out;
  }
  batch.VisitSorted([&](Family family, std::string_view key, std::string_view value, bool remove) {
    const auto add = [&](size_t part) {
      if (remove) {
        out[part].Delete(family, key);
      } else {
        out[part].Put(family, key, value);
      }
    };
    add(placement->PartOf(family, key));
    if (const std::optional<size_t> copy = placement->CopyOf(family, key)) add(*copy);
  });
  return out;
}

// What every part has, and no copy of one needs, goes: behind a long copy some with every epoch. Returns the first
// epoch that is left.
uint64_t ClusterStore::EmptyOutbox(Batch* batch) const {
  const uint64_t upto = holds_.Upto(Published());
  uint64_t from = outbox_from_;
  for (; from <= upto && from - outbox_from_ < kEpochsDroppedMax; ++from) {
    for (size_t part = 1; part < parts_.size(); ++part) {
      batch->Delete(Family::kOutbox, OutboxKey(part, from));
    }
  }
  return from;
}

absl::Status ClusterStore::Publish(EpochKind kind, std::vector<Batch> batches,
                                   std::shared_ptr<const Placement> next) {
  const EpochId last = home_->last();
  const EpochId id{.number = last.number + 1, .tag = UniqueNumber()};
  const uint64_t outbox_from = EmptyOutbox(&batches[kHome]);
  if (next == nullptr && kind == EpochKind::kClear) next = placement();  // the row goes
  if (next != nullptr) batches[kHome].Put(Family::kMeta, kPlacementKey, next->Encode());
  std::vector<Epoch> epochs;
  for (size_t part = 0; part < parts_.size(); ++part) {
    Epoch& epoch = epochs.emplace_back(
        Epoch{.id = id, .after_tag = last.tag, .kind = kind, .rows = ""});
    if (part == kHome) continue;
    epoch.rows = batches[part].Encode();
    batches[kHome].Put(Family::kOutbox, OutboxKey(part, id.number), OutboxRow(epoch));
  }
  FaultPoint("epoch.before_decided");
  UNIRUST_RETURN_IF_ERROR(home_->ApplyBatch(epochs[kHome], std::move(batches[kHome])));
  FaultPoint("epoch.decided");
  outbox_from_ = outbox_from;
  if (next != nullptr) Place(id.number, std::move(next));
  for (size_t part = 1; part < parts_.size(); ++part) {
    deliveries_[part - 1]->Send(std::move(epochs[part]));
  }
  const auto patience =
      kind == EpochKind::kRows ? Delivery::Patience::kSome : Delivery::Patience::kForever;
  for (const auto& delivery : deliveries_) delivery->Await(id.number, patience);
  FaultPoint("epoch.before_published");
  returned_ = id.number;
  return absl::OkStatus();
}

void ClusterStore::Commit(Batch batch) {
  const absl::Status status = Publish(EpochKind::kRows, Split(std::move(batch)), nullptr);
  if (!status.ok()) Die(kExitStorage, "cannot commit: " + std::string(status.message()));
}

uint64_t ClusterStore::Published() const {
  uint64_t out = home_->last().number;
  for (const auto& delivery : deliveries_) out = std::min(out, delivery->delivered());
  return out;
}

// Of epochs that are still waited for nobody was told yet.
absl::Status ClusterStore::CheckComplete() const {
  for (size_t part = 1; part < parts_.size(); ++part) {
    if (deliveries_[part - 1]->delivered() >= returned_) continue;
    return absl::UnavailableError(
        PartName(part) + " cannot be reached. What was written before is on disk, and takes effect "
        "as soon as that part is there; nothing else can be written until then");
  }
  return absl::OkStatus();
}

absl::Status ClusterStore::Clear(Batch batch) {
  return Publish(EpochKind::kClear, Split(std::move(batch)), nullptr);
}

template <typename Call>
absl::Status ClusterStore::OnEach(const Call& call) const {
  for (size_t part = 0; part < parts_.size(); ++part) {
    UNIRUST_RETURN_IF_ERROR(InPart(part, call(part)));
  }
  return absl::OkStatus();
}

void ClusterStore::NextAttempt() {
  ++attempt_;
  steps_.assign(parts_.size(), 0);
}

PendingStep ClusterStore::NextStepIn(size_t part) {
  return {.attempt = attempt_, .number = steps_[part]++};
}

absl::Status ClusterStore::BeginGeneration() {
  UNIRUST_RETURN_IF_ERROR(CheckComplete());
  NextAttempt();
  const absl::Status begun =
      OnEach([&](size_t part) { return parts_[part]->BeginGeneration(NextStepIn(part)); });
  if (!begun.ok()) DropPending().IgnoreError();  // where it cannot be dropped now the next attempt does
  return begun;
}

bool ClusterStore::HasPending() const { return home_store_->HasPending(); }

absl::Status ClusterStore::CommitPending(Batch batch) {
  std::vector<Batch> batches = Split(std::move(batch));
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (batches[part].empty()) continue;
    UNIRUST_RETURN_IF_ERROR(
        InPart(part, IfGone(parts_[part]->CommitPending(NextStepIn(part),
                                                        batches[part].Encode()))));
  }
  return absl::OkStatus();
}

absl::Status ClusterStore::SealPending() {
  return OnEach(
      [&](size_t part) { return IfGone(parts_[part]->SealPending(NextStepIn(part))); });
}

// Where it fails the next attempt drops what is left.
absl::Status ClusterStore::DropPending() {
  NextAttempt();  // what comes late of this one finds nothing that it may change
  absl::Status out;
  for (size_t part = 0; part < parts_.size(); ++part) {
    out.Update(InPart(part, parts_[part]->DropPending(NextStepIn(part))));
  }
  return out;
}

// Once home has switched the others must be able to, whatever happens to them. A move goes on after it: what lies
// behind its place was written in both parts, since the place does not change while a generation is pending.
absl::StatusOr<uint64_t> ClusterStore::SwitchGeneration(Batch batch) {
  UNIRUST_RETURN_IF_ERROR(SealPending());
  const CopyHolds::Change change(holds_);
  UNIRUST_RETURN_IF_ERROR(Publish(EpochKind::kSwitch, Split(std::move(batch)), nullptr));
  return home_store_->Latest().generation();
}

void ClusterStore::StopWaiting() {
  stopping_ = true;
  for (const auto& delivery : deliveries_) delivery->StopWaiting();
}

// --- reads -----------------------------------------------------------------------------------------

template <typename Read>
Reader ClusterStore::Merge(std::shared_ptr<const Placement> placement, const Read& read) const {
  std::vector<Reader> parts;
  std::vector<MissingPart> missing;
  for (size_t part = 0; part < parts_.size(); ++part) {
    absl::StatusOr<Reader> reader = read(*parts_[part]);
    if (reader.ok() && parts_.size() == 1) return *std::move(reader);  // home is all
    if (reader.ok()) {
      parts.push_back(*std::move(reader));
      continue;
    }
    const absl::Status why = InPart(part, reader.status());
    if (part == kHome || !absl::IsUnavailable(why)) return Unreadable(why);
    parts.push_back(Unreadable(store::Missing(why)));
    const size_t slots = placement->map.SlotsOf(part);
    if (slots == 0) continue;  // nobody needs a row of it
    missing.push_back({.part = static_cast<uint32_t>(part),
                       .slots = static_cast<uint32_t>(slots),
                       .fault = std::string(reader.status().message())});
  }
  return Reader(std::make_shared<MergedState>(std::move(parts), std::move(placement),
                                              std::move(missing), MergedState::Walks::kFail));
}

// Whoever resolves on it knows of the epoch that is waited for (resolve/working_set.h), but of none before.
Reader ClusterStore::Latest() const {
  const absl::Status complete = CheckComplete();
  if (!complete.ok()) return Unreadable(complete);
  return Merge(placement(), [](Part& part) { return part.ReadLatest(); });
}

// The epoch may be forgotten while its parts are asked, if very many come meanwhile.
Reader ClusterStore::Snapshot() const {
  while (true) {
    const uint64_t epoch = Published();
    // The rows may be of one ontology, and what reads them of the next one.
    if (stopping_ && epoch < home_->last().number) {
      return Unreadable(absl::UnavailableError("the store is being closed"));
    }
    std::shared_ptr<const Placement> placement = PlacementAt(epoch);
    if (placement == nullptr) continue;  // there are much newer ones
    bool forgotten = false;
    Reader out = Merge(std::move(placement), [&](Part& part) -> absl::StatusOr<Reader> {
      absl::StatusOr<Reader> reader = part.ReadEpoch(epoch);
      if (!absl::IsOutOfRange(reader.status())) return reader;
      forgotten = true;
      return absl::UnavailableError(
          "it was started again with an epoch that other parts have not yet: ask again a little "
          "later");
    });
    if (!forgotten || epoch == Published()) return out;
  }
}

Reader ClusterStore::Pending() const {
  return Merge(placement(), [](Part& part) { return part.ReadPending(); });
}

// --- of home -----------------------------------------------------------------------------------------

absl::Status ClusterStore::VerifyChecksums() const { return home_store_->VerifyChecksums(); }

StorageMetrics ClusterStore::Metrics() const { return home_store_->Metrics(); }

std::vector<PartStatus> ClusterStore::Parts() const {
  const size_t parts = parts_.size();  // more may join
  std::vector<PartStatus> out(parts);
  {
    std::vector<Thread> asking;
    for (size_t part = 0; part < parts; ++part) {
      asking.emplace_back("part_status", [&, part] { out[part] = parts_[part]->GetStatus(); });
    }
  }
  const std::shared_ptr<const Placement> placement = this->placement();
  for (size_t part = 0; part < parts; ++part) {
    out[part].part = static_cast<uint32_t>(part);
    out[part].slots = static_cast<uint32_t>(placement->map.SlotsOf(part));
    if (!out[part].fault.empty()) continue;
    const uint64_t last = std::max(out[kHome].epoch, out[part].epoch);
    out[part].behind = last - out[part].epoch;
  }
  return out;
}

}  // namespace unirust::cluster
