// Slots move between the parts of a store while it is written and read, wherever the writer dies.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "cluster/cluster_store.h"
#include "tests/cluster/cluster_fixture.h"
#include "tests/cluster/slot_keys.h"
#include "tests/store/temp_dir.h"

namespace unirust::cluster {
namespace {

using store::Batch;
using store::Family;
using NextStep = ClusterStore::NextStep;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Rows = std::map<std::pair<Family, std::string>, std::string>;

Rows All(const store::Reader& reader) {
  Rows out;
  for (size_t n = 0; n < store::kFamilies; ++n) {
    const auto family = static_cast<Family>(n);
    if (!store::HasSlots(family)) continue;
    const auto cursor = reader.Scan(family, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      out.emplace(std::pair(family, std::string(cursor->key())), cursor->value());
    }
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
  }
  return out;
}

class MovesTest : public ::testing::TestWithParam<Reach> {
 protected:
  ~MovesTest() override { store_.reset(); }

  void Open(size_t parts) {
    cluster_ =
        std::make_unique<Cluster>(temp_.path() + "/" + std::to_string(++built_), parts, GetParam());
    rows_.clear();
    Reopen();
  }
  void Reopen(int64_t calls = Life::kForever) {
    store_.reset();
    auto opened = cluster_->Open(calls);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  // Some values are so large that a move takes many epochs.
  void Write(size_t rows) {
    Batch batch;
    Rows written;
    while (written.size() < rows) {
      auto row = random_() % 3 == 0 && !rows_.empty() ? RandomRow() : keys_.Next();
      const size_t bytes = random_() % 6 == 0 ? 900'000 : 8;
      written.emplace(std::move(row), std::string(bytes, static_cast<char>('a' + random_() % 26)));
    }
    for (const auto& [row, value] : written) {
      if (random_() % 4 == 0) {
        batch.Delete(row.first, row.second);
        unsure_[row] = std::nullopt;
      } else {
        batch.Put(row.first, row.second, value);
        unsure_[row] = value;
      }
    }
    store_->Commit(std::move(batch));
    if (store_->CheckComplete().ok()) Settle();
  }
  void Settle() {
    for (const auto& [row, value] : unsure_) {
      rows_.erase(row);
      if (value) rows_.emplace(row, *value);
    }
    unsure_.clear();
  }
  std::pair<Family, std::string> RandomRow() {
    auto row = rows_.begin();
    std::advance(row, random_() % rows_.size());
    return row->first;
  }

  SlotMap RandomTarget() {
    SlotMap out = store_->placement()->map;
    if (random_() % 3 == 0) return Balanced(out, store_->parts(), {}).value();
    const auto begin = random_() % limits::kSlots;
    const auto part = random_() % store_->parts();
    for (auto slot = begin; slot < std::min<uint64_t>(limits::kSlots, begin + 400); ++slot) {
      out.Assign(static_cast<uint16_t>(slot), part);
    }
    return out;
  }
  void SetTarget(const SlotMap& target) {
    const absl::Status status = store_->SetTarget(store_->placement()->version, target);
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status Step() {
    return store_->NextMoveStep() == NextStep::kCompare ? store_->CompareCopies()
                                                        : store_->MoveStep();
  }
  void StepBesideAReader() {
    const store::Reader before = store_->Snapshot();
    const Rows then = rows_;
    if (random_() % 2 == 0) Write(1 + random_() % 8);
    ASSERT_TRUE(Step().ok());
    EXPECT_EQ(All(store_->Latest()), rows_);
    EXPECT_EQ(All(store_->Snapshot()), rows_);
    EXPECT_EQ(All(before), then);
  }
  void FinishMoves() {
    while (store_->NextMoveStep() != NextStep::kNone) {
      const absl::Status status = Step();
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  // Steps until what moves is copied as a whole.
  void CopyAll() {
    while (store_->NextMoveStep() != NextStep::kCompare) ASSERT_TRUE(Step().ok());
  }

  // Each part has the rows of its slots, and no others.
  void ExpectInPlace() {
    EXPECT_EQ(All(store_->Latest()), rows_);
    const std::shared_ptr<const Placement> placement = store_->placement();
    EXPECT_EQ(placement->map, placement->target);
    EXPECT_FALSE(placement->move.has_value());
    std::vector<Rows> expected(store_->parts());
    for (const auto& [row, value] : rows_) {
      expected[placement->PartOf(row.first, row.second)].emplace(row, value);
    }
    for (size_t part = 1; part < store_->parts(); ++part) {
      EXPECT_EQ(All(cluster_->Store(part).Latest()), expected[part]) << "part " << part;
    }
    store_.reset();
    {
      const auto home = store::Store::Open({.dir = cluster_->HomeDir()}).value();
      EXPECT_EQ(All(home->Latest()), expected[kHome]);
    }
    Reopen();
  }

  store::TempDir temp_;
  std::mt19937_64 random_{7};
  SlotKeys keys_{8};
  size_t built_ = 0;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<ClusterStore> store_;
  Rows rows_;
  std::map<std::pair<Family, std::string>, std::optional<std::string>> unsure_;
};

TEST_P(MovesTest, RowsStayWhatTheyAreWhileSlotsMove) {
  for (const size_t parts : {2, 3, 5}) {
    SCOPED_TRACE(parts);
    Open(parts);
    Write(150);
    for (int round = 0; round < 3; ++round) {
      SetTarget(RandomTarget());
      for (int steps = 0; store_->NextMoveStep() != NextStep::kNone; ++steps) {
        StepBesideAReader();
        if (steps > 5 && random_() % 12 == 0) SetTarget(RandomTarget());
        if (random_() % 12 == 0) Reopen();
      }
      EXPECT_EQ(store_->placement()->fault, "");
      ExpectInPlace();
    }
  }
}

TEST_P(MovesTest, PartsJoinWhileTheStoreIsReadAndWritten) {
  Open(1);
  Write(100);
  std::atomic<bool> done = false;
  Thread reading("read", [&] {
    while (!done) All(store_->Snapshot());
  });
  for (size_t parts = 2; parts < 5; ++parts) {
    Write(5);
    const absl::Status joined = store_->AddPart(cluster_->NewPart());
    EXPECT_TRUE(joined.ok()) << joined;
    EXPECT_EQ(store_->parts(), parts);
    EXPECT_EQ(store_->Parts().back().fault, "");
    SetTarget(Balanced(store_->placement()->map, parts, {}).value());
    while (store_->NextMoveStep() != NextStep::kNone) StepBesideAReader();
    EXPECT_GT(store_->placement()->map.SlotsOf(parts - 1), 200U);
  }
  done = true;
  reading.Join();
  ExpectInPlace();
}

TEST_P(MovesTest, APartThatDoesNotFitDoesNotJoin) {
  Open(2);
  Write(20);
  Part& part = cluster_->NewPart();
  Batch foreign;
  foreign.Put(Family::kRecords, keys_.KeyIn(Family::kRecords, 3), "of another store");
  cluster_->Store(2).Commit(std::move(foreign));
  const absl::Status status = store_->AddPart(part);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("part 2 of the store"), HasSubstr("it holds records that")));
  ASSERT_TRUE(store_->BeginGeneration().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->AddPart(part)));
  ASSERT_TRUE(store_->DropPending().ok());
  cluster_->SetReachable(false);
  EXPECT_TRUE(absl::IsUnavailable(store_->AddPart(part)));
  cluster_->SetReachable(true);
  EXPECT_EQ(store_->parts(), 2U);
  Write(5);
  EXPECT_EQ(All(store_->Latest()), rows_);
}

TEST_P(MovesTest, ANewPartIsThereWhereverTheWriterDies) {
  for (int64_t calls = 0; calls < 12; ++calls) {
    SCOPED_TRACE(calls);
    Open(2);
    Write(30);
    Reopen(calls);
    const absl::Status status = store_->AddPart(cluster_->NewPart());
    EXPECT_TRUE(status.ok() || cluster_->WriterDied()) << status;
    while (status.ok() && !cluster_->WriterDied()) Write(4);
    Reopen();
    Settle();
    EXPECT_EQ(store_->parts(), 3U);
    SetTarget(Balanced(store_->placement()->map, 3, {}).value());
    FinishMoves();
    ExpectInPlace();
  }
}

TEST_P(MovesTest, ACursorPassesOverWhatIsNotThePartsOwn) {
  Open(3);
  Write(200);
  SetTarget(SlotMap::Even(1));
  for (int steps = 0; store_->NextMoveStep() != NextStep::kNone; ++steps) {
    const store::Reader reader = store_->Latest();
    for (const Family family : {Family::kRecords, Family::kSources, Family::kConflicts}) {
      std::vector<std::string> expected;
      for (const auto& [row, value] : rows_) {
        if (row.first == family) expected.push_back(row.second);
      }
      const auto cursor = reader.Scan(family, "", "");
      cursor->SeekToLast();
      for (auto key = expected.rbegin(); key != expected.rend(); ++key, cursor->Prev()) {
        ASSERT_TRUE(cursor->Valid());
        ASSERT_EQ(cursor->key(), *key);
      }
      EXPECT_FALSE(cursor->Valid());
      for (size_t n = 0; n < expected.size(); n += 3) {
        cursor->Seek(expected[n]);
        ASSERT_EQ(cursor->key(), expected[n]);
        cursor->Prev();
        ASSERT_EQ(cursor->Valid(), n > 0);
        if (n > 0) {
          ASSERT_EQ(cursor->key(), expected[n - 1]);
        }
      }
    }
    ASSERT_TRUE(Step().ok());
  }
}

TEST_P(MovesTest, AMoveIsFinishedWhereverTheWriterDies) {
  Open(3);
  Write(120);
  for (int64_t calls = 1; calls < 60; calls += 1 + static_cast<int64_t>(random_() % 4)) {
    SCOPED_TRACE(calls);
    SetTarget(RandomTarget());
    Reopen(calls);
    while (!cluster_->WriterDied()) {
      absl::Status status;
      if (store_->NextMoveStep() == NextStep::kNone) {
        status = store_->SetTarget(store_->placement()->version, RandomTarget());
      } else if (random_() % 2 == 0) {
        Write(4);
      } else {
        status = Step();
      }
      EXPECT_TRUE(status.ok() || (absl::IsUnavailable(status) && cluster_->WriterDied())) << status;
    }
    if (random_() % 2 == 0) {
      store_.reset();
      cluster_->CloseParts();
    }
    Reopen();
    Settle();  // decided is there
    EXPECT_EQ(All(store_->Latest()), rows_);
    FinishMoves();
    EXPECT_EQ(All(store_->Latest()), rows_);
  }
  ExpectInPlace();
}

TEST_P(MovesTest, AWrongCopyIsFoundAndDropped) {
  for (const bool missing : {false, true}) {
    Open(2);
    Write(150);
    const SlotMap before = store_->placement()->map;
    SetTarget(SlotMap::Even(1));
    SetTarget(Balanced(before, 2, {0}).value());  // all of it to part 1
    CopyAll();
    const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const auto& entry) {
      return before.PartOf(*store::SlotOf(entry.first.first, entry.first.second)) == kHome;
    });
    Batch damage;
    if (missing) {
      damage.Delete(row->first.first, row->first.second);
    } else {
      damage.Put(row->first.first, row->first.second, "damage");
    }
    cluster_->Store(1).Commit(std::move(damage));
    Write(1);  // so that it is in a later epoch
    FinishMoves();
    EXPECT_THAT(store_->placement()->fault, HasSubstr("were not equal: they stay in part 0"));
    EXPECT_EQ(store_->placement()->map, before);
    ExpectInPlace();
    SetTarget(SlotMap::Even(1));
    EXPECT_EQ(store_->placement()->fault, "");
  }
}

TEST_P(MovesTest, WhatIsCancelledStaysWhereItWas) {
  Open(3);
  Write(150);
  const SlotMap before = store_->placement()->map;
  for (int steps = 0; steps < 12; ++steps) {
    SetTarget(SlotMap::Even(1));
    for (int n = 0; n < steps && store_->placement()->map == before; ++n) {
      ASSERT_TRUE(Step().ok());
      Write(2);
    }
    if (store_->placement()->map != before) break;
    SetTarget(before);
    FinishMoves();
    EXPECT_EQ(store_->placement()->map, before);
    ExpectInPlace();
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->SetTarget(1, before)));
  SlotMap beyond = before;
  beyond.Assign(3, 3);
  EXPECT_TRUE(absl::IsInvalidArgument(store_->SetTarget(store_->placement()->version, beyond)));
}

