// What the tables of a store keep in memory, and what their filters spare.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/keys.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

class TablesTest : public testing::Test {
 protected:
  // Stores the batch, and opens what came of it with all rows in tables and nothing in the cache.
  void Keep(Batch batch, uint64_t memory_budget_bytes = StoreOptions().memory_budget_bytes) {
    auto written = store::Store::Open({.dir = temp_.path() + "/written"});
    ASSERT_TRUE(written.ok()) << written.status();
    (*written)->Commit(std::move(batch));
    ASSERT_TRUE((*written)->Checkpoint(temp_.path() + "/data").ok());  // flushes
    auto opened = store::Store::Open(
        {.dir = temp_.path() + "/data", .memory_budget_bytes = memory_budget_bytes});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  uint64_t Lookups() const {  // in the cache
    const StorageMetrics metrics = store_->Metrics();
    return metrics.block_cache_hits + metrics.block_cache_misses;
  }

  TempDir temp_;
  std::unique_ptr<store::Store> store_;
};

constexpr uint32_t kValues = 80'000;  // a filter of several partitions

// Some verbatim, some with zero bytes, some hashed.
std::string ValueOf(uint32_t i) {
  std::string value = std::to_string(i);
  if (i % 3 == 1) value.insert(1, 1, '\0');
  if (i % 3 == 2) value.append(80, 'x');
  return value;
}

std::string Prefix(uint32_t attribute, const std::string& value) {
  return AttributeValueKey::Prefix(SymbolId(attribute), EncodeValue(value));
}

class PostingTablesTest : public TablesTest {
 protected:
  void SetUp() override {
    Batch batch;
    for (uint32_t i = 0; i < kValues; ++i) {
      for (uint32_t record = 1; record <= 1 + i % 4; ++record) {
        const AttributeValueKey key{.attribute = SymbolId(7),
                                    .value = EncodeValue(ValueOf(i)),
                                    .interval = {record, 100},
                                    .record = RecordId(record)};
        batch.Put(Family::kAttributeValues, key.Encode(), "");
      }
    }
    Keep(std::move(batch));
  }

