// Acknowledged commits that are missing are always noticed; what was never acknowledged may be torn off.
#include "store/commit_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class CommitMarkTest : public ::testing::Test {
 protected:
  static constexpr int kCommits = 4;

  // A store with some commits that are only in its log.
  void SetUp() override {
    const auto store = Store::Open({.dir = Dir()});
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < kCommits; ++i) {
      Batch batch;
      batch.Put(Family::kGroups, "key" + std::to_string(i), "value");
      (*store)->Commit(std::move(batch));
    }
  }
  std::string Dir() const { return temp_.path() + "/data"; }
  std::string Copy() const { return temp_.path() + "/copy"; }
  void MakeCopy() const {
    fs::remove_all(Copy());
    fs::copy(Dir(), Copy());
  }
  static uint64_t MarkOf(const std::string& dir) {
    const auto mark = CommitMark::Open(dir, CommitMark::IfAbsent::kRefuse);
    EXPECT_TRUE(mark.ok()) << mark.status();
    return mark.ok() ? (*mark)->acknowledged().commits : 0;
  }
  // The log that holds the commits.
  static fs::path LogOf(const std::string& dir) {
    fs::path log;
    for (const auto& file : fs::directory_iterator(dir)) {
      if (file.path().extension() == ".log" && (log.empty() || log < file.path())) {
        log = file.path();
      }
    }
    return log;
  }
  // OK only if all commits are there.
  static absl::Status OpenWhole(const std::string& dir) {
    const auto store = Store::Open({.dir = dir});
    if (!store.ok()) return store.status();
    for (int i = 0; i < kCommits; ++i) {
      std::string value;
      EXPECT_TRUE(*(*store)->Latest().Get(Family::kGroups, "key" + std::to_string(i), &value))
          << "commit " << i << " is missing, and nobody was told";
    }
    return absl::OkStatus();
  }

  TempDir temp_;
};

