// The data directory of a simulated process: rows in memory that outlive it, and a Store on them
// that ends with it.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "store/store.h"
#include "tests/resolve/memory_rows.h"

namespace unirust::sim {

using resolve::FamilyRows;
using Families = std::array<std::shared_ptr<const FamilyRows>, store::kFamilies>;

// What a crash leaves.
struct Disk {
  struct Generation {
    uint64_t number = 0;
    Families families;  // the derived ones
  };
  explicit Disk(const std::string& identity);

  Families families;
  uint64_t generation = 0;
  std::optional<Generation> sealed;
  uint64_t clears = 0;
};

// A process: what it does after its end reaches nothing.
struct Process {
  bool alive = true;
};

// As store/store.h, with a disk that takes writes while the process is alive, and that has nothing
// of what was deleted. Checkpoints and backups are UNIMPLEMENTED.
class SimStore final : public store::Store {
 public:
  // `written` is called before and after each write to the disk.
  SimStore(Disk& disk, std::shared_ptr<Process> process, std::function<void()> written);

  store::Reader Latest() const override;
  store::Reader Snapshot() const override;
  void Commit(store::Batch batch) override;
  absl::Status BeginGeneration() override;
  bool HasPending() const override;
  store::Reader Pending() const override;
  absl::Status CommitPending(store::Batch batch) override;
  absl::StatusOr<uint64_t> SwitchGeneration(store::Batch batch) override;
  absl::Status DropPending() override;
  absl::Status SealPending() override;
  absl::Status Clear(store::Batch batch) override;
  absl::Status Checkpoint(const std::string& dir) const override;
  absl::StatusOr<BackupInfo> Backup(const store::BackupPlan& plan,
                                    const std::function<bool()>& stop) const override;
  absl::Status VerifyChecksums() const override { return absl::OkStatus(); }
  uint64_t Moment() const override;
  absl::Status AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const override;
  absl::Status Rewrite(uint64_t moment, const InTurn& in_turn,
                       const std::function<bool()>& stop) override;
  StorageMetrics Metrics() const override { return {}; }

  // What is newest, with the current generation or the pending one.
  Families Now(bool pending) const;
  uint64_t generation() const;

 private:
  struct Taken {
    uint64_t moment = 0;
    std::weak_ptr<const store::Reader::State> state;
  };

  void Write(const std::function<void(Disk&)>& change);
  bool IsRead(uint64_t before) const;
  std::shared_ptr<const FamilyRows> RowsNow(bool pending, store::Family family) const;

  Disk& disk_;
  const std::shared_ptr<Process> process_;
  const std::function<void()> written_;
  mutable Mutex mutex_;
  Disk now_ ABSL_GUARDED_BY(mutex_);  // as this process sees it
  std::optional<Disk::Generation> pending_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t writes_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable std::vector<Taken> snapshots_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::sim
