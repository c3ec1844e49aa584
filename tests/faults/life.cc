#include "tests/faults/life.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>
#include <thread>

#include "base/status_macros.h"
#include "store/backup.h"

namespace unirust::faults {
namespace {

namespace fs = std::filesystem;
using store::Batch;
using store::Family;
using store::Store;

constexpr uint64_t kBudget = 64U << 20U;
constexpr size_t kLooksMax = 100000;
constexpr uint64_t kRefused = 1ULL << 32U;  // added to the number of a step in its note
constexpr uint64_t kBegun = 2ULL << 32U;
constexpr char kStepKey[] = "life/step";

// Does not compress.
std::string Noise(uint64_t seed, size_t bytes) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  std::generate(out.begin(), out.end(), [&] { return static_cast<char>(random()); });
  return out;
}

bool ChangesRows(Step step) {
  return step == Step::kCommit || step == Step::kLargeCommit || step == Step::kSwitch ||
         step == Step::kSeal || step == Step::kClear;
}

bool IsCopy(Step step) {
  return step == Step::kFlush || step == Step::kCheckpoint || step == Step::kBackup;
}

std::string CheckpointIn(const std::string& dir, size_t number) {
  return dir + "/checkpoint-" + std::to_string(number);
}
std::string BackupsIn(const std::string& dir) { return dir + "/backups"; }
std::string DataIn(const std::string& dir) { return dir + "/data"; }

absl::StatusOr<std::unique_ptr<Store>> OpenIn(const std::string& data, bool read_only = false) {
  return Store::Open({.dir = data, .memory_budget_bytes = kBudget, .read_only = read_only});
}

void Add(Family family, const std::string& key, const std::string& value, Batch* batch,
         Rows* rows) {
  if (batch != nullptr) batch->Put(family, key, value);
  if (rows != nullptr) (*rows)[{static_cast<size_t>(family), key}] = value;
}

// The rows of the step, into either.
void FillCommit(size_t number, size_t bytes, Batch* batch, Rows* rows) {
  const std::string text = std::to_string(number);
  Add(Family::kMeta, kStepKey, text, batch, rows);
  Add(Family::kRecords, "n" + text, Noise(number, bytes), batch, rows);
  Add(Family::kRecords, "last", text, batch, rows);
  Add(Family::kGroups, "g" + std::to_string(number % 5), Noise(number, 100), batch, rows);
  Add(Family::kTouches, "t" + text, Noise(number, bytes / 3), batch, rows);
  const std::string old = "n" + std::to_string(number - 3);
  if (batch != nullptr) batch->Delete(Family::kRecords, old);
  if (rows != nullptr) rows->erase({static_cast<size_t>(Family::kRecords), old});
}

}  // namespace

std::vector<Step> EveryStep() {
  std::vector<Step> steps = {Step::kCommit, Step::kCommit,     Step::kFlush,  Step::kCommit,
                             Step::kSwitch, Step::kCheckpoint, Step::kCommit, Step::kReopen};
  for (int run = 0; run < 9; ++run) steps.insert(steps.end(), {Step::kCommit, Step::kFlush});
  steps.insert(steps.end(), {Step::kCompact, Step::kBackup, Step::kCommit, Step::kLargeCommit,
                             Step::kSeal, Step::kCommit, Step::kBackup, Step::kReopen, Step::kClear,
                             Step::kCommit, Step::kCommit});
  return steps;
}

std::vector<Step> RandomSteps(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Step> steps;
  for (size_t left = 4 + random() % 12; left > 0; --left) {
    const bool commits = random() % 2 == 0;
    const auto any = static_cast<Step>(random() % 10);
    steps.push_back(commits || any == Step::kCompact ? Step::kCommit : any);
  }
  return steps;
}

void Journal::Add(const Event& event) {
  if (event.kind != Event::Kind::kNote) return;
  if (event.at >= kBegun) {
    under_way = static_cast<size_t>(event.at - kBegun);
    return;
  }
  under_way = 0;
  if (event.at < kRefused) acknowledged.push_back(static_cast<size_t>(event.at));
}

absl::StatusOr<Rows> ReadRows(const Store& store) {
  Rows rows;
  const store::Reader reader = store.Snapshot();
  for (size_t i = 0; i < store::kFamilies; ++i) {
    const auto cursor = reader.Scan(static_cast<Family>(i), "", "");
    for (; cursor->Valid(); cursor->Next()) {
      if (i == 0 && !cursor->key().starts_with("life/")) continue;
      rows[{i, std::string(cursor->key())}] = cursor->value();
    }
    UNIRUST_RETURN_IF_ERROR(cursor->status());
  }
  return rows;
}

absl::Status Life::Open() {
  store_.reset();
  UNIRUST_ASSIGN_OR_RETURN(store_, OpenIn(DataIn(dir_)));
  return absl::OkStatus();
}

absl::Status Life::Run() {
  UNIRUST_RETURN_IF_ERROR(Open());
  for (size_t number = 1; number <= steps_.size(); ++number) {
    Note(kBegun + number);
    const absl::Status status = Do(number);
    if (status.ok()) {
      Note(number);
    } else if (IsCopy(steps_[number - 1])) {
      Note(kRefused + number);
    } else {
      return status;
    }
  }
  store_.reset();
  return absl::OkStatus();
}

