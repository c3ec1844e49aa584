#include "tests/sim/sim_store.h"

#include <algorithm>
#include <utility>

#include "base/sleep.h"
#include "base/status_macros.h"
#include "store/slots.h"

namespace unirust::sim {
namespace {

using store::Family;

constexpr char kStoreKey[] = "store";      // rows of meta that are a store's own
constexpr char kClearedKey[] = "cleared";  // (docs/key-encoding.md)
constexpr uint64_t kPollMicros = 20'000;

std::shared_ptr<const FamilyRows>& Of(Families& families, Family family) {
  return families[static_cast<size_t>(family)];
}

// Others may hold the rows as they are: what changes is copied.
void Apply(store::Batch batch, Families* families) {
  std::array<std::shared_ptr<FamilyRows>, store::kFamilies> changed;
  resolve::Apply(std::move(batch), [&](Family family) -> FamilyRows& {
    auto& rows = changed[static_cast<size_t>(family)];
    if (rows == nullptr) rows = std::make_shared<FamilyRows>(*Of(*families, family));
    return *rows;
  });
  for (size_t n = 0; n < store::kFamilies; ++n) {
    if (changed[n] != nullptr) (*families)[n] = std::move(changed[n]);
  }
}

store::Reader ReaderOf(resolve::MemoryState::RowsOf rows_of, uint64_t generation) {
  return store::Reader(std::make_shared<resolve::MemoryState>(std::move(rows_of), generation));
}

Families NoRows() {
  Families out;
  std::fill(out.begin(), out.end(), std::make_shared<FamilyRows>());
  return out;
}

// `derived` of the families that are, `base` of the others.
Families Joined(const Families& base, const Families& derived) {
  Families out = base;
  for (size_t n = 0; n < store::kFamilies; ++n) {
    if (store::IsDerived(static_cast<Family>(n))) out[n] = derived[n];
  }
  return out;
}

}  // namespace

Disk::Disk(const std::string& identity) : families(NoRows()) {
  store::Batch batch;
  batch.Put(Family::kMeta, kStoreKey, identity);
  Apply(std::move(batch), &families);
}

SimStore::SimStore(Disk& disk, std::shared_ptr<Process> process, std::function<void()> written)
    : disk_(disk),
      process_(std::move(process)),
      written_(std::move(written)),
      now_(disk),
      pending_(disk.sealed),
      last_generation_(std::max(disk.generation, disk.sealed ? disk.sealed->number : 0)) {}

void SimStore::Write(const std::function<void(Disk&)>& change) {
  written_();
  {
    MutexLock lock(mutex_);
    change(now_);
    ++writes_;
    if (process_->alive) disk_ = now_;
  }
  written_();
}

Families SimStore::Now(bool pending) const {
  MutexLock lock(mutex_);
  return pending && pending_ ? Joined(now_.families, pending_->families) : now_.families;
}

std::shared_ptr<const FamilyRows> SimStore::RowsNow(bool pending, Family family) const {
  MutexLock lock(mutex_);
  const bool of_pending = pending && pending_ && store::IsDerived(family);
  return (of_pending ? pending_->families : now_.families)[static_cast<size_t>(family)];
}

uint64_t SimStore::generation() const {
  MutexLock lock(mutex_);
  return now_.generation;
}

store::Reader SimStore::Latest() const {
  return ReaderOf([this](Family family) { return RowsNow(false, family); }, generation());
}

store::Reader SimStore::Snapshot() const {
  MutexLock lock(mutex_);
  const auto rows_of = [families = now_.families](Family family) {
    return families[static_cast<size_t>(family)];
  };
  store::Reader out = ReaderOf(rows_of, now_.generation);
  std::erase_if(snapshots_, [](const Taken& one) { return one.state.expired(); });
  snapshots_.push_back({.moment = writes_, .state = out.Watch()});
  return out;
}

store::Reader SimStore::Pending() const {
  return ReaderOf([this](Family family) { return RowsNow(true, family); }, generation());
}

void SimStore::Commit(store::Batch batch) {
  Write([&](Disk& disk) { Apply(std::move(batch), &disk.families); });
}

absl::Status SimStore::BeginGeneration() {
  UNIRUST_RETURN_IF_ERROR(DropPending());
  MutexLock lock(mutex_);
  pending_ = Disk::Generation{.number = ++last_generation_, .families = NoRows()};
  return absl::OkStatus();
}

bool SimStore::HasPending() const {
  MutexLock lock(mutex_);
  return pending_.has_value();
}

absl::Status SimStore::CommitPending(store::Batch batch) {
  MutexLock lock(mutex_);
  Apply(std::move(batch), &pending_->families);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SimStore::SwitchGeneration(store::Batch batch) {
  uint64_t number = 0;
  Write([&](Disk& disk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    number = pending_->number;
    disk.families = Joined(disk.families, pending_->families);
    disk.generation = number;
    disk.sealed.reset();
    pending_.reset();
    Apply(std::move(batch), &disk.families);
  });
  return number;
}

absl::Status SimStore::DropPending() {
  Write([&](Disk& disk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    pending_.reset();
    disk.sealed.reset();
  });
  return absl::OkStatus();
}

absl::Status SimStore::SealPending() {
  if (!HasPending()) return absl::FailedPreconditionError("no generation is pending");
  Write([&](Disk& disk) ABSL_NO_THREAD_SAFETY_ANALYSIS { disk.sealed = pending_; });
  return absl::OkStatus();
}

absl::Status SimStore::Clear(store::Batch batch) {
  Write([&](Disk& disk) {
    for (size_t n = 0; n < store::kFamilies; ++n) {
      if (store::HasSlots(static_cast<Family>(n))) {
        disk.families[n] = std::make_shared<FamilyRows>();
      }
    }
    auto meta = std::make_shared<FamilyRows>();
    for (const auto& [key, value] : *Of(disk.families, Family::kMeta)) {
      if (key == kStoreKey || key == store::kPartKey) meta->emplace(key, value);
    }
    meta->insert_or_assign(kClearedKey, std::to_string(++disk.clears));
    Of(disk.families, Family::kMeta) = std::move(meta);
    Apply(std::move(batch), &disk.families);
  });
  return absl::OkStatus();
}

absl::Status SimStore::Checkpoint(const std::string&) const {
  return absl::UnimplementedError("a checkpoint of a simulated disk");
}

uint64_t SimStore::Moment() const {
  MutexLock lock(mutex_);
  return writes_;
}

bool SimStore::IsRead(uint64_t before) const {
  MutexLock lock(mutex_);
  return std::any_of(snapshots_.begin(), snapshots_.end(), [&](const Taken& one) {
    return one.moment < before && !one.state.expired();
  });
}

absl::Status SimStore::AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const {
  while (IsRead(moment)) {
    if (stop()) return absl::CancelledError("stopped");
    SleepMicros(kPollMicros);
  }
  return absl::OkStatus();
}

absl::Status SimStore::Rewrite(uint64_t moment, const InTurn& in_turn,
                               const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(AwaitReaders(moment, stop));
  return in_turn([] { return absl::OkStatus(); });
}

absl::StatusOr<BackupInfo> SimStore::Backup(const store::BackupPlan&,
                                            const std::function<bool()>&) const {
  return absl::UnimplementedError("a backup of a simulated disk");
}

}  // namespace unirust::sim
