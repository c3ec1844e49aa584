// Backups and checkpoints of a store of several parts, restored part by part.
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>

#include "base/mutex.h"
#include "shard/backups.h"
#include "tests/cluster/histories_fixture.h"

namespace unirust::shard {
namespace {

class Copies : public ClusterHistories {
 protected:
  static bool Never() { return false; }

  // As Build, but with a place for backups, and with an ontology.
  void BuildCopied(size_t parts, Dice& dice) {
    options_.backup_dir = "";
    Build(parts, dice);
    engine_.reset();
    options_.backup_dir = cluster_->BackupDir(0);
    options_.backup_keep = 2;
    Open(Life::kForever);
    Start(RandomOntology(dice));
  }

  // Writes that come while the parts are copied, one part after the other and each at its own time.
  void WriteMeanwhile(Dice& dice) {
    cluster_->SetCopying([this, &dice] {
      MutexLock lock(copying_);
      for (size_t n = dice.Below(3); n > 0; --n) {
        const std::vector<Write> batch = RandomBatch(dice);
        const auto written = engine_->Ingest(batch);
        EXPECT_TRUE(written.ok()) << written.status();
        Note(batch);
      }
      if (!dice.OneIn(3)) return;
      const absl::Status status = Move(dice);
      EXPECT_TRUE(status.ok()) << status;
    });
  }

  // Each part as `restore(part, directory)` makes it; the store that was copied is closed.
  void OpenCopies(size_t parts, const std::function<void(size_t, const std::string&)>& restore) {
    engine_.reset();
    cluster_->CloseParts();
    for (size_t part = 0; part < parts; ++part) {
      std::filesystem::remove_all(cluster_->Dir(part));
      restore(part, cluster_->Dir(part));
    }
    cluster_->SetCopying([] {});
    Open(Life::kForever);
  }

  Mutex copying_;
};

TEST_P(Copies, ABackupOfAllPartsIsOneState) {
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    const size_t parts = 1 + dice.Below(4);
    BuildCopied(parts, dice);
    BackupInfo backup;
    for (size_t round = 1 + dice.Below(4); round > 0; --round) {
      for (size_t batches = dice.Below(5); batches > 0; --batches) Apply(RandomBatch(dice));
      WriteMeanwhile(dice);
      const auto made = engine_->Backup(Never);
      ASSERT_TRUE(made.ok()) << made.status();
      backup = *made;
      cluster_->SetCopying([] {});
    }
    EXPECT_EQ(backup.parts.size(), parts - 1);
    const std::map<Identity, Write> then = live_;
    for (size_t batches = dice.Below(100); batches > 0; --batches) Apply(RandomBatch(dice));
    ExpectFresh(dice);  // the outbox, which had been kept for the backup, does no harm
    live_ = then;
    OpenCopies(parts, [&](size_t part, const std::string& dir) {
      const uint32_t id = part == 0 ? backup.id : backup.parts[part - 1].id;
      const auto restored = RestoreBackup(cluster_->BackupDir(part), id, dir);
      ASSERT_TRUE(restored.ok()) << restored.status();
      EXPECT_LE(ListBackups(cluster_->BackupDir(part))->size(), 2U) << "what home has";
    });
    ExpectFresh(dice);
    Apply(RandomBatch(dice));
    ExpectFresh(dice);
  }, 4);
}

TEST_P(Copies, ACheckpointOfAllPartsIsOneState) {
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    const size_t parts = 2 + dice.Below(3);
    BuildCopied(parts, dice);
    for (size_t batches = 5; batches > 0; --batches) Apply(RandomBatch(dice));
    WriteMeanwhile(dice);
    const auto paths = engine_->Checkpoint("monday");
    ASSERT_TRUE(paths.ok()) << paths.status();
    cluster_->SetCopying([] {});
    const std::map<Identity, Write> then = live_;
    for (size_t batches = 5; batches > 0; --batches) Apply(RandomBatch(dice));
    live_ = then;
    OpenCopies(parts, [&](size_t part, const std::string& dir) {
      EXPECT_EQ((*paths)[part], cluster_->BackupDir(part) + "/monday");
      std::filesystem::rename((*paths)[part], dir);
    });
    ExpectFresh(dice);
  }, 3);
}

// What was copied before belongs to the old ontology, and home to the new one.
TEST_P(Copies, AChangeOfOntologyMeanwhileEndsABackup) {
  Dice dice(1);
  BuildCopied(3, dice);
  Apply(RandomBatch(dice));
  ASSERT_TRUE(engine_->Backup(Never).ok());
  std::atomic<size_t> calls = 0;
  cluster_->SetCopying([&] {
    if (++calls == 2) Start(RandomOntology(dice));
  });
  EXPECT_TRUE(absl::IsUnavailable(engine_->Backup(Never).status()));
  EXPECT_EQ(ListBackups(cluster_->BackupDir(0))->size(), 1U);
  cluster_->SetCopying([] {});
  const auto made = engine_->Backup(Never);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(ListBackups(cluster_->BackupDir(1))->size(), 2U) << "the failed one left nothing";
  EXPECT_EQ(ListBackups(cluster_->BackupDir(0))->front().parts[0].id, 1U);
}

