// PieceSet and the SortedRows below it, on a real store, against the pieces as one list cut whole (resolve/links.h).
// Each batch may come before the one before it is written.
#include "resolve/piece_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"
#include "tests/shard/incremental_fixture.h"
#include "tests/store/temp_dir.h"

namespace unirust::resolve {
namespace {

using store::Family;
using store::Piece;

// The rows of both families that one batch sees and changes.
struct Layer {
  Layer(const store::Reader& reader, const Layer* previous)
      : pieces(Family::kPieces, reader, previous == nullptr ? nullptr : &previous->pieces),
        runs(Family::kRuns, reader, previous == nullptr ? nullptr : &previous->runs) {}
  SortedRows pieces;
  SortedRows runs;
};

struct RunOf {
  Interval interval;
  uint64_t pieces = 0;
  auto operator<=>(const RunOf&) const = default;
};

std::vector<RunOf> RunsOf(const std::vector<Piece>& pieces) {
  std::vector<RunOf> out;
  for (const auto& [first, last] : Chains(std::span<const Piece>(pieces))) {
    RunOf run{pieces[first].interval, last - first};
    for (size_t i = first; i < last; ++i) {
      run.interval.end = std::max(run.interval.end, pieces[i].interval.end);
    }
    out.push_back(run);
  }
  return out;
}

class PieceSetTest : public ::testing::Test {
 protected:
  static std::string Key(const char* value) {
    const store::GroupKey group{.entity_type = store::SymbolId(1),
                                .identity_key = 0,
                                .values = store::EncodeValue(value)};
    return store::PieceSetKey{.group = group.Encode(), .entity = {}}.Encode();
  }

  static std::vector<RunOf> StoredRuns(const Layer& layer) {
    std::vector<RunOf> out;
    layer.runs.Walk("", "", [&](std::string_view key, std::string_view value) {
      const auto decoded = store::RunKey::Decode(key);
      store::RunRow row;
      EXPECT_TRUE(decoded && store::RunRow::Decode(value, &row));
      if (decoded && decoded->set == Key("here")) {
        out.push_back({{decoded->start, row.end}, row.pieces});
      }
      return true;
    });
    return out;
  }

  static Interval SomeTime(Dice& dice, size_t spread) {
    if (dice.OneIn(60)) return {kMinTime, kMaxTime};
    const auto start = static_cast<Instant>(dice.Below(spread));
    return {start, start + 1 + static_cast<Instant>(dice.Below(dice.OneIn(9) ? 60 : 6))};
  }

  static void Write(store::Store& store, const Layer& layer) {
    store::Batch batch;
    layer.pieces.AddTo(batch);
    layer.runs.AddTo(batch);
    store.Commit(std::move(batch));
  }

  // What `change` tells of a batch that made `now` of `before`.
  static void ExpectTold(const PieceSet::Change& change, const std::vector<Piece>& before,
                         const std::vector<Piece>& kept, const std::vector<Piece>& now) {
    EXPECT_EQ(static_cast<int64_t>(RunsOf(now).size()),
              static_cast<int64_t>(RunsOf(before).size()) + change.runs);
    if (!change.by_runs) return;
    for (const RunOf& run : RunsOf(before)) {
      std::vector<Piece> left;
      for (const Piece& piece : kept) {
        if (Overlaps(piece.interval, run.interval)) left.push_back(piece);
      }
      EXPECT_LE(RunsOf(left).size(), 1U) << "a run fell apart";
    }
    EXPECT_EQ(change.lost.size(), before.size() - kept.size());
    for (const LostPiece& lost : change.lost) {
      const bool keeps = std::any_of(kept.begin(), kept.end(), [&](const Piece& piece) {
        return Overlaps(piece.interval, lost.before.interval);
      });
      EXPECT_EQ(lost.rest.has_value(), keeps);
    }
    std::multiset<std::pair<size_t, size_t>> told;  // pieces gained, and runs of before
    for (const GainedRun& run : change.gained) told.emplace(run.added.size(), run.old.size());
    std::multiset<std::pair<size_t, size_t>> expected;
    for (const GainedRun& run : GainedRuns(kept, now)) {
      expected.emplace(run.added.size(), run.old.size());
    }
    EXPECT_EQ(told, expected);
  }
};

TEST_F(PieceSetTest, ChangesAsIfAllItsRunsWereCutAnew) {
  size_t by_runs = 0;
  size_t anew = 0;
  ForEachSeed("UNIRUST_LARGE_ENTITY_SEEDS", [&](Dice& dice) {
    const store::TempDir temp;
    const auto store = store::Store::Open({.dir = temp.path() + "/data"}).value();
    const size_t spread = dice.OneIn(2) ? 60 : 600;
    std::vector<Piece> all;
    uint32_t records = 0;
    std::unique_ptr<Layer> previous;
    {  // a group beside it, before and behind which nothing may be touched
      Layer layer(store->Latest(), nullptr);
      const std::vector<Piece> others = {{{0, 1000}, RecordId(1)}};
      for (const char* value : {"", "zzz"}) {
        PieceSet(layer.pieces, layer.runs, Key(value)).Make(others);
      }
      Write(*store, layer);
    }
    for (size_t step = 0; step < 150 && !HasFailure(); ++step) {
      std::vector<Piece> removed;
      std::vector<Piece> added;
      for (const Piece& piece : all) {
        if (dice.Below(all.size()) < 2) removed.push_back(piece);
      }
      for (size_t n = all.size() < 80 ? 1 + dice.Below(3) : dice.Below(3); n > 0; --n) {
        added.push_back({SomeTime(dice, spread), RecordId(++records)});
      }
      std::sort(added.begin(), added.end());
      std::vector<Piece> kept;
      std::set_difference(all.begin(), all.end(), removed.begin(), removed.end(),
                          std::back_inserter(kept));
      std::vector<Piece> now;
      std::set_union(kept.begin(), kept.end(), added.begin(), added.end(),
                     std::back_inserter(now));

      auto layer = std::make_unique<Layer>(store->Latest(), previous.get());
      PieceSet group(layer->pieces, layer->runs, Key("here"));
      ASSERT_EQ(group.AllBefore(), all);
      const bool written_late = previous != nullptr && dice.OneIn(2);
      if (previous != nullptr && !written_late) Write(*store, *previous);
      const PieceSet::Change change = group.Apply(removed, added);
      if (written_late) Write(*store, *previous);
      ASSERT_TRUE(group.status().ok()) << group.status();
      ExpectTold(change, all, kept, now);
      EXPECT_EQ(StoredRuns(*layer), RunsOf(now)) << (change.by_runs ? "by runs" : "anew");
      ++(change.by_runs ? by_runs : anew);
      all = std::move(now);
      previous = std::move(layer);
    }
  });
  EXPECT_GT(by_runs, anew) << "most changes are local";
  EXPECT_GT(anew, 0U);
}

}  // namespace
}  // namespace unirust::resolve
