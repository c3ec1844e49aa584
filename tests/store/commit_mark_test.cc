// Acknowledged commits that are missing are always noticed; what was never acknowledged may be torn off.
#include "store/commit_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

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
    EXPECT_THAT(std::string(status.message()), HasSubstr("4 were acknowledged"));
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

TEST_F(CommitMarkTest, GoesOnAfterAnOpening) {
  for (const uint64_t more : {1U, 2U}) {
    const auto store = Store::Open({.dir = Dir()});
    ASSERT_TRUE(store.ok()) << store.status();
    (*store)->Commit({});
    const auto mark = CommitMark::Open(Dir());
    ASSERT_TRUE(mark.ok()) << mark.status();
    EXPECT_EQ((*mark)->commits(), kCommits + more);
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
  const auto mark = CommitMark::Open(Copy());
  ASSERT_TRUE(mark.ok()) << mark.status();
  EXPECT_EQ((*mark)->commits(), 4U);
}

}  // namespace
}  // namespace unirust::store