TEST_P(Copies, ABackupEndsWithItsParts) {
  Dice dice(1);
  BuildCopied(3, dice);
  Apply(RandomBatch(dice));
  cluster_->SetReachable(2, false);
  const absl::Status status = engine_->Backup(Never).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("part 2 of the store"));
  EXPECT_TRUE(absl::IsNotFound(ListBackups(cluster_->BackupDir(0)).status()));
  EXPECT_TRUE(absl::IsUnavailable(engine_->Checkpoint("a").status()));
  EXPECT_FALSE(std::filesystem::exists(cluster_->BackupDir(1) + "/a"));
  cluster_->SetReachable(2, true);
  EXPECT_TRUE(engine_->Checkpoint("a").ok()) << "the half one is none";
  EXPECT_TRUE(absl::IsAlreadyExists(engine_->Checkpoint("a").status()));
  EXPECT_TRUE(absl::IsCancelled(engine_->Backup([] { return true; }).status()));
  ExpectFresh(dice);
  auto made = engine_->Backup(Never);
  while (absl::IsUnavailable(made.status())) made = engine_->Backup(Never);  // the last one ends
  ASSERT_TRUE(made.ok()) << made.status();
  for (const size_t part : {1, 2}) {  // whatever those left that failed
    const auto backups = *ListBackups(cluster_->BackupDir(part));
    ASSERT_EQ(backups.size(), 1U);
    EXPECT_EQ(backups[0].id, made->parts[part - 1].id);
  }
  engine_->StopWaiting();
  EXPECT_TRUE(absl::IsCancelled(engine_->Backup(Never).status())) << "the end is near";
}

// A part that slots leave is taken to have nothing when its move has ended: not before all copies are made.
TEST_P(Copies, AMoveDoesNotEndMeanwhile) {
  Dice dice(1);
  BuildCopied(2, dice);
  for (size_t batches = 6; batches > 0; --batches) Apply(RandomBatch(dice));
  const Engine::SlotPlan plan = *engine_->PlanSlots({1});
  ASSERT_TRUE(engine_->MoveSlots(plan.version, plan.target).ok());
  size_t calls = 0;
  absl::Status moved;
  cluster_->SetCopying([&] {
    if (++calls < 2) return;  // the copy is made
    for (bool more = true; more && moved.ok();) {
      const absl::StatusOr<bool> step = engine_->MoveStep();
      moved = step.status();
      more = step.ok() && *step;
    }
  });
  const auto backup = engine_->Backup(Never);
  ASSERT_TRUE(backup.ok()) << backup.status();
  EXPECT_TRUE(absl::IsUnavailable(moved)) << moved;
  cluster_->SetCopying([] {});
  while (*engine_->MoveStep()) continue;
  OpenCopies(2, [&](size_t part, const std::string& dir) {
    const auto restored = RestoreBackup(cluster_->BackupDir(part), {}, dir);
    ASSERT_TRUE(restored.ok()) << restored.status();
  });
  ExpectFresh(dice);
}

// Neither finds what it may remove while the other one has not said what belongs together.
TEST_P(Copies, OneBackupAtATime) {
  Dice dice(1);
  BuildCopied(2, dice);
  Apply(RandomBatch(dice));
  absl::Status other;
  std::atomic<size_t> calls = 0;
  cluster_->SetCopying([&] {
    if (++calls == 1) other = engine_->Backup(Never).status();
  });
  const auto made = engine_->Backup(Never);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(absl::IsUnavailable(other)) << other;
  EXPECT_EQ(ListBackups(cluster_->BackupDir(1))->back().id, made->parts[0].id);
}

// Whatever a purge removes is not kept for a backup.
TEST_P(Copies, APurgeDoesNotComeBetween) {
  Dice dice(1);
  BuildCopied(2, dice);
  Apply(RandomBatch(dice));
  absl::Status purged;
  cluster_->SetCopying([&] { purged = engine_->Purge(Never); });
  const auto made = engine_->Backup(Never);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(absl::IsUnavailable(purged)) << purged;
  EXPECT_EQ(ListBackups(cluster_->BackupDir(1))->back().id, made->parts[0].id);
  size_t asked = 0;
  cluster_->SetCopying([&] { purged = engine_->Purge([&] { return ++asked > 100; }); });
  EXPECT_TRUE(engine_->Checkpoint("a").ok());
  EXPECT_TRUE(absl::IsUnavailable(purged)) << purged;
  cluster_->SetCopying([] {});
  EXPECT_TRUE(engine_->Purge(Never).ok());
}

INSTANTIATE_TEST_SUITE_P(Parts, Copies, ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

}  // namespace
}  // namespace unirust::shard