  size_t Postings(const std::string& prefix) const {
    const auto cursor = store_->Latest().ScanPrefix(Family::kAttributeValues, prefix);
    size_t count = 0;
    for (; cursor->Valid(); cursor->Next()) ++count;
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
    return count;
  }
};

TEST_F(PostingTablesTest, AScanFindsAllPostingsOfAValue) {
  for (uint32_t i = 0; i < kValues; ++i) ASSERT_EQ(Postings(Prefix(7, ValueOf(i))), 1 + i % 4) << i;
}

TEST_F(PostingTablesTest, AScanOfLessThanAValueFindsAllThatBeginSo) {
  std::string attribute;
  AppendBig32(&attribute, 7);
  size_t all = 0;
  for (uint32_t i = 0; i < kValues; ++i) all += 1 + i % 4;
  EXPECT_EQ(Postings(attribute), all);
  EXPECT_EQ(Postings(""), all);
  const auto cursor = store_->Latest().ScanPrefix(Family::kAttributeValues, attribute);
  cursor->Seek(Prefix(7, "2100-"));  // is not there
  ASSERT_TRUE(cursor->Valid());
  EXPECT_TRUE(cursor->key().starts_with(Prefix(7, "21000"))) << cursor->key();
}

TEST_F(PostingTablesTest, AScanOfAValueGoesBackwardsToo) {
  for (uint32_t i = 0; i < kValues; ++i) {
    const auto cursor =
        store_->Latest().ScanPrefix(Family::kAttributeValues, Prefix(7, ValueOf(i)));
    cursor->SeekToLast();
    ASSERT_TRUE(cursor->Valid()) << i;
    const auto last = AttributeValueKey::Decode(cursor->key());
    ASSERT_TRUE(last && last->value == EncodeValue(ValueOf(i))) << i;
    cursor->Prev();
    ASSERT_EQ(cursor->Valid(), i % 4 > 0) << i;
  }
}

TEST_F(PostingTablesTest, FiltersTellThatAValueIsNotThere) {
  Postings(Prefix(7, "warm"));
  const uint64_t before = Lookups();
  for (uint32_t i = 0; i < kValues; ++i) {
    ASSERT_EQ(Postings(Prefix(7, ValueOf(i) + "-")), 0U);
    ASSERT_EQ(Postings(Prefix(8, ValueOf(i))), 0U);
  }
  EXPECT_LT(Lookups() - before, 2 * kValues / 20);  // one in a hundred filters is wrong
}

// A store that is written, flushed, emptied and opened again: what a scan of one value finds is what a scan of the same
// range does, which asks no filter.
TEST_F(TablesTest, AScanOfAValueFindsWhatIsThere) {
  std::mt19937 random(11);
  const auto below = [&](uint32_t end) { return static_cast<uint32_t>(random() % end); };
  const auto open = [&] {
    store_.reset();
    store_ = store::Store::Open({.dir = temp_.path() + "/data", .memory_budget_bytes = 8U << 20U})
                 .value();
  };
  open();
  for (int step = 0; step < 60; ++step) {
    Batch batch;
    for (int i = 0; i < 200; ++i) {
      const AttributeValueKey key{.attribute = SymbolId(1 + below(2)),
                                  .value = EncodeValue(ValueOf(below(60))),
                                  .interval = {below(4), 100},
                                  .record = RecordId(1 + below(5))};
      if (below(3) == 0) {
        batch.Delete(Family::kAttributeValues, key.Encode());
      } else {
        batch.Put(Family::kAttributeValues, key.Encode(), std::to_string(step));
      }
    }
    store_->Commit(std::move(batch));
    if (below(4) == 0) {
      ASSERT_TRUE(store_->Checkpoint(temp_.path() + "/copy" + std::to_string(step)).ok());
    }
    if (below(20) == 0) {
      ASSERT_TRUE(store_->Clear({}).ok());
    }
    if (below(8) == 0) open();
    const Reader reader = step % 2 == 0 ? store_->Latest() : store_->Snapshot();
    for (uint32_t value = 0; value < 70; ++value) {
      const std::string prefix = Prefix(1, ValueOf(value));
      const auto filtered = reader.ScanPrefix(Family::kAttributeValues, prefix);
      const auto all = reader.Scan(Family::kAttributeValues, prefix, PrefixEnd(prefix));
      for (; all->Valid(); all->Next(), filtered->Next()) {
        ASSERT_TRUE(filtered->Valid());
        ASSERT_EQ(filtered->key(), all->key());
        ASSERT_EQ(filtered->value(), all->value());
      }
      ASSERT_FALSE(filtered->Valid());
      all->SeekToLast();
      filtered->SeekToLast();
      ASSERT_EQ(filtered->Valid(), all->Valid());
      if (!all->Valid()) continue;
      ASSERT_EQ(filtered->key(), all->key());
      all->Prev();
      filtered->Prev();
      ASSERT_EQ(filtered->Valid(), all->Valid());
    }
  }
}

class PartitionsTest : public TablesTest {
 protected:
  static constexpr uint64_t kRows = 600'000;  // with about 750 kB of filters

  static std::string KeyOf(uint64_t i) {
    std::string key;
    AppendBig64(&key, Hash64(std::to_string(i)));
    return key;
  }

  void StoreRows(uint64_t memory_budget_bytes) {
    Batch batch;
    for (uint64_t i = 0; i < kRows; ++i) batch.Put(Family::kNames, KeyOf(i), "name");
    Keep(std::move(batch), memory_budget_bytes);
  }

  void LookUp(uint64_t count) const {
    std::string value;
    for (uint64_t i = 0; i < count; ++i) {
      const auto found = store_->Latest().Get(Family::kNames, KeyOf(i), &value);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_TRUE(*found);
      ASSERT_FALSE(*store_->Latest().Get(Family::kNames, KeyOf(kRows + i), &value));
    }
  }
};

TEST_F(PartitionsTest, ArePinnedWhereThereIsRoom) {
  StoreRows(64U << 20U);
  LookUp(2000);
  EXPECT_GT(store_->Metrics().block_cache_pinned_bytes, 700'000U);
  const uint64_t before = Lookups();
  LookUp(2000);
  EXPECT_LT(Lookups() - before, 2000U + 100);  // blocks of rows alone, and those for wrong filters
}

TEST_F(PartitionsTest, AreNotPinnedBeyondTheirShareOfTheCache) {
  StoreRows(3U << 20U);
  LookUp(2000);
  const StorageMetrics metrics = store_->Metrics();
  EXPECT_LT(metrics.block_cache_pinned_bytes, metrics.block_cache_capacity_bytes / 2);
}

}  // namespace
}  // namespace unirust::store
