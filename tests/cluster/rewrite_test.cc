// What was deleted leaves the disks of all parts with a rewrite.
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/thread.h"
#include "cluster/cluster_store.h"
#include "store/slots.h"
#include "tests/cluster/cluster_fixture.h"
#include "tests/store/temp_dir.h"

namespace unirust::cluster {
namespace {

using store::Batch;
using store::Family;
using ::testing::HasSubstr;

constexpr char kSecret[] = "0b5c94d1e7f3a862";
constexpr size_t kParts = 3;
constexpr uint16_t kSlotsBetween = 100;  // so many rows that every part has some

const auto kNever = [] { return false; };
const auto kAtOnce = [](const std::function<absl::Status()>& work) { return work(); };

class RewriteTest : public ::testing::TestWithParam<Reach> {
 protected:
  RewriteTest() : cluster_(temp_.path() + "/data", kParts, GetParam()) { Open(); }
  ~RewriteTest() override { store_.reset(); }

  void Open() {
    auto opened = cluster_.Open();
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  template <typename Change>
  static Batch OfAllParts(Family family, const Change& change) {
    Batch out;
    for (uint16_t slot = 0; slot < limits::kSlots; slot += kSlotsBetween) {
      change(out, family, *store::FirstKeyOf(family, slot) + kSecret);
    }
    return out;
  }
  static Batch Secrets(Family family = Family::kRecords) {
    return OfAllParts(family, [](Batch& batch, Family where, const std::string& key) {
      batch.Put(where, key, kSecret);
    });
  }
  static Batch Deletions() {
    return OfAllParts(Family::kRecords, [](Batch& batch, Family where, const std::string& key) {
      batch.Delete(where, key);
    });
  }
  void WriteAndDelete() {
    store_->Commit(Secrets());
    store_->Commit(Deletions());
  }
  void WriteSomethingElse() {
    Batch batch;
    batch.Put(Family::kRecords, *store::FirstKeyOf(Family::kRecords, 5), "v");
    store_->Commit(std::move(batch));
  }

  // The parts that have the secret in a file.
  std::set<size_t> Found() const {
    std::set<size_t> out;
    for (size_t part = 0; part < kParts; ++part) {
      for (const auto& file : std::filesystem::directory_iterator(cluster_.Dir(part))) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(in)), {});
        if (bytes.find(kSecret) != std::string::npos) out.insert(part);
      }
    }
    return out;
  }
  const std::set<size_t> kNone;
  const std::set<size_t> kAll = {0, 1, 2};

  absl::Status Rewrite(const store::Store::InTurn& in_turn = kAtOnce,
                       const std::function<bool()>& stop = kNever) {
    return store_->Rewrite(store_->Moment(), in_turn, stop);
  }
  // Calls `free` when a rewrite has waited for a while, which must not end before.
  template <typename Free>
  void ExpectToWaitFor(const Free& free, const store::Store::InTurn& in_turn = kAtOnce) {
    constexpr int kMany = 10;  // questions whether to stop
    std::atomic<int> asked = 0;
    std::atomic<bool> freed = false;
    std::atomic<bool> early = false;
    absl::Status status;
    Thread rewriting("rewrite", [&] {
      status = Rewrite(in_turn, [&] {
        ++asked;
        return false;
      });
      early = !freed;
    });
    while (asked < kMany && !early) std::this_thread::yield();
    EXPECT_EQ(Found(), kAll);
    freed = true;
    free();
    rewriting.Join();
    EXPECT_FALSE(early);
    EXPECT_EQ(status, absl::OkStatus());
    EXPECT_EQ(Found(), kNone);
  }

  store::TempDir temp_;
  Cluster cluster_;
  std::unique_ptr<ClusterStore> store_;
};

// Also while nothing else is written, and so states and what was to be delivered are not let go by themselves.
TEST_P(RewriteTest, LeavesNothingInAnyPart) {
  for (int n = 0; n < 2; ++n) {
    WriteAndDelete();
    ASSERT_EQ(Found(), kAll);
    ASSERT_EQ(Rewrite(), absl::OkStatus());
    EXPECT_EQ(Found(), kNone);
    ASSERT_EQ(Rewrite(), absl::OkStatus());
    store_.reset();
    cluster_.CloseParts();
    Open();
    EXPECT_EQ(Found(), kNone);
  }
}

TEST_P(RewriteTest, WaitsForReadersFromBefore) {
  store_->Commit(Secrets());
  store::Reader before = store_->Snapshot();
  EXPECT_TRUE(before.Scan(Family::kRecords, "", "")->Valid());
  store_->Commit(Deletions());
  ExpectToWaitFor([&] {
    size_t rows = 0;
    const auto cursor = before.Scan(Family::kRecords, "", "");
    for (; cursor->Valid(); cursor->Next()) ++rows;
    EXPECT_EQ(cursor->status(), absl::OkStatus());
    EXPECT_EQ(rows, limits::kSlots / kSlotsBetween + 1U);
    before = store::Reader();
  });
}

