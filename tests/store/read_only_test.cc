// Reading a directory beside the store that has it open, and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <tuple>

#include "store/commit_mark.h"
#include "store/store.h"
#include "tests/store/numbered_commits.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Each file's size, time of change and content.
using Listing = std::map<std::string, std::tuple<uintmax_t, int64_t, int64_t, std::string>>;

Listing ListingOf(const std::string& dir) {
  Listing out;
  for (const auto& file : fs::directory_iterator(dir)) {
    struct stat info {};
    EXPECT_EQ(stat(file.path().c_str(), &info), 0);
    std::ostringstream bytes;
    bytes << std::ifstream(file.path(), std::ios::binary).rdbuf();
    out[file.path().filename().string()] = {file.file_size(), info.st_mtim.tv_sec,
                                            info.st_mtim.tv_nsec, bytes.str()};
  }
  return out;
}

absl::StatusOr<std::unique_ptr<Store>> OpenToRead(const std::string& dir) {
  return Store::Open({.dir = dir, .read_only = true});
}

class ReadOnlyTest : public NumberedCommitsTest {};

TEST_F(ReadOnlyTest, SeesWhatWasAcknowledgedAndNothingLater) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 5; ++n) CommitNumber(n);
  const auto reading = OpenToRead(Dir());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(CheckedLast(**reading), 5U);
  CommitNumber(6);
  EXPECT_EQ(CheckedLast(**reading), 5U);
  const auto again = OpenToRead(Dir());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(CheckedLast(**again), 6U);
  store_.reset();
  const auto alone = OpenToRead(Dir());
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(CheckedLast(**alone), 6U);
  OpenToWrite();
  ASSERT_NE(store_, nullptr) << "no lock is left or held";
  EXPECT_EQ(CheckedLast(*store_), 6U);
}

TEST_F(ReadOnlyTest, FindsManyKeysAtOnce) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 100; ++n) CommitNumber(n, 100);
  const auto reading = OpenToRead(Dir());
  ASSERT_TRUE(reading.ok()) << reading.status();
  std::set<size_t> found;
  EXPECT_EQ((*reading)->Snapshot().MultiGet(Family::kRecords, {{"n1", "n2", "n3x", "n7"}},
                                            [&](size_t i, std::string_view) { found.insert(i); }),
            absl::OkStatus());
  EXPECT_EQ(found, (std::set<size_t>{0, 1, 3}));
}

TEST_F(ReadOnlyTest, VerifiesChecksumsOfTablesWhileTheStoreReplacesThem) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 20; ++n) CommitNumber(n, 1U << 20U);
  OpenToWrite();  // flushes
  const auto reading = OpenToRead(Dir());
  ASSERT_TRUE(reading.ok()) << reading.status();
  for (uint64_t n = 21; n <= 60; ++n) CommitNumber(n, 1U << 20U);
  OpenToWrite();
  EXPECT_EQ((*reading)->VerifyChecksums(), absl::OkStatus());
}

TEST_F(ReadOnlyTest, NamesTheDamagedTableOfTheDirectory) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 20; ++n) CommitNumber(n, 1U << 20U);
  store_.reset();
  const auto reading = OpenToRead(Dir());
  ASSERT_TRUE(reading.ok()) << reading.status();
  fs::path largest;
  for (const auto& file : fs::directory_iterator(Dir())) {
    if (file.path().extension() != ".sst") continue;
    if (largest.empty() || file.file_size() > fs::file_size(largest)) largest = file.path();
  }
  ASSERT_FALSE(largest.empty());
  std::fstream table(largest, std::ios::in | std::ios::out | std::ios::binary);
  table.seekp(1000) << "damage";
  table.close();
  const absl::Status status = (*reading)->VerifyChecksums();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(largest.string()));
}

TEST_F(ReadOnlyTest, WritesNothing) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 5; ++n) CommitNumber(n, 200000);
  ASSERT_EQ(store_->BeginGeneration(), absl::OkStatus()) << "families that a writer would drop";
  store_.reset();
  const Listing before = ListingOf(Dir());
  {
    const auto reading = OpenToRead(Dir());
    ASSERT_TRUE(reading.ok()) << reading.status();
    EXPECT_EQ(CheckedLast(**reading), 5U);
    EXPECT_EQ(ListingOf(Dir()), before);
  }
  EXPECT_EQ(ListingOf(Dir()), before);
}

TEST_F(ReadOnlyTest, LeavesNoTemporaryFilesAndNeedsNoneAfterOpening) {
  const std::string parent = temp_.path() + "/tmp";
  fs::create_directory(parent);
  ASSERT_EQ(setenv("TMPDIR", parent.c_str(), 1), 0);
  OpenToWrite();
  CommitNumber(1);
  const auto reading = OpenToRead(Dir());
  unsetenv("TMPDIR");
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_TRUE(fs::is_empty(parent));
  EXPECT_EQ(CheckedLast(**reading), 1U);
}

