// What was deleted leaves the disk with a rewrite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/thread.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSecret[] = "0b5c94d1e7f3a862";

const auto kNever = [] { return false; };
const auto kAtOnce = [](const std::function<absl::Status()>& work) { return work(); };

class RewriteTest : public ::testing::Test {
 protected:
  RewriteTest() : store_(Store::Open({.dir = Dir()}).value()) {}
  std::string Dir() const { return temp_.path() + "/data"; }

  void Put(const std::string& key, const std::string& value) {
    Batch batch;
    for (const Family family : {Family::kRecords, Family::kGroups}) batch.Put(family, key, value);
    store_->Commit(std::move(batch));
  }
  void Delete(const std::string& key) {
    Batch batch;
    for (const Family family : {Family::kRecords, Family::kGroups}) batch.Delete(family, key);
    store_->Commit(std::move(batch));
  }
  // So that all is in tables.
  void Flush() {
    ASSERT_TRUE(store_->Backup({.dir = temp_.path() + "/backups"}, kNever).ok());
  }
  absl::Status Rewrite(const Store::InTurn& in_turn, const std::function<bool()>& stop) {
    return store_->Rewrite(store_->Moment(), in_turn, stop);
  }
  // Files that have the secret.
  std::set<std::string> Found() const {
    std::set<std::string> out;
    for (const auto& file : std::filesystem::directory_iterator(Dir())) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)), {});
      if (bytes.find(kSecret) != std::string::npos) out.insert(file.path().filename());
    }
    return out;
  }

  TempDir temp_;
  std::unique_ptr<Store> store_;
};

TEST_F(RewriteTest, LeavesNothingOfWhatWasDeletedOrOverwritten) {
  for (int n = 0; n < 3; ++n) {  // several tables
    Put("k" + std::to_string(n), "v");
    Put(kSecret + std::to_string(n), std::to_string(n) + kSecret);
    Put("o", kSecret + std::to_string(n));
    Flush();
  }
  for (int n = 0; n < 3; ++n) Delete(kSecret + std::to_string(n));
  Put("o", "new");
  ASSERT_THAT(Found(), Not(IsEmpty()));
  ASSERT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
  EXPECT_THAT(Found(), IsEmpty());
  std::string value;
  EXPECT_TRUE(store_->Latest().Get(Family::kRecords, "o", &value).value());
  EXPECT_EQ(value, "new");
  EXPECT_FALSE(store_->Latest().Get(Family::kGroups, std::string(kSecret) + "0", &value).value());
  store_.reset();
  EXPECT_TRUE(Store::Open({.dir = Dir()}).ok());
}

// A family of one table: the first compaction only moves that.
TEST_F(RewriteTest, RewritesATableThatIsAlone) {
  Put(kSecret, "v");
  Delete(kSecret);
  Flush();
  ASSERT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(RewriteTest, OfAnEmptyStoreTwice) {
  EXPECT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
  EXPECT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
}

TEST_F(RewriteTest, WaitsForReadersFromBefore) {
  Put(kSecret, "v");
  Reader before = store_->Snapshot();
  Delete(kSecret);
  constexpr int kMany = 20;  // questions whether to stop: more than a rewrite of so little asks
  std::atomic<int> asked = 0;
  std::atomic<bool> done = false;
  absl::Status status;
  Thread rewriting("rewrite", [&] {
    status = Rewrite(kAtOnce, [&] {
      ++asked;
      return false;
    });
    done = true;
  });
  while (asked < kMany && !done) std::this_thread::yield();
  EXPECT_FALSE(done);  // it waits
  std::string value;
  EXPECT_TRUE(before.Get(Family::kRecords, kSecret, &value).value());
  const Reader after = store_->Snapshot();  // does not hinder it
  before = Reader();
  rewriting.Join();
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_FALSE(after.Get(Family::kRecords, kSecret, &value).value());
}

TEST_F(RewriteTest, IsStopped) {
  Put(kSecret, "v");
  const Reader before = store_->Snapshot();
  Delete(kSecret);
  EXPECT_EQ(Rewrite(kAtOnce, [] { return true; }).code(), absl::StatusCode::kCancelled);
}

// A change of ontology just before, and while, it compacts.
TEST_F(RewriteTest, BesideChangesOfGeneration) {
  Put(kSecret, "v");
  Delete(kSecret);
  const auto change = [&] {
    ASSERT_TRUE(store_->BeginGeneration().ok());
    Batch batch;
    batch.Put(Family::kGroups, "g", "v");
    ASSERT_TRUE(store_->CommitPending(std::move(batch)).ok());
    Flush();
    ASSERT_TRUE(store_->SwitchGeneration({}).ok());
  };
  int turns = 0;
  const auto in_turn = [&](const std::function<absl::Status()>& work) {
    if (++turns == 1) change();
    const absl::Status status = work();
    if (turns == 1) change();
    return status;
  };
  ASSERT_EQ(Rewrite(in_turn, kNever), absl::OkStatus());
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(RewriteTest, IsStoppedWhileItCompacts) {
  Put(kSecret, "v");
  Delete(kSecret);
  bool compacts = false;
  const auto in_turn = [&](const std::function<absl::Status()>& work) {
    compacts = true;
    return work();
  };
  const auto stop = [&] { return compacts; };
  EXPECT_EQ(Rewrite(in_turn, stop).code(), absl::StatusCode::kCancelled);
  ASSERT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(RewriteTest, OfAGenerationThatIsPending) {
  ASSERT_TRUE(store_->BeginGeneration().ok());
  Put(kSecret, "v");
  Delete(kSecret);
  ASSERT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_TRUE(store_->SwitchGeneration({}).ok());
  ASSERT_EQ(Rewrite(kAtOnce, kNever), absl::OkStatus());
}

}  // namespace
}  // namespace unirust::store
