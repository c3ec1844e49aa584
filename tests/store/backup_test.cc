#include "store/backup.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/store/numbered_commits.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

bool Never() { return false; }

// Flips one bit in the middle.
void Damage(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 4));
}

class BackupTest : public NumberedCommitsTest {
 protected:
  std::string Backups() const { return temp_.path() + "/backups"; }
  std::string Restored() const { return temp_.path() + "/restored"; }

  BackupInfo Backup(size_t keep = 100) {
    const auto made = store_->Backup({.dir = Backups(), .keep = keep}, Never);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(BackupInfo{});
  }
  std::vector<uint32_t> Ids() const {
    std::vector<uint32_t> out;
    const auto backups = ListBackups(Backups());
    EXPECT_TRUE(backups.ok()) << backups.status();
    if (!backups.ok()) return out;
    for (const BackupInfo& backup : *backups) out.push_back(backup.id);
    return out;
  }
  // The last commit of the restored store, which is looked at as a whole; it is removed again.
  uint64_t LastIn(std::optional<uint32_t> id) {
    const auto info = RestoreBackup(Backups(), id, Restored());
    EXPECT_TRUE(info.ok()) << info.status();
    EXPECT_FALSE(fs::exists(Restored() + ".restoring"));
    if (!info.ok()) return 0;
    auto store = Store::Open({.dir = Restored()});
    EXPECT_TRUE(store.ok()) << store.status();
    if (!store.ok()) return 0;
    const uint64_t last = CheckedLast(**store);
    store->reset();  // it works in the background
    fs::remove_all(Restored());
    return last;
  }
  void ExpectNotRestored(const absl::Status& status, absl::StatusCode code,
                         const std::string& part) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
    EXPECT_FALSE(fs::exists(Restored()));
    EXPECT_FALSE(fs::exists(Restored() + ".restoring"));
  }
  size_t SharedFiles() const {
    const fs::directory_iterator files(Backups() + "/shared_checksum");
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
};

TEST_F(BackupTest, EachIsAPointInTime) {
  OpenToWrite();
  for (const uint64_t n : {1U, 2U, 3U}) {
    CommitNumber(n, 400000);
    const BackupInfo made = Backup();
    EXPECT_EQ(made.id, n);
    EXPECT_EQ(made.commits, n);
    EXPECT_GT(made.bytes, 0U);
  }
  for (const uint32_t id : {1U, 2U, 3U}) EXPECT_EQ(LastIn(id), id);
  EXPECT_EQ(LastIn(std::nullopt), 3U);
}

TEST_F(BackupTest, TablesAreCopiedOnce) {
  OpenToWrite();
  CommitNumber(1, 400000);  // too little for a compaction to replace tables
  Backup();
  const size_t files = SharedFiles();
  EXPECT_GT(files, 0U);
  Backup();
  EXPECT_EQ(SharedFiles(), files);
}

TEST_F(BackupTest, OldOnesAreRemovedAndTheirTablesWithThem) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 5; ++n) {
    CommitNumber(n, 100000);
    Backup(2);
  }
  EXPECT_THAT(Ids(), ElementsAre(4, 5));
  EXPECT_EQ(LastIn(4), 4U);
  EXPECT_EQ(RestoreBackup(Backups(), 3, Restored()).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BackupTest, AreWholeWhateverTheWriterDoesMeanwhile) {
  OpenToWrite();
  std::atomic<uint64_t> acknowledged = 0;
  std::vector<uint64_t> before(1);
  {
    const Meanwhile writer([&](uint64_t n) {
      if (n % 50 == 0) ResolveAnew(n - 1);
      CommitNumber(n, n % 5 == 0 ? 200000 : 3000);
      acknowledged = n;
    });
    for (int i = 0; i < 12; ++i) {
      before.push_back(acknowledged);
      Backup();
    }
  }
  for (const uint32_t id : Ids()) EXPECT_GE(LastIn(id), before.at(id)) << id;
  EXPECT_EQ(Ids().size(), 12U);
}

TEST_F(BackupTest, GoOnAfterARestore) {
  OpenToWrite();
  CommitNumber(1);
  Backup();
  CommitNumber(2);
  Backup();
  store_.reset();
  fs::remove_all(Dir());
  ASSERT_TRUE(RestoreBackup(Backups(), 1, Dir()).ok());
  OpenToWrite();
  EXPECT_EQ(CheckedLast(*store_), 1U);
  CommitNumber(2, 10);
  CommitNumber(3, 10);
  EXPECT_EQ(Backup().commits, 3U);
  EXPECT_EQ(LastIn(2), 2U) << "of the history that was left";
  EXPECT_EQ(LastIn(3), 3U);
}

TEST_F(BackupTest, OneThatIsStoppedLeavesTheEarlierOnes) {
  OpenToWrite();
  CommitNumber(1);
  Backup();
  for (uint64_t n = 2; n <= 30; ++n) CommitNumber(n, 400000);
  const auto stopped = store_->Backup({.dir = Backups()}, [] { return true; });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled) << stopped.status();
  EXPECT_THAT(Ids(), ElementsAre(1));
  EXPECT_EQ(LastIn(1), 1U);
  Backup();
  EXPECT_EQ(LastIn(std::nullopt), 30U);
}