// The writer flushes, compacts, deletes logs and tables, and replaces whole generations, as fast as it can.
TEST_F(ReadOnlyTest, SeesOneWholeStateWhateverTheWriterDoes) {
  OpenToWrite();
  std::atomic<uint64_t> acknowledged = 0;
  const Meanwhile writer([&](uint64_t n) {
    if (n % 50 == 0) ResolveAnew(n - 1);
    CommitNumber(n, n % 5 == 0 ? 200000 : 3000);
    acknowledged = n;
  });
  while (acknowledged < 3) {
  }
  for (int opening = 0; opening < 25; ++opening) {
    const uint64_t before = acknowledged;
    const auto reading = OpenToRead(Dir());
    ASSERT_TRUE(reading.ok()) << reading.status();
    const uint64_t after = acknowledged;
    const uint64_t last = CheckedLast(**reading);
    EXPECT_GE(last, before);
    EXPECT_LE(last, after + 1);
    EXPECT_EQ(CheckedLast(**reading), last) << "the state is constant";
  }
}

TEST_F(ReadOnlyTest, RefusesADirectoryWithoutAStore) {
  for (const char* what : {"absent", "empty"}) {
    const auto reading = OpenToRead(Dir());
    EXPECT_EQ(reading.status().code(), absl::StatusCode::kFailedPrecondition) << what;
    EXPECT_THAT(std::string(reading.status().message()), HasSubstr("there is no store"));
    EXPECT_EQ(fs::exists(Dir()), std::string(what) == "empty");
    fs::create_directory(Dir());
  }
  EXPECT_TRUE(fs::is_empty(Dir()));
}

TEST_F(ReadOnlyTest, NoticesWhatIsLost) {
  OpenToWrite();
  for (uint64_t n = 1; n <= 4; ++n) CommitNumber(n);
  store_.reset();
  const std::string copy = temp_.path() + "/copy";
  for (const char* gone : {"CURRENT", "MANIFEST", ".log", "commit-mark"}) {
    fs::remove_all(copy);
    fs::copy(Dir(), copy);
    for (const auto& file : fs::directory_iterator(copy)) {
      if (file.path().string().find(gone) != std::string::npos) fs::remove(file.path());
    }
    EXPECT_FALSE(OpenToRead(copy).ok()) << gone;
  }
  for (const auto& file : fs::directory_iterator(Dir())) {
    if (file.path().extension() != ".log" || file.file_size() < 20) continue;
    fs::resize_file(file.path(), file.file_size() - 10);
  }
  const auto reading = OpenToRead(Dir());
  EXPECT_EQ(reading.status().code(), absl::StatusCode::kDataLoss) << reading.status();
  EXPECT_THAT(std::string(reading.status().message()), HasSubstr("had acknowledged commits"));
}

TEST_F(ReadOnlyTest, NoticesALogThatIsMissingBetweenOthers) {
  std::set<std::string> logs;
  for (uint64_t n = 1; n <= 3; ++n) {  // each opening begins a log
    OpenToWrite();
    CommitNumber(n);
    for (const auto& file : fs::directory_iterator(Dir())) {
      if (file.path().extension() == ".log") logs.insert(file.path());
    }
  }
  store_.reset();
  ASSERT_EQ(logs.size(), 3U);
  fs::remove(*std::next(logs.begin()));
  EXPECT_EQ(OpenToRead(Dir()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReadOnlyTest, OpensWithATornTailThatWasNotAcknowledged) {
  OpenToWrite();
  CommitNumber(1);
  store_.reset();
  for (const auto& file : fs::directory_iterator(Dir())) {
    if (file.path().extension() != ".log" || file.file_size() < 20) continue;
    std::ofstream(file.path(), std::ios::binary | std::ios::app) << std::string(50, 'x');
  }
  const auto reading = OpenToRead(Dir());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(CheckedLast(**reading), 1U);
}

TEST_F(ReadOnlyTest, TheMarkIsReadWhileItIsAdvanced) {
  OpenToWrite();
  std::atomic<uint64_t> advanced = 0;
  const Meanwhile writer([&](uint64_t n) {
    store_->Commit({});
    advanced = n;
  });
  for (int look = 0; look < 20000; ++look) {
    const uint64_t before = advanced;
    const auto mark = CommitMark::Read(Dir());
    ASSERT_TRUE(mark.ok()) << mark.status();
    EXPECT_GE(mark->acknowledged.commits, before);
    EXPECT_LE(mark->acknowledged.commits, advanced + 1);
  }
}

}  // namespace
}  // namespace unirust::store
