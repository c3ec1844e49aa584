#include "tests/sim/sim_store.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "store/slots.h"
#include "tests/resolve/memory_rows.h"

namespace unirust::sim {
namespace {

using store::Family;

constexpr char kStoreKey[] = "store";      // rows of meta that are a store's own
constexpr char kClearedKey[] = "cleared";  // (docs/key-encoding.md)

std::shared_ptr<const FamilyRows>& Of(Families& families, Family family) {
  return families[static_cast<size_t>(family)];
}

void Apply(store::Batch batch, Families* families) {
  std::array<std::shared_ptr<FamilyRows>, store::kFamilies> changed;
  batch.VisitSorted([&](Family family, std::string_view key, std::string_view value, bool remove) {
    auto& rows = changed[static_cast<size_t>(family)];
    if (rows == nullptr) rows = std::make_shared<FamilyRows>(*Of(*families, family));
    if (remove) {
      rows->erase(std::string(key));
    } else {
      rows->insert_or_assign(std::string(key), std::string(value));
    }
  });
  for (size_t n = 0; n < store::kFamilies; ++n) {
    if (changed[n] != nullptr) (*families)[n] = std::move(changed[n]);
  }
}

// Keeps the rows that it walks.
class SimCursor final : public store::Cursor {
 public:
  SimCursor(std::shared_ptr<const FamilyRows> rows, std::string_view lower, std::string_view upper)
      : rows_(std::move(rows)), cursor_(*rows_, lower, upper) {}
  bool Valid() const override { return cursor_.Valid(); }
  std::string_view key() const override { return cursor_.key(); }
  std::string_view value() const override { return cursor_.value(); }
  void Next() override { cursor_.Next(); }
  void Prev() override { cursor_.Prev(); }
  void Seek(std::string_view key) override { cursor_.Seek(key); }
  void SeekToLast() override { cursor_.SeekToLast(); }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const FamilyRows> rows_;
  resolve::MemoryCursor cursor_;
};

class SimState final : public store::Reader::State {
 public:
  SimState(std::function<Families()> families, uint64_t generation)
      : families_(std::move(families)), generation_(generation) {}

  absl::StatusOr<bool> Get(Family family, std::string_view key, std::string* value) const override {
    const std::shared_ptr<const FamilyRows> rows = Rows(family);
    const auto row = rows->find(key);
    if (row == rows->end()) return false;
    *value = row->second;
    return true;
  }
  absl::Status MultiGet(Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor visit) const override {
    const std::shared_ptr<const FamilyRows> rows = Rows(family);
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto row = rows->find(keys[i]);
      if (row != rows->end()) visit(i, row->second);
    }
    return absl::OkStatus();
  }
  uint64_t EstimateBytes(Family, std::string_view, std::string_view) const override { return 0; }
  std::unique_ptr<store::Cursor> Scan(Family family, std::string lower,
                                      std::string upper) const override {
    return std::make_unique<SimCursor>(Rows(family), lower, upper);
  }
  std::unique_ptr<store::Cursor> ScanPrefix(Family family, std::string_view prefix) const override {
    return Scan(family, std::string(prefix), PrefixEnd(prefix));
  }
  uint64_t generation() const override { return generation_; }

 private:
  std::shared_ptr<const FamilyRows> Rows(Family family) const {
    return families_()[static_cast<size_t>(family)];
  }
  const std::function<Families()> families_;
  const uint64_t generation_;
};

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
    if (process_->alive) disk_ = now_;
  }
  written_();
}

Families SimStore::Now(bool pending) const {
  MutexLock lock(mutex_);
  return pending && pending_ ? Joined(now_.families, pending_->families) : now_.families;
}

uint64_t SimStore::generation() const {
  MutexLock lock(mutex_);
  return now_.generation;
}

store::Reader SimStore::Latest() const {
  return store::Reader(std::make_shared<SimState>([this] { return Now(false); }, generation()));
}

store::Reader SimStore::Snapshot() const {
  MutexLock lock(mutex_);
  return store::Reader(
      std::make_shared<SimState>([families = now_.families] { return families; }, now_.generation));
}

store::Reader SimStore::Pending() const {
  return store::Reader(std::make_shared<SimState>([this] { return Now(true); }, generation()));
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

absl::StatusOr<BackupInfo> SimStore::Backup(const std::string&, size_t,
                                            const std::function<bool()>&) const {
  return absl::UnimplementedError("a backup of a simulated disk");
}

}  // namespace unirust::sim