TEST_F(BackupTest, ADirectoryOfAnotherStoreIsRefused) {
  OpenToWrite();
  CommitNumber(1);
  Backup();
  const auto other = Store::Open({.dir = temp_.path() + "/other", .shard_id = 1});
  ASSERT_TRUE(other.ok()) << other.status();
  const auto made = (*other)->Backup({.dir = Backups()}, Never);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kFailedPrecondition) << made.status();
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("of another store"));
  EXPECT_THAT(Ids(), ElementsAre(1));
}

TEST_F(BackupTest, OneAtATime) {
  OpenToWrite();
  Backup();
  const int file = open((Backups() + "/lock").c_str(), O_RDWR);
  ASSERT_EQ(flock(file, LOCK_EX | LOCK_NB), 0);
  const auto made = store_->Backup({.dir = Backups()}, Never);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kUnavailable) << made.status();
  close(file);
  Backup();
}

TEST_F(BackupTest, ADamagedOneIsNeverRestored) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 30; ++n) CommitNumber(n, 400000);
  Backup();
  size_t damaged = 0;
  const std::string kept = temp_.path() + "/kept";
  fs::copy(Backups(), kept, fs::copy_options::recursive);
  for (const auto& file : fs::recursive_directory_iterator(kept)) {
    if (!file.is_regular_file() || file.file_size() == 0) continue;
    SCOPED_TRACE(file.path());
    const fs::path copy = Backups() / fs::relative(file.path(), kept);
    Damage(copy);
    ExpectNotRestored(RestoreBackup(Backups(), std::nullopt, Restored()).status(),
                      absl::StatusCode::kDataLoss, "");
    fs::copy(file.path(), copy, fs::copy_options::overwrite_existing);
    ++damaged;
  }
  EXPECT_GT(damaged, 5U);
  EXPECT_EQ(LastIn(1), 30U);
}

TEST_F(BackupTest, OneThatLacksAFileIsListedAsDamaged) {
  OpenToWrite();
  CommitNumber(1);
  Backup();
  CommitNumber(2);
  Backup();
  for (const auto& file : fs::directory_iterator(Backups() + "/private/2")) {
    if (file.path().filename().string().starts_with("MANIFEST")) fs::remove(file.path());
  }
  const auto backups = ListBackups(Backups());
  ASSERT_TRUE(backups.ok()) << backups.status();
  ASSERT_EQ(backups->size(), 2U);
  EXPECT_FALSE(backups->at(0).damaged);
  EXPECT_TRUE(backups->at(1).damaged);
  ExpectNotRestored(RestoreBackup(Backups(), std::nullopt, Restored()).status(),
                    absl::StatusCode::kDataLoss, "name an older one");
  ExpectNotRestored(RestoreBackup(Backups(), 2, Restored()).status(), absl::StatusCode::kDataLoss,
                    "backup 2");
  EXPECT_EQ(LastIn(1), 1U);
}

TEST_F(BackupTest, RestoreWantsANewDirectory) {
  OpenToWrite();
  CommitNumber(1);
  ExpectNotRestored(RestoreBackup(Backups(), std::nullopt, Restored()).status(),
                    absl::StatusCode::kNotFound, "no backups");
  Backup();
  ExpectNotRestored(RestoreBackup(Backups(), 9, Restored()).status(), absl::StatusCode::kNotFound,
                    "backup 9");
  EXPECT_EQ(RestoreBackup(Backups(), 1, Dir()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CheckedLast(*store_), 1U);
  EXPECT_FALSE(RestoreBackup(Backups(), 1, temp_.path() + "/no/parent").ok());
  fs::create_directory(Restored());
  EXPECT_EQ(LastIn(1), 1U) << "an empty one will do";
}

TEST_F(BackupTest, AnInterruptedRestoreIsInNobodysWay) {
  OpenToWrite();
  CommitNumber(1);
  Backup();
  const std::string stage = Restored() + ".restoring";
  fs::create_directories(stage + "/data");
  std::ofstream(stage + "/data/000007.sst") << "half";
  const auto theirs = RestoreBackup(Backups(), 1, Restored());
  EXPECT_EQ(theirs.status().code(), absl::StatusCode::kFailedPrecondition) << "no sign of ours";
  EXPECT_TRUE(fs::exists(stage + "/data/000007.sst"));
  std::ofstream(stage + "/lock") << "";
  EXPECT_EQ(LastIn(1), 1U);
  fs::create_directories(stage);
  const int file = open((stage + "/lock").c_str(), O_RDWR | O_CREAT, 0666);
  ASSERT_EQ(flock(file, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(RestoreBackup(Backups(), 1, Restored()).status().code(),
            absl::StatusCode::kUnavailable);
  close(file);
}

}  // namespace
}  // namespace unirust::store
