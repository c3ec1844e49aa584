// Rows of some slots, read some at a time.
#include "store/slot_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tests/cluster/slot_keys.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using Rows = std::map<std::pair<Family, std::string>, std::string>;

class SlotRowsTest : public ::testing::Test {
 protected:
  void Fill(size_t rows, size_t value_bytes) {
    Batch batch;
    while (rows_.size() < rows) {
      const auto [family, key] = keys_.Next();
      std::string value(value_bytes, 'v');
      value += std::to_string(rows_.size());
      if (rows_.emplace(std::pair(family, key), value).second) batch.Put(family, key, value);
    }
    store_->Commit(std::move(batch));
  }
  SlotSet RandomSlots(size_t count) {
    SlotSet out;
    while (out.count() < count) out.set(keys_.Slot());
    return out;
  }
  Rows Wanted(const SlotSet& slots) const {
    Rows out;
    for (const auto& [row, value] : rows_) {
      if (slots[*SlotOf(row.first, row.second)]) out[row] = value;
    }
    return out;
  }

  TempDir temp_;
  std::unique_ptr<Store> store_ = Store::Open({.dir = temp_.path() + "/data"}).value();
  cluster::SlotKeys keys_{11};
  Rows rows_;
};

TEST_F(SlotRowsTest, AllOfTheSlotsAndNoOthersInPieces) {
  Fill(4000, 3000);
  for (const size_t count : {0U, 1U, 7U, 600U}) {
    SlotSet slots = RandomSlots(count);
    if (count == 7) slots.set(0).set(limits::kSlots - 1);
    Rows found;
    size_t pieces = 0;
    uint64_t rows = 0;
    SlotPosition after;
    while (!after.IsEnd()) {
      absl::StatusOr<SlotRows> piece = store_->Latest().ReadSlots(
          {.slots = slots, .after = after, .upto = {}, .what = SlotQuery::What::kRows});
      ASSERT_TRUE(piece.ok()) << piece.status();
      piece->batch.VisitSorted(
          [&](Family family, std::string_view key, std::string_view value, bool remove) {
            EXPECT_FALSE(remove);
            EXPECT_FALSE(after.IsBehind(family, key));
            EXPECT_TRUE(piece->upto.IsBehind(family, key));
            found.emplace(std::pair(family, std::string(key)), value);
          });
      rows += piece->rows;
      EXPECT_LE(piece->bytes, limits::kSlotRowsBytesMax + 4000);
      after = piece->upto;
      ++pieces;
    }
    EXPECT_EQ(found, Wanted(slots));
    EXPECT_EQ(rows, found.size());
    if (count == 600) {
      EXPECT_GT(pieces, 2U);
    }
  }
}

TEST_F(SlotRowsTest, ADigestIsOfTheRowsAlone) {
  Fill(3000, 10);
  const SlotSet slots = RandomSlots(200);
  const auto digest = [&](SlotPosition after, std::optional<SlotPosition> upto) {
    SlotRows sum;
    while (!after.IsEnd() && after != upto) {
      const SlotRows piece =
          store_->Latest()
              .ReadSlots(
                  {.slots = slots, .after = after, .upto = upto, .what = SlotQuery::What::kDigest})
              .value();
      sum.rows += piece.rows;
      sum.digest += piece.digest;
      after = piece.upto;
    }
    return std::pair(sum.rows, sum.digest);
  };
  const auto whole = digest({}, {});
  EXPECT_EQ(whole.first, Wanted(slots).size());
  const SlotPosition middle{.family = static_cast<uint8_t>(Family::kGroups), .key = "\x01\x80"};
  const auto first = digest({}, middle);
  const auto second = digest(middle, {});
  EXPECT_GT(first.first, 100U);
  EXPECT_GT(second.first, 100U);
  EXPECT_EQ(whole, std::pair(first.first + second.first, first.second + second.second));
  const auto [family, key] = Wanted(slots).begin()->first;
  Batch batch;
  batch.Put(family, key, "another");
  store_->Commit(std::move(batch));
  const auto changed = digest({}, {});
  EXPECT_EQ(changed.first, whole.first);
  EXPECT_NE(changed.second, whole.second);
}

// Where rows of a slot do not lie together all others are looked at, too.
TEST_F(SlotRowsTest, APieceLooksAtSoManyRowsAndIsPerhapsEmpty) {
  const size_t count = 2 * limits::kSlotRowsReadMax + 10;
  Batch batch;
  for (uint32_t n = 0; n < count; ++n) {
    std::string key;
    AppendBig32(&key, n);
    AppendBig32(&key, (n + 1 < count ? 5U : 6U) << 22U | 1U);  // the last one is of slot 6
    batch.Put(Family::kSources, key, "v");
  }
  store_->Commit(std::move(batch));
  std::vector<uint64_t> rows;
  SlotQuery query{.slots = SlotSet().set(6), .after = {}, .upto = {}, .what = SlotQuery::What::kRows};
  while (!query.after.IsEnd()) {
    const SlotRows piece = store_->Latest().ReadSlots(query).value();
    EXPECT_NE(piece.upto, query.after);
    rows.push_back(piece.rows);
    query.after = piece.upto;
  }
  EXPECT_EQ(rows, (std::vector<uint64_t>{0, 0, 1}));
}

TEST_F(SlotRowsTest, AKeyWithoutASlotIsDamage) {
  Batch batch;
  batch.Put(Family::kRecords, "x", "v");
  store_->Commit(std::move(batch));
  const SlotQuery query{.slots = SlotSet().set(3), .after = {}, .upto = {}, .what = {}};
  EXPECT_TRUE(absl::IsDataLoss(store_->Latest().ReadSlots(query).status()));
}

}  // namespace
}  // namespace unirust::store