// Rows of the next generation lie where those of the current one would.
TEST_P(MovesTest, AMoveGoesOnAfterAChangeOfOntology) {
  for (int steps = 1; steps < 12; steps += 3) {
    SCOPED_TRACE(steps);
    Open(3);
    Write(100);
    SetTarget(SlotMap::Even(1));
    for (int n = 0; n < steps; ++n) ASSERT_TRUE(Step().ok());
    ASSERT_TRUE(store_->BeginGeneration().ok());
    if (store_->NextMoveStep() == NextStep::kStep) {
      EXPECT_TRUE(absl::IsFailedPrecondition(Step()));
    }
    Rows next;
    for (const auto& [row, value] : rows_) {
      if (!store::IsDerived(row.first)) next.emplace(row, value);
    }
    for (const size_t rows : {100, 200}) {
      Batch derived;
      while (next.size() < rows) {
        auto row = keys_.Next();
        if (!store::IsDerived(row.first)) continue;
        if (next.emplace(row, "derived").second) derived.Put(row.first, row.second, "derived");
      }
      ASSERT_TRUE(store_->CommitPending(std::move(derived)).ok());
    }
    ASSERT_TRUE(store_->SwitchGeneration({}).ok());
    rows_ = next;
    EXPECT_EQ(All(store_->Latest()), rows_);
    Write(5);
    FinishMoves();
    EXPECT_EQ(store_->placement()->fault, "");
    EXPECT_EQ(store_->placement()->map, SlotMap::Even(1));
    ExpectInPlace();
  }
}

