// What a repair keeps of a damaged directory, and when it refuses. Any damage at all:
// damage_campaign_test.cc.
#include "store/repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "store/known_files.h"
#include "store/slots.h"
#include "tests/store/numbered_commits.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RepairTest : public NumberedCommitsTest {
 protected:
  std::string New() const { return temp_.path() + "/new"; }
  RepairOptions Options() const { return {.dir = Dir(), .memory_budget_bytes = 64U << 20U}; }
  absl::StatusOr<std::unique_ptr<Repair>> Begin() const { return Repair::Begin(Options()); }

  static absl::Status MakeAnew(const std::string& dir) {
    const auto store =
        Store::Open({.dir = dir, .memory_budget_bytes = 64U << 20U, .rebuild = true});
    if (!store.ok()) return store.status();
    const absl::Status begun = (*store)->BeginGeneration();
    return begun.ok() ? (*store)->SwitchGeneration(Batch()).status() : begun;
  }

  // Commits large rows until they are in a table, and no others: an orderly end would flush more
  // than 8 MiB.
  void CommitUntilFlushed(Family family) {
    const auto flushed = [&] {
      const auto bytes = Bytes();
      return std::any_of(bytes.begin(), bytes.end(),
                         [](const auto& file) { return file.first.ends_with(".sst"); });
    };
    std::mt19937_64 random(1);
    for (int n = 0; n < 6; ++n) {
      std::string noise(1'100'000, '\0');
      std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
      Batch batch;
      batch.Put(family, "row", noise);
      store_->Commit(std::move(batch));
    }
    while (!flushed()) std::this_thread::yield();
  }

  std::map<uint64_t, std::string> Logs() const {
    std::map<uint64_t, std::string> out;
    for (const auto& file : fs::directory_iterator(Dir())) {
      const auto number = LogNumber(Dir(), file.path());
      if (number) out[*number] = file.path();
    }
    return out;
  }

  static void Flip(const std::string& path, uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 1));
  }

  std::map<std::string, std::string> Bytes() const {
    std::map<std::string, std::string> out;
    for (const auto& file : fs::directory_iterator(Dir())) {
      std::ostringstream bytes;
      bytes << std::ifstream(file.path(), std::ios::binary).rdbuf();
      out[file.path().filename()] = bytes.str();
    }
    return out;
  }

  void CommitAndDamage(uint64_t commits, uint64_t damaged) {
    OpenToWrite();
    std::map<uint64_t, uint64_t> ends;
    for (uint64_t n = 1; n <= commits; ++n) {
      CommitNumber(n);
      ends[n] = fs::file_size(Logs().rbegin()->second);
    }
    store_.reset();
    Flip(Logs().rbegin()->second, ends[damaged] - 1);
  }
};

TEST_F(RepairTest, NothingOfAWholeDirectory) {
  OpenToWrite();
  CommitNumber(1);
  store_.reset();
  const auto repair = Begin();
  ASSERT_TRUE(repair.ok()) << repair.status();
  EXPECT_EQ(*repair, nullptr);
}

TEST_F(RepairTest, KeepsWhatIsBeforeTheDamageAndTellsTheRest) {
  CommitAndDamage(9, 6);
  const auto before = Bytes();
  const auto repair = Begin();
  ASSERT_TRUE(repair.ok()) << repair.status();
  ASSERT_NE(*repair, nullptr);
  EXPECT_EQ((*repair)->loss().kept, 5U);
  EXPECT_EQ((*repair)->loss().acknowledged, 9U);
  EXPECT_EQ((*repair)->loss().commits(), 4U);
  EXPECT_THAT((*repair)->loss().files, SizeIs(1));
  ASSERT_EQ((*repair)->Into(New(), MakeAnew), absl::OkStatus());
  EXPECT_EQ(Bytes(), before);
  EXPECT_FALSE(fs::exists(New() + ".restoring"));
  ASSERT_THAT(Losses(New()), SizeIs(1));
  EXPECT_THAT(Losses(New())[0], HasSubstr("commits 6 to 9 were acknowledged and given up"));
  const auto store = Store::Open({.dir = New(), .memory_budget_bytes = 64U << 20U});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(CheckedLast(**store), 5U);
}

TEST_F(RepairTest, ASecondLossIsAddedToTheFirst) {
  CommitAndDamage(5, 5);
  ASSERT_EQ((*Begin())->Into(New(), MakeAnew), absl::OkStatus());
  fs::remove_all(Dir());
  fs::rename(New(), Dir());
  CommitAndDamage(9, 9);
  ASSERT_EQ((*Begin())->Into(New(), MakeAnew), absl::OkStatus());
  EXPECT_THAT(Losses(New()), SizeIs(2));
}

