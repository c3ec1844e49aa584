#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/slots.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Rows = std::map<std::string, std::string>;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    auto opened = Store::Open({.dir = Dir()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  std::string Dir() const { return temp_.path() + "/data"; }

  void Put(Family family, const std::string& key, const std::string& value) {
    Batch batch;
    batch.Put(family, key, value);
    store_->Commit(std::move(batch));
  }
  void PutPending(Family family, const std::string& key, const std::string& value) {
    Batch batch;
    batch.Put(family, key, value);
    ASSERT_TRUE(store_->CommitPending(std::move(batch)).ok());
  }
  static std::optional<std::string> Get(const Reader& reader, Family family,
                                        const std::string& key) {
    std::string value;
    const auto found = reader.Get(family, key, &value);
    EXPECT_TRUE(found.ok()) << found.status();
    return *found ? std::optional(value) : std::nullopt;
  }
  static Rows All(const Reader& reader, Family family) {
    Rows rows;
    const auto cursor = reader.Scan(family, "", "");
    for (; cursor->Valid(); cursor->Next()) rows.emplace(cursor->key(), cursor->value());
    EXPECT_TRUE(cursor->status().ok());
    return rows;
  }

  TempDir temp_;
  std::unique_ptr<Store> store_;
};

// --- commits -------------------------------------------------------------------------------------

TEST_F(StoreTest, KeepsCommittedRowsOfEveryFamilyOverReopening) {
  Batch batch;
  EXPECT_TRUE(batch.empty());
  for (size_t i = 0; i < kFamilies; ++i)
    batch.Put(static_cast<Family>(i), "key", "of " + std::to_string(i));
  EXPECT_FALSE(batch.empty());
  store_->Commit(std::move(batch));
  Reopen();
  for (size_t i = 0; i < kFamilies; ++i) {
    EXPECT_EQ(Get(store_->Latest(), static_cast<Family>(i), "key"), "of " + std::to_string(i));
  }
}

TEST_F(StoreTest, DeletesAndOverwritesWithTheLaterBatch) {
  Put(Family::kRecords, "a", "1");
  Put(Family::kRecords, "b", "1");
  Batch batch;
  batch.Delete(Family::kRecords, "a");
  batch.Put(Family::kRecords, "b", "2");
  batch.Delete(Family::kRecords, "never there");
  store_->Commit(std::move(batch));
  EXPECT_THAT(All(store_->Latest(), Family::kRecords), ElementsAre(Pair("b", "2")));
}

TEST_F(StoreTest, TakesKeysInAnyOrderAndOfAnyBytes) {
  Batch batch;
  const std::string zero(1, '\0');
  for (const std::string& key :
       {std::string("\xFF\xFF"), std::string("a"), zero, std::string("b")}) {
    batch.Put(Family::kGroups, key, zero);
  }
  store_->Commit(std::move(batch));
  EXPECT_THAT(
      All(store_->Latest(), Family::kGroups),
      ElementsAre(Pair(zero, zero), Pair("a", zero), Pair("b", zero), Pair("\xFF\xFF", zero)));
}

// --- cursors -------------------------------------------------------------------------------------

class CursorTest : public StoreTest {
 protected:
  CursorTest() {
    for (const char* key : {"a", "b1", "b2", "b3", "c"})
      Put(Family::kBlocks, key, std::string("v") + key);
  }
};

TEST_F(CursorTest, StandsOnTheFirstKeyOfItsRangeAndEndsBeforeTheUpper) {
  const Reader reader = store_->Latest();
  const auto cursor = reader.Scan(Family::kBlocks, "b", "b3");
  EXPECT_EQ(cursor->key(), "b1");
  EXPECT_EQ(cursor->value(), "vb1");
  cursor->Next();
  EXPECT_EQ(cursor->key(), "b2");
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(cursor->status().ok());
}

TEST_F(CursorTest, OfAPrefixGivesExactlyItsKeys) {
  const Reader reader = store_->Latest();
  const auto cursor = reader.ScanPrefix(Family::kBlocks, "b");
  std::string keys;
  for (; cursor->Valid(); cursor->Next()) keys += std::string(cursor->key()) + " ";
  EXPECT_EQ(keys, "b1 b2 b3 ");
  EXPECT_FALSE(reader.ScanPrefix(Family::kBlocks, "bb")->Valid());
}