absl::Status Life::Do(size_t number) {
  switch (steps_[number - 1]) {
    case Step::kCommit:
    case Step::kLargeCommit:
      store_->Commit(CommitOf(number));
      return absl::OkStatus();
    case Step::kSwitch:
      return Switch(number, false);
    case Step::kSeal:
      return Switch(number, true);
    case Step::kClear:
      return store_->Clear(CommitOf(number));
    case Step::kFlush: {
      UNIRUST_RETURN_IF_ERROR(store_->Checkpoint(CheckpointIn(dir_, number)));
      std::error_code ignored;
      fs::remove_all(CheckpointIn(dir_, number), ignored);
      return absl::OkStatus();
    }
    case Step::kCompact:
      AwaitCompaction();
      return absl::OkStatus();
    case Step::kCheckpoint:
      return store_->Checkpoint(CheckpointIn(dir_, number));
    case Step::kBackup:
      return store_->Backup({.dir = BackupsIn(dir_)}, [] { return false; }).status();
    case Step::kReopen:
      return Open();
  }
  return absl::OkStatus();
}

Batch Life::CommitOf(size_t number) const {
  Batch batch;
  FillCommit(number, steps_[number - 1] == Step::kLargeCommit ? 70000 : 300, &batch, nullptr);
  return batch;
}

absl::Status Life::Switch(size_t number, bool seal) {
  UNIRUST_RETURN_IF_ERROR(store_->BeginGeneration());
  Batch rows;
  {
    const store::Reader reader = store_->Latest();
    const auto cursor = reader.Scan(Family::kTouches, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      rows.Put(Family::kTouches, cursor->key(), cursor->value());
    }
    UNIRUST_RETURN_IF_ERROR(cursor->status());
  }
  UNIRUST_RETURN_IF_ERROR(store_->CommitPending(std::move(rows)));
  if (seal) {
    UNIRUST_RETURN_IF_ERROR(store_->SealPending());
    UNIRUST_RETURN_IF_ERROR(Open());
    if (!store_->HasPending()) return absl::DataLossError("what was sealed is gone");
  }
  Batch last;
  last.Put(Family::kMeta, kStepKey, std::to_string(number));
  last.Put(Family::kGroups, "switched", std::to_string(number));
  return store_->SwitchGeneration(std::move(last)).status();
}

// A compaction of all that was flushed is due.
void Life::AwaitCompaction() const {
  for (size_t look = 0; look < kLooksMax; ++look) {
    const StorageMetrics metrics = store_->Metrics();
    if (metrics.compaction_written_bytes > 0 && metrics.running_compactions == 0) return;
    std::this_thread::yield();
  }
}

void Life::Apply(size_t number, Rows* rows) const {
  const Step step = steps_[number - 1];
  if (!ChangesRows(step)) return;
  if (step == Step::kSwitch || step == Step::kSeal) {
    std::erase_if(*rows, [](const auto& row) {
      const auto family = static_cast<Family>(row.first.first);
      return IsDerived(family) && family != Family::kTouches;
    });
    Add(Family::kMeta, kStepKey, std::to_string(number), nullptr, rows);
    Add(Family::kGroups, "switched", std::to_string(number), nullptr, rows);
    return;
  }
  if (step == Step::kClear) rows->clear();
  FillCommit(number, step == Step::kLargeCommit ? 70000 : 300, nullptr, rows);
}

Rows Life::After(const std::vector<size_t>& steps) const {
  Rows rows;
  for (const size_t number : steps) Apply(number, &rows);
  return rows;
}

std::string Life::WhatIsWrong(const std::string& dir, const Journal& journal,
                              bool with_copies) const {
  const std::string data = DataIn(dir);
  const Rows least = After(journal.acknowledged);
  std::vector<size_t> all = journal.acknowledged;
  if (journal.under_way > 0) all.push_back(journal.under_way);
  const Rows most = After(all);
  for (const bool read_only : {true, false}) {
    if (read_only && (least.empty() || !with_copies)) continue;  // there need not be a store yet
    const auto store = OpenIn(data, read_only);
    if (!store.ok()) return "does not open: " + std::string(store.status().message());
    const auto rows = ReadRows(**store);
    if (!rows.ok()) return "cannot be read: " + std::string(rows.status().message());
    if (*rows != least && *rows != most) {
      const auto step = rows->find({0, kStepKey});
      return "rows are not those of a step: it says " +
             (step == rows->end() ? "none" : step->second) + ", acknowledged are " +
             std::to_string(journal.acknowledged.size());
    }
  }
  return with_copies ? CompareCopies(dir, journal) : "";
}

std::string Life::CompareCopies(const std::string& dir, const Journal& journal) const {
  std::vector<size_t> before;
  std::optional<Rows> backed_up;
  for (const size_t number : journal.acknowledged) {
    before.push_back(number);
    const Step step = steps_[number - 1];
    if (step == Step::kBackup) backed_up = After(before);
    if (step != Step::kCheckpoint) continue;
    const auto store = OpenIn(CheckpointIn(dir, number));
    if (!store.ok()) return "a checkpoint does not open: " + store.status().ToString();
    const auto rows = ReadRows(**store);
    if (!rows.ok() || *rows != After(before)) return "a checkpoint has other rows";
  }
  if (!backed_up) return "";
  const auto backups = store::ListBackups(BackupsIn(dir));
  if (!backups.ok()) return "backups cannot be listed: " + backups.status().ToString();
  // Of an older one, which is being removed, and of one that is being made there may be a part.
  std::optional<uint32_t> whole;
  for (const BackupInfo& backup : *backups) {
    if (!backup.damaged) whole = backup.id;
  }
  const auto restored = store::RestoreBackup(BackupsIn(dir), whole, dir + "/restored");
  if (!restored.ok()) return "a backup cannot be restored: " + restored.status().ToString();
  const auto store = OpenIn(dir + "/restored");
  if (!store.ok()) return "a restored backup does not open: " + store.status().ToString();
  const auto rows = ReadRows(**store);
  const bool is_later = journal.under_way > 0 && rows.ok() && *rows == After(before);
  return rows.ok() && (*rows == *backed_up || is_later) ? "" : "a backup has other rows";
}

}  // namespace unirust::faults