TEST_P(MovesTest, ClearInTheMiddleOfAMove) {
  Open(3);
  Write(150);
  SetTarget(SlotMap::Even(1));
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(Step().ok());
  ASSERT_TRUE(store_->Clear({}).ok());
  rows_.clear();
  Reopen();
  Write(40);
  FinishMoves();
  EXPECT_EQ(store_->placement()->map, SlotMap::Even(1));
  ExpectInPlace();
}

TEST_P(MovesTest, AStoreInOneDirectoryGrowsAndShrinks) {
  cluster_ = std::make_unique<Cluster>(temp_.path() + "/grows", 1, GetParam());
  {
    const auto alone = store::Store::Open({.dir = cluster_->HomeDir()}).value();
    Batch batch;
    while (rows_.size() < 100) {
      auto row = keys_.Next();
      if (!rows_.emplace(row, "before").second) continue;
      batch.Put(row.first, row.second, "before");
    }
    alone->Commit(std::move(batch));
  }
  for (const size_t parts : {2, 4}) {
    store_.reset();
    cluster_->Resize(parts);
    Reopen();
    EXPECT_EQ(All(store_->Latest()), rows_);
    Write(20);
    SetTarget(Balanced(store_->placement()->map, parts, {}).value());
    FinishMoves();
    EXPECT_EQ(store_->placement()->map.SlotsOf(parts - 1), limits::kSlots / parts);
    ExpectInPlace();
  }
  SetTarget(Balanced(store_->placement()->map, 4, {2, 3}).value());
  FinishMoves();
  store_.reset();
  cluster_->Resize(3);
  Reopen();
  Write(20);
  store_.reset();
  cluster_->Resize(4);  // it missed epochs, but has no rows
  Reopen();
  Write(20);
  ExpectInPlace();
  store_.reset();
  cluster_->Resize(1);
  const absl::Status status = cluster_->Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("slots of the store lie in part 1, but only 1 parts are given"));
}