TEST_F(CursorTest, MovesBothWaysWithinItsRange) {
  const Reader reader = store_->Latest();
  const auto cursor = reader.ScanPrefix(Family::kBlocks, "b");
  cursor->SeekToLast();
  EXPECT_EQ(cursor->key(), "b3");
  cursor->Prev();
  EXPECT_EQ(cursor->key(), "b2");
  cursor->Seek("a");
  EXPECT_EQ(cursor->key(), "b1") << "not before the range";
  cursor->Prev();
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("b2x");
  EXPECT_EQ(cursor->key(), "b3");
  cursor->Seek("c");
  EXPECT_FALSE(cursor->Valid());
}

// --- consistent reads ----------------------------------------------------------------------------

TEST_F(StoreTest, SnapshotNeverChangesAndLatestAlwaysDoes) {
  Put(Family::kRecords, "a", "1");
  const Reader snapshot = store_->Snapshot();
  const Reader latest = store_->Latest();
  Put(Family::kRecords, "a", "2");
  Put(Family::kBlocks, "b", "2");
  EXPECT_THAT(All(snapshot, Family::kRecords), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(All(snapshot, Family::kBlocks), IsEmpty());
  EXPECT_EQ(Get(snapshot, Family::kRecords, "a"), "1");
  EXPECT_EQ(Get(latest, Family::kRecords, "a"), "2");
  EXPECT_EQ(Get(latest, Family::kBlocks, "b"), "2");
}

// --- generations ---------------------------------------------------------------------------------

class GenerationTest : public StoreTest {
 protected:
  GenerationTest() {
    Put(Family::kRecords, "r", "record");
    Put(Family::kBlocks, "b", "old");
  }
  void Begin() { ASSERT_TRUE(store_->BeginGeneration().ok()); }
};

TEST_F(GenerationTest, PendingBeginsEmptyAndSeesTheRecords) {
  Begin();
  EXPECT_EQ(Get(store_->Pending(), Family::kRecords, "r"), "record");
  EXPECT_EQ(Get(store_->Pending(), Family::kBlocks, "b"), std::nullopt);
  PutPending(Family::kBlocks, "b", "new");
  EXPECT_EQ(Get(store_->Pending(), Family::kBlocks, "b"), "new");
}

TEST_F(GenerationTest, PendingIsInvisibleUntilTheSwitchAndServesAfterIt) {
  Begin();
  PutPending(Family::kBlocks, "b", "new");
  EXPECT_EQ(Get(store_->Latest(), Family::kBlocks, "b"), "old");
  Batch batch;
  batch.Put(Family::kMeta, "ontology", "2");
  batch.Put(Family::kNames, "n", "with the switch");
  ASSERT_TRUE(store_->SwitchGeneration(std::move(batch)).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Get(store_->Latest(), Family::kBlocks, "b"), "new");
    EXPECT_EQ(Get(store_->Latest(), Family::kNames, "n"), "with the switch");
    EXPECT_EQ(Get(store_->Latest(), Family::kMeta, "ontology"), "2");
    EXPECT_EQ(Get(store_->Latest(), Family::kRecords, "r"), "record");
    Reopen();
  }
}

TEST_F(GenerationTest, ReadersFromBeforeTheSwitchKeepWhatTheyHad) {
  const Reader snapshot = store_->Snapshot();
  const Reader latest = store_->Latest();
  const auto cursor = snapshot.Scan(Family::kBlocks, "", "");
  Begin();
  PutPending(Family::kBlocks, "b", "new");
  ASSERT_TRUE(store_->SwitchGeneration(Batch()).ok());
  Begin();
  ASSERT_TRUE(store_->SwitchGeneration(Batch()).ok());
  EXPECT_THAT(All(snapshot, Family::kBlocks), ElementsAre(Pair("b", "old")));
  EXPECT_EQ(Get(latest, Family::kBlocks, "b"), "old");
  EXPECT_EQ(cursor->key(), "b");
  EXPECT_EQ(Get(store_->Latest(), Family::kBlocks, "b"), std::nullopt);
}

