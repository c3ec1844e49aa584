// A store of several parts against the rows that were put into it, and what it does with parts that are not what they
// were.
#include "cluster/cluster_store.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "cluster/merged_state.h"
#include "tests/cluster/cluster_fixture.h"
#include "tests/store/temp_dir.h"

namespace unirust::cluster {
namespace {

using store::Batch;
using store::Family;
using ::testing::HasSubstr;
using Rows = std::map<std::string, std::string>;

class ClusterStoreTest : public ::testing::TestWithParam<Reach> {
 protected:
  void Open(size_t parts) {
    store_.reset();
    cluster_ = std::make_unique<Cluster>(temp_.path() + "/" + std::to_string(++built_), parts,
                                         GetParam());
    Reopen();
  }
  void Reopen() {
    store_.reset();
    auto opened = cluster_->Open();
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  void ExpectRefused(const std::string& why) {
    const absl::Status status = cluster_->Open().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  }

  // What part 1 says about its last epoch.
  void SetEpoch(uint64_t number, uint64_t tag) {
    std::string row;
    AppendBig64(&row, number);
    AppendBig64(&row, tag);
    Batch batch;
    batch.Put(Family::kMeta, "epoch", row);
    cluster_->Store(1).Commit(std::move(batch));
  }

  std::string RandomKey() {
    std::string key;
    AppendBig32(&key, static_cast<uint32_t>(random_()) & 0xFFC0000FU);
    return key;
  }
  void CommitRandom(size_t rows) {
    Batch batch;
    std::map<std::string, std::optional<std::string>> changes;
    while (changes.size() < rows) {
      changes[RandomKey()] = random_() % 4 == 0 ? std::nullopt
                                                : std::optional(std::to_string(random_()));
    }
    for (const auto& [key, value] : changes) {
      if (value) {
        batch.Put(Family::kRecords, key, *value);
        rows_[key] = *value;
      } else {
        batch.Delete(Family::kRecords, key);
        rows_.erase(key);
      }
    }
    store_->Commit(std::move(batch));
  }

  static Rows All(const store::Reader& reader) {
    Rows out;
    const auto cursor = reader.Scan(Family::kRecords, "", "");
    for (; cursor->Valid(); cursor->Next()) out.emplace(cursor->key(), cursor->value());
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
    return out;
  }

  // A cursor and an iterator go the same ways.
  void WalkAtRandom(const store::Reader& reader) {
    const auto cursor = reader.Scan(Family::kRecords, "", "");
    auto at = rows_.begin();
    for (size_t steps = 300; steps > 0; --steps) {
      ASSERT_EQ(cursor->Valid(), at != rows_.end());
      if (cursor->Valid()) {
        ASSERT_EQ(cursor->key(), at->first);
        ASSERT_EQ(cursor->value(), at->second);
      }
      const size_t what = random_() % 8;
      if (what == 0 || at == rows_.end()) {
        const std::string key = RandomKey();
        cursor->Seek(key);
        at = rows_.lower_bound(key);
      } else if (what == 1) {
        cursor->SeekToLast();
        at = rows_.empty() ? rows_.end() : std::prev(rows_.end());
      } else if (what < 5) {
        cursor->Next();
        ++at;
      } else {
        cursor->Prev();
        at = at == rows_.begin() ? rows_.end() : std::prev(at);
      }
    }
  }

  store::TempDir temp_;
  std::mt19937_64 random_{7};
  size_t built_ = 0;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<store::Store> store_;
  Rows rows_;
};

TEST_P(ClusterStoreTest, ReadsAsOneMap) {
  for (const size_t parts : {1, 2, 5}) {
    SCOPED_TRACE(parts);
    rows_.clear();
    Open(parts);
    for (int round = 0; round < 6; ++round) {
      CommitRandom(40);
      WalkAtRandom(store_->Snapshot());
      EXPECT_EQ(All(store_->Latest()), rows_);
      std::vector<std::string> keys;
      for (int n = 0; n < 30; ++n) keys.push_back(RandomKey());
      for (const auto& [key, value] : rows_) keys.push_back(key);
      std::sort(keys.begin(), keys.end());
      Rows found;
      ASSERT_TRUE(store_->Latest()
                      .MultiGet(Family::kRecords, keys,
                                [&](size_t i, std::string_view value) {
                                  found.emplace(keys[i], value);
                                })
                      .ok());
      EXPECT_EQ(found, rows_);
    }
    Reopen();
    EXPECT_EQ(All(store_->Latest()), rows_);
  }
}

TEST_P(ClusterStoreTest, EveryPartHasTheRowsOfItsSlots) {
  Open(4);
  CommitRandom(400);
  for (const size_t part : {1, 2, 3}) {
    Rows expected;
    for (const auto& [key, value] : rows_) {
      const uint16_t slot = *store::SlotOf(Family::kRecords, key);
      if (SlotMap::Even(4).PartOf(slot) == part) expected[key] = value;
    }
    EXPECT_GT(expected.size(), 50U);
    EXPECT_EQ(All(cluster_->Store(part).Latest()), expected);
  }
}

TEST_P(ClusterStoreTest, ASnapshotStaysWhatItWas) {
  Open(3);
  CommitRandom(50);
  const store::Reader before = store_->Snapshot();
  const Rows then = rows_;
  for (int n = 0; n < 30; ++n) CommitRandom(10);  // more epochs than a part keeps
  EXPECT_EQ(All(before), then);
  EXPECT_EQ(All(store_->Snapshot()), rows_);
}

TEST_P(ClusterStoreTest, ClearLeavesNoRowsInAnyPart) {
  Open(3);
  CommitRandom(50);
  ASSERT_TRUE(store_->Clear({}).ok());
  rows_.clear();
  EXPECT_EQ(All(store_->Latest()), rows_);
  CommitRandom(20);
  Reopen();
  EXPECT_EQ(All(store_->Latest()), rows_);
}

TEST_P(ClusterStoreTest, APartThatLostEpochsIsRefused) {
  Open(2);
  for (int n = 0; n < 3; ++n) CommitRandom(10);
  store_.reset();
  SetEpoch(0, 0);  // as from a copy of before
  ExpectRefused("lacks epochs from 1 to 3");
}

TEST_P(ClusterStoreTest, AHomeThatLostEpochsIsRefused) {
  Open(2);
  CommitRandom(10);
  store_.reset();
  SetEpoch(5, 5);
  ExpectRefused("has epoch 5, but the last one of the store is 1");
}

// Two writers on copies of one home directory: the part heard the other one.
TEST_P(ClusterStoreTest, EpochsOfAnotherWriterAreNoticed) {
  Open(2);
  for (int n = 0; n < 3; ++n) CommitRandom(10);
  store_.reset();
  SetEpoch(3, 77);  // the last one
  ExpectRefused("epoch 3 is not the same in it and in the home part");
  SetEpoch(2, 77);  // the outbox has what follows another one
  ExpectRefused("epoch 2 is not the same in it and in the home part");
}

TEST_P(ClusterStoreTest, TellsHowItsPartsAre) {
  Open(3);
  CommitRandom(50);
  cluster_->SetTakesEpochs(false);
  store_->StopWaiting();
  CommitRandom(50);
  std::vector<PartStatus> parts = store_->Parts();
  ASSERT_EQ(parts.size(), 3U);
  uint32_t slots = 0;
  for (size_t part = 0; part < 3; ++part) {
    EXPECT_EQ(parts[part].part, part);
    EXPECT_EQ(parts[part].epoch, part == 0 ? 2U : 1U);
    EXPECT_EQ(parts[part].behind, part == 0 ? 0U : 1U);
    EXPECT_EQ(parts[part].version, parts[0].version);
    EXPECT_EQ(parts[part].fault, "");
    slots += parts[part].slots;
  }
  EXPECT_EQ(slots, limits::kSlots);
  cluster_->SetReachable(false);
  EXPECT_EQ(store_->Parts()[0].fault, "");
  EXPECT_NE(store_->Parts()[2].fault, "");
}

// Until it can be reached again nothing can be read that might be resolved on.
TEST_P(ClusterStoreTest, ACommitWaitsForAPartOnlySoLong) {
  Open(3);
  CommitRandom(50);
  const Rows before = rows_;
  std::optional<store::Reader> old = store_->Snapshot();
  cluster_->SetTakesEpochs(false);
  CommitRandom(50);
  CommitRandom(50);  // was resolved while the one before was written
  const absl::Status incomplete = store_->CheckComplete();
  EXPECT_TRUE(absl::IsUnavailable(incomplete)) << incomplete;
  EXPECT_THAT(std::string(incomplete.message()), HasSubstr("part 1 of the store cannot be reached"));
  std::string value;
  EXPECT_TRUE(absl::IsUnavailable(store_->Latest().Get(Family::kMeta, "epoch", &value).status()));
  EXPECT_EQ(All(store_->Snapshot()), before);
  EXPECT_TRUE(absl::IsUnavailable(store_->BeginGeneration()));
  cluster_->SetTakesEpochs(true);
  while (!store_->CheckComplete().ok()) std::this_thread::yield();
  EXPECT_EQ(All(store_->Latest()), rows_);
  EXPECT_EQ(All(store_->Snapshot()), rows_);
  EXPECT_EQ(All(*old), before);
  old.reset();
  CommitRandom(50);
  Reopen();
  EXPECT_EQ(All(store_->Latest()), rows_);
}

TEST_P(ClusterStoreTest, WhatWasDecidedIsThereAfterTheNextOpening) {
  Open(3);
  CommitRandom(50);
  cluster_->SetReachable(false);
  store_->StopWaiting();
  CommitRandom(50);
  EXPECT_TRUE(absl::IsUnavailable(store_->CheckComplete()));
  std::string value;
  EXPECT_TRUE(absl::IsUnavailable(store_->Snapshot().Get(Family::kMeta, "epoch", &value).status()));
  CommitRandom(50);
  cluster_->SetReachable(true);
  Reopen();
  EXPECT_EQ(All(store_->Latest()), rows_);
}

INSTANTIATE_TEST_SUITE_P(Parts, ClusterStoreTest,
                         ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

// A part is asked for what is not there.
TEST(LocalPartTest, RefusesWhatDoesNotFollow) {
  store::TempDir temp;
  const auto store = store::Store::Open({.dir = temp.path() + "/data"}).value();
  const auto part = LocalPart::Open(*store).value();
  EXPECT_EQ(part->last(), EpochId());
  const Epoch first{.id = {1, 10}, .after_tag = 0, .kind = EpochKind::kRows, .rows = ""};
  const Epoch second{.id = {2, 20}, .after_tag = 10, .kind = EpochKind::kRows, .rows = ""};
  EXPECT_TRUE(absl::IsFailedPrecondition(part->Apply(second)));
  EXPECT_TRUE(part->Apply(first).ok());
  EXPECT_TRUE(part->Apply(first).ok());
  Epoch other = first;
  other.id.tag = 11;
  EXPECT_TRUE(absl::IsDataLoss(part->Apply(other)));
  other = second;
  other.after_tag = 11;
  EXPECT_TRUE(absl::IsDataLoss(part->Apply(other)));
  other = second;
  other.rows = "garbage";
  EXPECT_TRUE(absl::IsDataLoss(part->Apply(other)));
  other = second;
  other.kind = EpochKind::kSwitch;
  EXPECT_TRUE(absl::IsFailedPrecondition(part->Apply(other)));
  EXPECT_TRUE(absl::IsFailedPrecondition(part->SealPending({2, 0})));
  EXPECT_TRUE(absl::IsFailedPrecondition(part->CommitPending({2, 0}, "")));
  EXPECT_TRUE(absl::IsUnavailable(part->ReadPending().status()));
  EXPECT_TRUE(absl::IsOutOfRange(part->ReadEpoch(2).status()));
  EXPECT_TRUE(part->ReadEpoch(1).ok());
  EXPECT_EQ(part->last(), first.id);
  EXPECT_TRUE(part->Apply(second).ok());
  EXPECT_TRUE(part->Apply(first).ok());  // late
  EXPECT_EQ(part->last(), second.id);
}

// An answer was lost, and the writer asks again.
TEST(LocalPartTest, AnEpochThatComesAgainChangesNothing) {
  store::TempDir temp;
  const auto store = store::Store::Open({.dir = temp.path() + "/data"}).value();
  const auto part = LocalPart::Open(*store).value();
  const auto put = [&](uint64_t epoch, const std::string& value) {
    Batch rows;
    rows.Put(Family::kNames, "12345678", value);
    return part->Apply({.id = {epoch, epoch},
                        .after_tag = epoch - 1,
                        .kind = EpochKind::kRows,
                        .rows = rows.Encode()});
  };
  for (const uint64_t epoch : {1, 1, 2, 2, 1}) EXPECT_TRUE(put(epoch, std::to_string(epoch)).ok());
  std::string value;
  ASSERT_TRUE(store->Latest().Get(Family::kNames, "12345678", &value).value());
  EXPECT_EQ(value, "2");
}

// What was decided can never become true in a part that refuses it.
TEST(DeliveryDeathTest, APartThatRefusesAnEpochEndsTheWriter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        store::TempDir temp;
        const auto store = store::Store::Open({.dir = temp.path() + "/data"}).value();
        const auto part = LocalPart::Open(*store).value();
        Delivery delivery(*part, "the part", 6);
        delivery.Send({.id = {7, 70}, .after_tag = 60, .kind = EpochKind::kRows, .rows = ""});
        delivery.Await(7, Delivery::Patience::kForever);
      },
      ::testing::ExitedWithCode(kExitDataLoss), "the part cannot take epoch 7");
}

TEST(LocalPartTest, ASealedGenerationOutlivesTheProcess) {
  store::TempDir temp;
  auto store = store::Store::Open({.dir = temp.path() + "/data"}).value();
  auto part = LocalPart::Open(*store).value();
  Batch rows;
  rows.Put(Family::kNames, "12345678", "pending");
  ASSERT_TRUE(part->BeginGeneration({2, 0}).ok());
  ASSERT_TRUE(part->CommitPending({2, 1}, rows.Encode()).ok());
  ASSERT_TRUE(part->BeginGeneration({2, 0}).ok());  // once more, and late
  ASSERT_TRUE(absl::IsFailedPrecondition(part->SealPending({2, 3})));
  ASSERT_TRUE(part->SealPending({2, 2}).ok());
  for (const absl::Status& late :
       {part->BeginGeneration({1, 0}), part->DropPending({1, 0}),
        part->CommitPending({1, 1}, rows.Encode()), part->SealPending({1, 2})}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(late)) << late;
  }
  part.reset();
  store.reset();
  store = store::Store::Open({.dir = temp.path() + "/data"}).value();
  part = LocalPart::Open(*store).value();
  std::string value;
  EXPECT_FALSE(store->Latest().Get(Family::kNames, "12345678", &value).value());
  ASSERT_TRUE(part->Apply({.id = {1, 1}, .after_tag = 0, .kind = EpochKind::kSwitch, .rows = ""}).ok());
  ASSERT_TRUE(store->Latest().Get(Family::kNames, "12345678", &value).value());
  EXPECT_EQ(value, "pending");
  EXPECT_FALSE(store->HasPending());
}

}  // namespace
}  // namespace unirust::cluster