// With it a part has no slots any more; what it has left is swept by what the next opening brings.
TEST_P(MovesTest, AWriterThatDiesAtTheLastSweepLeavesAPartThatIsSweptLater) {
  for (int left = 1; left < 6; ++left) {
    SCOPED_TRACE(left);
    Open(2);
    Write(150);
    SetTarget(SlotMap::Even(1));
    size_t steps = 0;
    while (store_->NextMoveStep() != NextStep::kNone) {
      ASSERT_TRUE(Step().ok());
      ++steps;
    }
    SetTarget(SlotMap::Even(2));
    FinishMoves();
    SetTarget(SlotMap::Even(1));
    for (; steps > static_cast<size_t>(left); --steps) ASSERT_TRUE(Step().ok());
    cluster_->SetTakesEpochs(false);
    store_->StopWaiting();
    EXPECT_TRUE(absl::IsUnavailable(Step())) << "decided at home alone";
    cluster_->SetTakesEpochs(true);
    Reopen();
    FinishMoves();
    ExpectInPlace();
  }
}

// Whatever moved there or from there: the other part has it.
TEST_P(MovesTest, APartWithoutSlotsMayLoseItsDirectory) {
  for (const bool sweeping : {false, true}) {
    Open(1);
    Write(150);
    store_.reset();
    cluster_->Resize(2);
    Reopen();
    SetTarget(SlotMap::Even(2));
    if (sweeping) {
      FinishMoves();
      SetTarget(SlotMap::Even(1));
      while (store_->placement()->map != SlotMap::Even(1)) ASSERT_TRUE(Step().ok());
    }
    ASSERT_TRUE(Step().ok());
    if (!sweeping) {
      ASSERT_TRUE(Step().ok());
    }
    Write(10);
    store_.reset();
    cluster_->Lose(1);
    Reopen();
    EXPECT_EQ(All(store_->Latest()), rows_);
    EXPECT_EQ(store_->placement()->map, SlotMap::Even(1));
    EXPECT_THAT(store_->placement()->fault, HasSubstr("part 1 of the store was replaced"));
    SetTarget(SlotMap::Even(2));
    FinishMoves();
    ExpectInPlace();
    store_.reset();
    cluster_->Lose(1);
    EXPECT_TRUE(absl::IsDataLoss(cluster_->Open().status()));
  }
}