TEST_F(GenerationTest, PendingOneIsGoneAfterReopening) {
  Begin();
  PutPending(Family::kBlocks, "b", "new");
  Reopen();
  EXPECT_EQ(Get(store_->Latest(), Family::kBlocks, "b"), "old");
  Begin();
  EXPECT_EQ(Get(store_->Pending(), Family::kBlocks, "b"), std::nullopt);
}

TEST_F(GenerationTest, DroppedOrBegunAnewTheyStartEmpty) {
  Begin();
  PutPending(Family::kBlocks, "b", "first");
  ASSERT_TRUE(store_->DropPending().ok());
  ASSERT_TRUE(store_->DropPending().ok()) << "nothing to drop";
  Begin();
  PutPending(Family::kBlocks, "b", "second");
  Begin();
  EXPECT_EQ(Get(store_->Pending(), Family::kBlocks, "b"), std::nullopt);
  ASSERT_TRUE(store_->SwitchGeneration(Batch()).ok());
  Reopen();
  EXPECT_EQ(Get(store_->Latest(), Family::kBlocks, "b"), std::nullopt);
}

// --- reset and checkpoints -----------------------------------------------------------------------

TEST_F(StoreTest, ClearLeavesNoRowButTheStoresOwnAndTheSymbols) {
  ASSERT_TRUE(store_->BeginGeneration().ok());
  ASSERT_TRUE(store_->SwitchGeneration(Batch()).ok());
  for (size_t i = 0; i < kFamilies; ++i) {
    Put(static_cast<Family>(i), "key", "v");
    Put(static_cast<Family>(i), std::string(32, '\xFF'), "v");
  }
  const Reader before = store_->Snapshot();
  ASSERT_TRUE(store_->Clear({}).ok());
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    EXPECT_EQ(Get(before, family, "key"), "v");
    if (!HasSlots(family)) continue;
    EXPECT_THAT(All(store_->Latest(), family), IsEmpty()) << FamilyName(family);
  }
  EXPECT_THAT(All(store_->Latest(), Family::kMeta),
              ElementsAre(Pair("cleared", _), Pair("commits", _), Pair("generation", _),
                          Pair("store", _)));
  EXPECT_EQ(Get(store_->Latest(), Family::kSymbols, "key"), "v");
  EXPECT_EQ(Get(store_->Latest(), Family::kOutbox, "key"), "v");
}

TEST_F(StoreTest, WorksOnAfterClear) {
  Put(Family::kSources, "key", "before");
  ASSERT_TRUE(store_->Clear({}).ok());
  Put(Family::kSources, "key", "after");
  Reopen();
  EXPECT_EQ(Get(store_->Latest(), Family::kSources, "key"), "after");
}

TEST_F(StoreTest, CheckpointOpensAsAStoreOfThatMoment) {
  Put(Family::kRecords, "a", "1");
  const std::string dir = temp_.path() + "/copy";
  ASSERT_TRUE(store_->Checkpoint(dir).ok());
  Put(Family::kRecords, "a", "2");
  const auto copy = Store::Open({.dir = dir});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(Get((*copy)->Latest(), Family::kRecords, "a"), "1");
  EXPECT_FALSE(store_->Checkpoint(dir).ok()) << "there is one already";
  EXPECT_FALSE(store_->Checkpoint(temp_.path() + "/no/parent").ok());
  EXPECT_EQ(Get(store_->Latest(), Family::kRecords, "a"), "2");
}

// Files and bytes of a family at level 0.
std::pair<uint64_t, uint64_t> Files(const StorageMetrics& metrics, const std::string& family) {
  for (const StorageMetrics::Level& level : metrics.levels) {
    if (level.family == family && level.level == 0) return {level.files, level.bytes};
  }
  return {0, 0};
}