TEST_F(CommitMarkTest, EveryFlippedBitOfTheLogIsNoticed) {
  const std::string bytes = Read(LogOf(Dir()));
  ASSERT_GT(bytes.size(), 200U);
  for (size_t i = 0; i < bytes.size(); ++i) {
    SCOPED_TRACE(i);
    MakeCopy();
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    Write(LogOf(Copy()), damaged);
    EXPECT_EQ(OpenWhole(Copy()).code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(CommitMarkTest, AShorterLogIsNoticed) {
  const std::string bytes = Read(LogOf(Dir()));
  for (size_t size = 0; size < bytes.size(); size += 7) {
    SCOPED_TRACE(size);
    MakeCopy();
    Write(LogOf(Copy()), bytes.substr(0, size));
    const absl::Status status = OpenWhole(Copy());
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("had acknowledged commits"));
  }
}

TEST_F(CommitMarkTest, ATornTailOpens) {
  const std::string bytes = Read(LogOf(Dir()));
  for (const std::string& tail :
       {bytes.substr(0, 5), bytes.substr(0, 20), std::string(100, '\0')}) {
    MakeCopy();
    Write(LogOf(Copy()), bytes + tail);
    EXPECT_EQ(OpenWhole(Copy()), absl::OkStatus());
  }
}

// A power failure may leave pages in the middle of the last write unwritten.
TEST_F(CommitMarkTest, AnUnacknowledgedCommitWithAHoleOpens) {
  const auto before = CommitMark::Read(Dir());
  ASSERT_TRUE(before.ok()) << before.status();
  {
    const auto store = Store::Open({.dir = Dir()});
    ASSERT_TRUE(store.ok()) << store.status();
    Batch batch;
    batch.Put(Family::kBlocks, "large", std::string(100000, 'x'));
    (*store)->Commit(std::move(batch));
  }
  MakeCopy();
  std::string log = Read(LogOf(Copy()));
  log.replace(log.size() - 50000, 4096, 4096, '\0');
  Write(LogOf(Copy()), log);
  EXPECT_EQ(OpenWhole(Copy()).code(), absl::StatusCode::kDataLoss) << "acknowledged";
  MakeCopy();
  Write(LogOf(Copy()), log);
  {
    const auto mark = CommitMark::Open(Copy(), CommitMark::IfAbsent::kRefuse);
    ASSERT_TRUE(mark.ok()) << mark.status();
    ASSERT_EQ((*mark)->Advance(before->acknowledged), absl::OkStatus());
  }
  EXPECT_EQ(OpenWhole(Copy()), absl::OkStatus()) << "not acknowledged";
  EXPECT_EQ(OpenWhole(Copy()), absl::OkStatus()) << "the second time";
}

TEST_F(CommitMarkTest, AMissingOrDamagedMarkIsNoticed) {
  MakeCopy();
  fs::remove(CommitMark::PathIn(Copy()));
  EXPECT_THAT(std::string(OpenWhole(Copy()).message()), HasSubstr("no file commit-mark"));
  MakeCopy();
  std::string mark = Read(CommitMark::PathIn(Copy()));
  mark[3] = static_cast<char>(mark[3] ^ 1);
  Write(CommitMark::PathIn(Copy()), mark);
  EXPECT_EQ(OpenWhole(Copy()), absl::OkStatus()) << "the other slot is whole";
  MakeCopy();
  mark[4096] = static_cast<char>(mark[4096] ^ 1);
  Write(CommitMark::PathIn(Copy()), mark);
  EXPECT_EQ(OpenWhole(Copy()).code(), absl::StatusCode::kDataLoss);
  Write(CommitMark::PathIn(Copy()), "");
  EXPECT_EQ(OpenWhole(Copy()).code(), absl::StatusCode::kDataLoss);
}

// Before format version 3: a number and its hash, in two blocks.
TEST_F(CommitMarkTest, OneOfAnOlderProgramIsRefused) {
  std::string slot;
  AppendBig64(&slot, kCommits);
  AppendBig64(&slot, Hash64(slot));
  MakeCopy();
  Write(CommitMark::PathIn(Copy()), slot + std::string(4096 - slot.size(), '\0') + slot);
  const absl::Status status = OpenWhole(Copy());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Use the program that wrote it"));
}

TEST_F(CommitMarkTest, GoesOnAfterAnOpening) {
  for (const uint64_t more : {1U, 2U}) {
    {
      const auto store = Store::Open({.dir = Dir()});
      ASSERT_TRUE(store.ok()) << store.status();
      (*store)->Commit({});
    }
    EXPECT_EQ(MarkOf(Dir()), kCommits + more);
  }
  EXPECT_EQ(OpenWhole(Dir()), absl::OkStatus());
}

TEST_F(CommitMarkTest, ComesWithACheckpoint) {
  {
    const auto store = Store::Open({.dir = Dir()});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->Checkpoint(Copy()), absl::OkStatus());
  }
  EXPECT_EQ(OpenWhole(Copy()), absl::OkStatus());
  EXPECT_EQ(MarkOf(Copy()), 4U);
}

TEST_F(CommitMarkTest, ADirectoryThatIsThereIsNoPlaceForACheckpoint) {
  fs::create_directory(Copy());
  Write(fs::path(Copy()) / "theirs", "kept");
  const auto store = Store::Open({.dir = Dir()});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_FALSE((*store)->Checkpoint(Copy()).ok());
  EXPECT_EQ(Read(fs::path(Copy()) / "theirs"), "kept");
}

TEST_F(CommitMarkTest, AFileThatIsGoneIsNoticedEachTime) {
  for (const char* gone : {"CURRENT", "MANIFEST", ".log", "commit-mark"}) {
    SCOPED_TRACE(gone);
    MakeCopy();
    for (const auto& file : fs::directory_iterator(Copy())) {
      if (file.path().string().find(gone) != std::string::npos) fs::remove(file.path());
    }
    EXPECT_FALSE(OpenWhole(Copy()).ok());
    EXPECT_FALSE(OpenWhole(Copy()).ok()) << "the second time";
  }
}

TEST_F(CommitMarkTest, AWriteThatIsCutOffLeavesTheOtherSlot) {
  const std::string path = CommitMark::PathIn(Dir());
  for (uint64_t commits : {7U, 9U, 10U, 12U}) {  // commits that were logged and not marked lie between
    const std::string before = Read(path);
    {
      const auto mark = CommitMark::Open(Dir(), CommitMark::IfAbsent::kRefuse);
      ASSERT_TRUE(mark.ok()) << mark.status();
      ASSERT_EQ((*mark)->Advance({.commits = commits, .sequence = commits}), absl::OkStatus());
    }
    const std::string after = Read(path);
    const uint64_t last = MarkOf(Dir());
    for (size_t i = 0; i < after.size(); ++i) {
      if (before[i] == after[i]) continue;
      std::string torn = after;
      torn[i] = static_cast<char>(~torn[i]);
      Write(path, torn);
      EXPECT_LT(MarkOf(Dir()), last);
      EXPECT_GE(MarkOf(Dir()), 4U);
    }
    Write(path, after);
  }
}

TEST_F(CommitMarkTest, IsOpenOnce) {
  const auto mark = CommitMark::Open(Dir(), CommitMark::IfAbsent::kRefuse);
  ASSERT_TRUE(mark.ok()) << mark.status();
  EXPECT_EQ(Store::Open({.dir = Dir()}).status().code(), absl::StatusCode::kUnavailable);
}

// Several logs that hold what is in no other file yet.
class SeveralLogsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto store = Store::Open(Options(Dir()));
    ASSERT_TRUE(store.ok()) << store.status();
    for (size_t i = 0; i < 40; ++i) {
      Batch batch;
      batch.Put(i % 2 == 0 ? Family::kGroups : Family::kBlocks, "key" + std::to_string(i),
                std::string(200000, static_cast<char>('a' + i % 26)));
      (*store)->Commit(std::move(batch));
      boundaries_[LogsOf(Dir()).back()].push_back(fs::file_size(LogsOf(Dir()).back()));
    }
  }
  StoreOptions Options(const std::string& dir) const {
    return {.dir = dir, .shard_id = 0, .memory_budget_bytes = 64U << 20U};
  }
  std::string Dir() const { return temp_.path() + "/data"; }
  std::string Copy() const { return temp_.path() + "/copy"; }
  static std::vector<fs::path> LogsOf(const std::string& dir) {
    std::vector<fs::path> logs;
    for (const auto& file : fs::directory_iterator(dir)) {
      if (file.path().extension() == ".log") logs.push_back(file.path());
    }
    std::sort(logs.begin(), logs.end());
    return logs;
  }
  absl::Status OpenWithLogOf(const fs::path& log, std::optional<size_t> bytes) const {
    fs::remove_all(Copy());
    fs::copy(Dir(), Copy());
    const fs::path copied = fs::path(Copy()) / log.filename();
    if (bytes) {
      fs::resize_file(copied, *bytes);
    } else {
      fs::remove(copied);
    }
    return Store::Open(Options(Copy())).status();
  }

  TempDir temp_;
  std::map<fs::path, std::vector<size_t>> boundaries_;  // of the records of each log
};

TEST_F(SeveralLogsTest, AGapBetweenThemIsNoticed) {
  const std::vector<fs::path> logs = LogsOf(Dir());
  ASSERT_GE(logs.size(), 3U);
  EXPECT_EQ(OpenWithLogOf(logs[0], fs::file_size(logs[0])), absl::OkStatus());
  for (size_t i = 0; i < logs.size(); ++i) {
    SCOPED_TRACE(logs[i].filename());
    EXPECT_EQ(OpenWithLogOf(logs[i], {}).code(), absl::StatusCode::kDataLoss);
    std::vector<size_t> cuts = boundaries_[logs[i]];
    ASSERT_FALSE(cuts.empty());
    cuts.pop_back();  // the whole log
    const size_t records = cuts.size();
    for (size_t cut = 0; cut < records; ++cut) cuts.push_back(cuts[cut] + 1000);
    for (const size_t cut : cuts) {
      SCOPED_TRACE(cut);
      EXPECT_EQ(OpenWithLogOf(logs[i], cut).code(), absl::StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace unirust::store