TEST_P(MovesTest, WhyAMoveWasGivenUpIsKnownAfterTheNextOpening) {
  Open(2);
  Write(100);
  SetTarget(SlotMap::Even(1));
  CopyAll();
  Batch surplus;
  surplus.Put(Family::kRecords, *store::FirstKeyOf(Family::kRecords, limits::kSlots - 1), "more");
  {
    store_.reset();
    const auto home = store::Store::Open({.dir = cluster_->HomeDir()}).value();
    home->Commit(std::move(surplus));
  }
  Reopen();
  FinishMoves();
  Reopen();
  EXPECT_THAT(store_->placement()->fault, HasSubstr("were not equal: they stay in part 1"));
  ExpectInPlace();
}

TEST_P(MovesTest, WhatCannotBeSaidOfAPartIsRefused) {
  Open(2);
  SetTarget(SlotMap::Even(1));
  ASSERT_TRUE(Step().ok());
  store_.reset();
  cluster_->Resize(1);
  EXPECT_THAT(std::string(cluster_->Open().status().message()),
              HasSubstr("slots of the store lie in part 1"));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ClusterStore::Open(nullptr, std::vector<Part*>(limits::kPartsMax), SlotMap::Even(1))
          .status()));
}

// It has rows of its own: of a move that was undone by hand, or of another time.
TEST_P(MovesTest, APartWithoutSlotsThatHasRowsIsRefused) {
  Open(2);
  Write(50);
  SetTarget(SlotMap::Even(1));
  FinishMoves();
  store_.reset();
  Batch batch;
  batch.Put(Family::kRecords, "1234", "left");
  cluster_->Store(1).Commit(std::move(batch));
  const absl::Status status = cluster_->Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("part 1 of the store"));
}

INSTANTIATE_TEST_SUITE_P(Parts, MovesTest, ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

}  // namespace
}  // namespace unirust::cluster