TEST_F(StoreTest, MetricsTellWhatIsWritten) {
  const StorageMetrics before = store_->Metrics();
  EXPECT_GT(before.disk_free_bytes, 0U);
  EXPECT_EQ(before.running_compactions, 0U);
  EXPECT_FALSE(before.writes_stopped);
  const std::string value(100'000, 'x');
  Put(Family::kGroups, "a", value);
  const StorageMetrics logged = store_->Metrics();
  EXPECT_GE(logged.wal_bytes, before.wal_bytes + value.size());
  EXPECT_GE(logged.wal_written_bytes, before.wal_written_bytes + value.size());
  EXPECT_GT(logged.wal_syncs, before.wal_syncs);
  EXPECT_GE(logged.memtable_bytes, before.memtable_bytes + value.size());
  EXPECT_EQ(Files(logged, "groups").first, 0U);

  ASSERT_TRUE(store_->Checkpoint(temp_.path() + "/first").ok());  // flushes
  const StorageMetrics flushed = store_->Metrics();
  EXPECT_EQ(Files(flushed, "groups").first, 1U);
  EXPECT_GT(Files(flushed, "groups").second, 0U);
  EXPECT_GT(flushed.flush_written_bytes, 0U);
  EXPECT_EQ(Get(store_->Latest(), Family::kGroups, "a"), value);
  EXPECT_GT(store_->Metrics().block_cache_misses, flushed.block_cache_misses);
  EXPECT_EQ(Get(store_->Latest(), Family::kGroups, "a"), value);
  EXPECT_GT(store_->Metrics().block_cache_hits, flushed.block_cache_hits);
}

// The one row of `touches` is in the oldest log, which nothing but the limit on logs ever flushes.
TEST_F(StoreTest, RemovesTheOldestLogsBeyondTheirLimit) {
  Put(Family::kTouches, "oldest", "");
  const std::string value(4U << 20U, 'x');
  uint64_t written = 0;
  while (Files(store_->Metrics(), "touches").first == 0 && written < 2 * limits::kLogBytesMax) {
    Put(Family::kRecords, std::to_string(written), value);
    written += value.size();
  }
  EXPECT_GT(written, limits::kLogBytesMax / 2);
  EXPECT_LT(written, 2 * limits::kLogBytesMax);
  Reopen();
  EXPECT_EQ(Get(store_->Latest(), Family::kTouches, "oldest"), "");
}

// What was in memory and in the logs when a process was killed is there again, with no table written on the way.
TEST_F(StoreTest, AnOpeningReplaysIntoMemory) {
  const std::string value(4U << 20U, 'x');
  for (const char* key : {"a", "b", "c", "d"}) Put(Family::kRecords, key, value);
  ASSERT_EQ(Files(store_->Metrics(), "records").first, 0U);
  const std::string killed = temp_.path() + "/killed";
  std::filesystem::copy(Dir(), killed);
  auto opened = Store::Open({.dir = killed});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(Files((*opened)->Metrics(), "records").first, 0U);
  EXPECT_EQ(Get((*opened)->Latest(), Family::kRecords, "d"), value);
  Batch batch;
  for (const char* key : {"f", "g", "h"}) batch.Put(Family::kRecords, key, value);
  (*opened)->Commit(std::move(batch));
  opened->reset();
  opened = Store::Open({.dir = killed});
  ASSERT_TRUE(opened.ok()) << opened.status();
  for (const char* key : {"a", "h"}) {
    EXPECT_EQ(Get((*opened)->Latest(), Family::kRecords, key), value);
  }
}

TEST_F(StoreTest, AnOrderlyEndLeavesLittleToReplay) {
  Put(Family::kTouches, "few", "");
  Reopen();
  EXPECT_EQ(Files(store_->Metrics(), "touches").first, 0U) << "what is little stays in the log";
  const std::string value(1U << 20U, 'x');
  uint64_t written = 0;
  for (; written <= limits::kLogBytesLeftMax; written += value.size()) {
    Put(Family::kTouches, std::to_string(written), value);
  }
  EXPECT_GT(store_->Metrics().wal_bytes, limits::kLogBytesLeftMax);
  Reopen();
  EXPECT_LT(store_->Metrics().wal_bytes, value.size());
  for (uint64_t n = 0; n < written; n += value.size()) {
    EXPECT_EQ(Get(store_->Latest(), Family::kTouches, std::to_string(n)), value);
  }
}

TEST_F(StoreTest, MetricsCountFilesOfBothGenerations) {
  Put(Family::kGroups, "a", "1");
  ASSERT_TRUE(store_->BeginGeneration().ok());
  PutPending(Family::kGroups, "b", "2");
  ASSERT_TRUE(store_->Checkpoint(temp_.path() + "/both").ok());
  EXPECT_EQ(Files(store_->Metrics(), "groups").first, 2U);
  ASSERT_TRUE(store_->DropPending().ok());
  EXPECT_EQ(Files(store_->Metrics(), "groups").first, 1U);
}

// A part of the budget is for what the memtables keep outside the cache.
TEST_F(StoreTest, TheCacheIsWithinTheBudgetAndWriteBuffersWithinTheCache) {
  const uint64_t budget = StoreOptions().memory_budget_bytes;
  const StorageMetrics metrics = store_->Metrics();
  EXPECT_LT(metrics.block_cache_capacity_bytes, budget);
  EXPECT_GT(metrics.block_cache_capacity_bytes, budget / 10 * 9);
  EXPECT_LT(metrics.write_buffers_capacity_bytes, metrics.block_cache_capacity_bytes / 2);
}

// --- the documented contract ---------------------------------------------------------------------

// Rows "| `records` | ... |" of the table of families in docs/key-encoding.md.
TEST(Families, AreThoseOfTheDocument) {
  std::ifstream in(std::string(UNIRUST_SOURCE_DIR) + "/docs/key-encoding.md");
  ASSERT_TRUE(in.good());
  std::set<std::string> documented;
  const std::regex row(R"(\| `(\w+)(@N)?` \|.*)");
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) documented.insert(match[1].str() + match[2].str());
  }
  std::set<std::string> compiled;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    compiled.insert(std::string(FamilyName(family)) + (IsDerived(family) ? "@N" : ""));
  }
  EXPECT_EQ(documented, compiled);
}