TEST_P(RewriteTest, ReadersFromAfterGoOn) {
  WriteAndDelete();
  store::Reader after;
  int turns = 0;
  const auto in_turn = [&](const std::function<absl::Status()>& work) {
    const absl::Status status = work();
    after = store_->Snapshot();
    for (size_t n = 0; n < limits::kEpochsKept; ++n) WriteSomethingElse();
    ++turns;
    return status;
  };
  ASSERT_EQ(Rewrite(in_turn), absl::OkStatus());
  EXPECT_EQ(turns, 1);
  EXPECT_EQ(Found(), kNone);
  const auto cursor = after.Scan(Family::kRecords, "", "");
  EXPECT_FALSE(cursor->Valid());
  EXPECT_EQ(cursor->status(), absl::OkStatus());
  EXPECT_TRUE(store_->Snapshot().Scan(Family::kRecords, "", "")->Valid());
}

TEST_P(RewriteTest, WithoutAPartItFails) {
  WriteAndDelete();
  cluster_.SetReachable(false);
  const absl::Status status = Rewrite();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("part 1 of the store"));
  cluster_.SetReachable(true);
  ASSERT_EQ(Rewrite(), absl::OkStatus());
  EXPECT_EQ(Found(), kNone);
}

TEST_P(RewriteTest, APartThatFailsMeanwhileEndsItForAll) {
  WriteAndDelete();
  const store::Reader before = cluster_.Store(2).Snapshot();  // part 2 would wait
  const auto in_turn = [&](const std::function<absl::Status()>& work) {
    const absl::Status status = work();
    cluster_.SetRewrites(1, false);
    return status;
  };
  const absl::Status status = Rewrite(in_turn);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("part 1 of the store"));
}

TEST_P(RewriteTest, IsStopped) {
  WriteAndDelete();
  store::Reader before = cluster_.Store(2).Snapshot();
  int asked = 0;
  const auto stop = [&] { return ++asked > 10; };
  EXPECT_EQ(Rewrite(kAtOnce, stop).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Rewrite(kAtOnce, [] { return true; }).code(), absl::StatusCode::kCancelled);
  before = store::Reader();
  absl::Status status;
  do {  // until the part has heard of it
    status = Rewrite();
  } while (absl::IsUnavailable(status));
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(Found(), kNone);
}

// Where slots were before, no deletion comes.
TEST_P(RewriteTest, WaitsUntilWhatMovedAwayIsSwept) {
  store_->Commit(Secrets());
  SlotMap target = store_->placement()->map;
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
    target.Assign(slot, (target.PartOf(slot) + 1) % kParts);
  }
  ASSERT_EQ(store_->SetTarget(store_->placement()->version, target), absl::OkStatus());
  const auto step = [&] {
    const bool compare = store_->NextMoveStep() == ClusterStore::NextStep::kCompare;
    ASSERT_EQ(compare ? store_->CompareCopies() : store_->MoveStep(), absl::OkStatus());
  };
  const auto sweeping = [&] {
    const auto placement = store_->placement();
    return placement->move && placement->move->phase == Move::Phase::kSweeping;
  };
  while (!sweeping()) step();
  store_->Commit(Deletions());
  Mutex turn;
  const auto in_turn = [&](const std::function<absl::Status()>& work) {
    MutexLock lock(turn);
    return work();
  };
  ExpectToWaitFor(
      [&] {
        while (sweeping()) {
          MutexLock lock(turn);
          step();
        }
      },
      in_turn);
}

// It is not switched to, and so nothing is deleted there.
TEST_P(RewriteTest, DropsAGenerationThatWasLeft) {
  ASSERT_EQ(store_->BeginGeneration(), absl::OkStatus());
  ASSERT_EQ(store_->CommitPending(Secrets(Family::kGroups)), absl::OkStatus());
  ASSERT_EQ(store_->SealPending(), absl::OkStatus());
  cluster_.SetReachable(false);
  EXPECT_TRUE(absl::IsUnavailable(store_->DropPending()));
  cluster_.SetReachable(true);
  ASSERT_TRUE(Found().contains(1));
  ASSERT_EQ(Rewrite(), absl::OkStatus());
  EXPECT_EQ(Found(), kNone);
}

INSTANTIATE_TEST_SUITE_P(Parts, RewriteTest, ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

}  // namespace
}  // namespace unirust::cluster