// Rows of blocks behind the damaged one can be read.
TEST_F(RepairTest, CountsRecordsThatCanStillBeRead) {
  OpenToWrite();
  CommitNumber(1);
  const uint64_t damaged = fs::file_size(Logs().rbegin()->second);
  for (uint64_t n = 2; n <= 9; ++n) CommitNumber(n, 40'000);
  store_.reset();
  Flip(Logs().rbegin()->second, damaged + 100);
  const auto repair = Begin();
  ASSERT_TRUE(repair.ok()) << repair.status();
  EXPECT_EQ((*repair)->loss().kept, 1U);
  EXPECT_EQ((*repair)->loss().readable_records, 8U);  // "last", and n3 to n9
}

TEST_F(RepairTest, AnOldestLogThatIsMissing) {
  for (uint64_t n = 1; n <= 6; ++n) {
    if (n % 2 == 1) OpenToWrite();  // a log of its own
    CommitNumber(n);
  }
  store_.reset();
  ASSERT_GE(Logs().size(), 3U);
  fs::remove(Logs().begin()->second);
  const auto repair = Begin();
  // Not even the creation of the store is left.
  EXPECT_EQ(repair.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(repair.status().message()), HasSubstr("identity"));
}

TEST_F(RepairTest, AMiddleLogThatIsMissing) {
  for (uint64_t n = 1; n <= 6; ++n) {
    if (n % 2 == 1) OpenToWrite();
    CommitNumber(n);
  }
  store_.reset();
  fs::remove(std::next(Logs().begin())->second);
  const auto repair = Begin();
  ASSERT_TRUE(repair.ok()) << repair.status();
  EXPECT_EQ((*repair)->loss().kept, 2U);
  EXPECT_EQ((*repair)->loss().commits(), 4U);
  EXPECT_THAT((*repair)->loss().files, ::testing::Contains(HasSubstr("is missing")));
}

// Derived rows are in tables that are newer than the damage: none of them stays.
TEST_F(RepairTest, MakesAnewWhatIsAhead) {
  OpenToWrite();
  CommitNumber(1);
  CommitNumber(2);
  const std::string first = Logs().begin()->second;
  const uint64_t end = fs::file_size(first);
  CommitNumber(3);
  CommitUntilFlushed(Family::kTouches);
  CommitNumber(4);
  store_.reset();
  ASSERT_TRUE(fs::exists(first));
  Flip(first, end + 20);
  const auto repair = Begin();
  ASSERT_TRUE(repair.ok()) << repair.status();
  EXPECT_EQ((*repair)->loss().kept, 2U);
  EXPECT_TRUE((*repair)->loss().makes_anew);
  bool made = false;
  const auto make_anew = [&](const std::string& dir) {
    made = true;
    EXPECT_EQ(Store::Open({.dir = dir, .memory_budget_bytes = 64U << 20U}).status().code(),
              absl::StatusCode::kFailedPrecondition);
    return MakeAnew(dir);
  };
  ASSERT_EQ((*repair)->Into(New(), make_anew), absl::OkStatus());
  EXPECT_TRUE(made);
  const auto store = Store::Open({.dir = New(), .memory_budget_bytes = 64U << 20U});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(Get((*store)->Latest(), Family::kRecords, "last"), "2");
  EXPECT_EQ(Get((*store)->Latest(), Family::kTouches, "row"), std::nullopt);
  EXPECT_EQ(Get((*store)->Latest(), Family::kGroups, "last"), std::nullopt);
}

// Records are: they are of no state that the store ever had.
TEST_F(RepairTest, RefusesWhereRecordsAreAhead) {
  OpenToWrite();
  CommitNumber(1);
  const std::string first = Logs().begin()->second;
  const uint64_t end = fs::file_size(first);
  CommitNumber(2);
  CommitUntilFlushed(Family::kRecords);
  CommitNumber(3);
  store_.reset();
  ASSERT_TRUE(fs::exists(first));
  Flip(first, end + 20);
  const auto repair = Begin();
  EXPECT_EQ(repair.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(repair.status().message()), HasSubstr("tables of family records"));
  EXPECT_THAT(std::string(repair.status().message()), HasSubstr("It cannot be repaired"));
}

TEST_F(RepairTest, RefusesAPartOfAStoreOfSeveral) {
  OpenToWrite();
  Batch batch;
  batch.Put(Family::kMeta, kPartKey, "part");
  store_->Commit(std::move(batch));
  store_.reset();
  CommitAndDamage(3, 3);
  const auto repair = Begin();
  EXPECT_EQ(repair.status().code(), absl::StatusCode::kFailedPrecondition) << repair.status();
  EXPECT_THAT(std::string(repair.status().message()), HasSubstr("a part of a store of several"));
}

TEST_F(RepairTest, RefusesADirectoryThatIsHeld) {
  CommitAndDamage(3, 3);
  const auto first = Begin();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Begin().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RepairTest, RefusesATargetThatHoldsSomething) {
  CommitAndDamage(3, 3);
  fs::create_directory(New());
  std::ofstream(New() + "/file") << "x";
  const auto repair = Begin();
  ASSERT_TRUE(repair.ok()) << repair.status();
  EXPECT_EQ((*repair)->Into(New(), MakeAnew).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace unirust::store