using BatchRows = std::vector<std::tuple<std::string, std::string, std::string, bool>>;

BatchRows RowsOf(Batch batch) {
  BatchRows out;
  batch.VisitSorted([&](Family family, std::string_view key, std::string_view value, bool remove) {
    out.emplace_back(FamilyName(family), key, value, remove);
  });
  return out;
}

TEST(BatchTest, GoesToBytesAndBack) {
  Batch batch;
  batch.Put(Family::kRecords, "b", "2");
  batch.Put(Family::kRecords, "a", std::string(300, 'x'));
  batch.Delete(Family::kRecords, "c");
  batch.Put(Family::kDisputes, "", "");
  const std::string bytes = batch.Encode();
  const BatchRows expected = {{"records", "a", std::string(300, 'x'), false},
                              {"records", "b", "2", false},
                              {"records", "c", "", true},
                              {"disputes", "", "", false}};
  EXPECT_EQ(RowsOf(*Batch::Decode(bytes)), expected);
  EXPECT_EQ(RowsOf(std::move(batch)), expected);
  EXPECT_TRUE(Batch::Decode("")->empty());
  for (size_t length = 1; length < bytes.size(); ++length) {
    if (length == bytes.size() - (1 + std::string("disputes").size() + 4)) continue;
    EXPECT_FALSE(Batch::Decode(bytes.substr(0, length))) << length;
  }
  std::string unknown = bytes;
  unknown[1] = 'x';
  EXPECT_FALSE(Batch::Decode(unknown));
  // Rows, "x" and "y" of family `names`, and families that do not ascend; a family without rows.
  const std::string names("\5names\2", 7);
  const std::string x("\0\1x\0", 4);
  const std::string y("\0\1y\0", 4);
  EXPECT_TRUE(Batch::Decode(names + x + y));
  EXPECT_FALSE(Batch::Decode(names + y + x));
  EXPECT_FALSE(Batch::Decode(names + x + x)) << "which of them is to be written?";
  EXPECT_FALSE(Batch::Decode(names + x + y + names + x + y));
  EXPECT_FALSE(Batch::Decode(std::string("\5names\0", 7)));
}

TEST(Damaged, NamesFamilyAndKey) {
  const absl::Status status = Damaged(Family::kBlocks, std::string_view("\x00\xAB", 2));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "family blocks: the row with key 00ab is damaged");
}

}  // namespace
}  // namespace unirust::store
