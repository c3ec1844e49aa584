// Reads of a store of several parts of which some cannot be reached: what needs rows of these is left out where that
// was asked for, else refused, and everything else is as ever.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <variant>

#include "store/keys.h"
#include "tests/cluster/histories_fixture.h"

namespace unirust::shard {
namespace {

// What a record's own rows, and those of an entity that has no other record, need: one slot.
uint16_t SlotOf(const Identity& record) {
  return store::FirstAddress(record.entity_type, record.perspective, record.uid).slot;
}

class PartialReads : public ClusterHistories {
 protected:
  // All pages of a listing; `fetch(page_size, cursor)` reads one.
  template <typename Fetch>
  static auto All(const Fetch& fetch) {
    decltype(fetch(0, "")->items) out;
    std::string cursor;
    do {
      auto page = fetch(2, cursor);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      std::move(page->items.begin(), page->items.end(), std::back_inserter(out));
      cursor = std::move(page->cursor);
    } while (!cursor.empty());
    return out;
  }
  static std::vector<RecordView> Records(const View& view, const RecordFilter& filter) {
    return All([&](size_t size, const std::string& cursor) {
      return view.ScanRecords(filter, size, cursor);
    });
  }
  static std::vector<Match> Matches(const View& view, const AttributeValue& pair) {
    return All([&](size_t size, const std::string& cursor) {
      return view.FindEntities({pair}, kAlways, size, cursor);
    });
  }
  static std::string Whole(const RecordView& r) { return Text(r) + " of " + r.entity_name; }
  template <typename Item>
  static std::string Whole(const Item& item) {
    return Text(item);
  }
  template <typename Items>
  static std::set<std::string> Texts(const Items& items) {
    std::set<std::string> out;
    for (const auto& item : items) out.insert(Whole(item));
    EXPECT_EQ(out.size(), items.size()) << "an item came twice";
    return out;
  }
  template <typename Items>
  static std::set<std::string> ExpectSome(const Items& partial, const Items& whole) {
    const std::set<std::string> some = Texts(partial);
    const std::set<std::string> all = Texts(whole);
    EXPECT_TRUE(std::includes(all.begin(), all.end(), some.begin(), some.end()));
    return some;
  }

  bool IsGone(const Identity& record) const {
    return engine_->GetSlots().placement->map.PartOf(SlotOf(record)) == gone_;
  }
  // The records of each entity, by its name.
  static std::map<std::string, std::vector<Identity>> Entities(const View& whole) {
    std::map<std::string, std::vector<Identity>> out;
    for (const RecordView& r : Records(whole, {})) out[r.entity_name].push_back(r.record.identity);
    return out;
  }

  void CheckRecords(const View& whole, const View& partial, const RecordFilter& filter) {
    const std::vector<RecordView> all = Records(whole, filter);
    const std::set<std::string> some = ExpectSome(Records(partial, filter), all);
    auto entities = Entities(whole);
    for (const RecordView& r : all) {
      if (IsGone(r.record.identity)) {
        EXPECT_FALSE(some.contains(Whole(r)));
      } else if (entities[r.entity_name].size() == 1) {
        EXPECT_TRUE(some.contains(Whole(r)));
      }
    }
  }
  void CheckMatches(const View& whole, const View& partial, const AttributeValue& pair) {
    const std::vector<Match> all = Matches(whole, pair);
    const std::set<std::string> some = ExpectSome(Matches(partial, pair), all);
    auto entities = Entities(whole);
    for (const Match& m : all) {
      const std::vector<Identity>& records = entities[m.entity.name];
      const bool gone = std::any_of(records.begin(), records.end(),
                                    [&](const Identity& r) { return IsGone(r); });
      if (gone) {
        EXPECT_FALSE(some.contains(Whole(m)));
      } else if (records.size() == 1) {
        EXPECT_TRUE(some.contains(Whole(m)));
      }
    }
    const auto outcome = partial.Query({pair}, kAlways);
    const auto expected = whole.Query({pair}, kAlways);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    if (const auto* matches = std::get_if<std::vector<Match>>(&*expected)) {
      ExpectSome(std::get<std::vector<Match>>(*outcome), *matches);
    }
  }
  // Whoever does not ask for part of an answer gets all of it or none.
  void CheckWholeReads(const View& whole) {
    const View view = engine_->Read();
    EXPECT_TRUE(absl::IsUnavailable(view.ScanRecords({}, 10, "").status()));
    EXPECT_TRUE(absl::IsUnavailable(view.ListConflicts({}, 10, "").status()));
    EXPECT_TRUE(view.missing().empty());
    for (const auto& [name, records] : Entities(whole)) {
      const auto entity = view.GetEntity(records[0], std::nullopt);
      if (entity.ok()) {
        EXPECT_EQ(Text(entity->golden), Text(whole.GetEntity(records[0], std::nullopt)->golden));
      } else {
        EXPECT_TRUE(absl::IsUnavailable(entity.status())) << entity.status();
      }
      if (records.size() == 1 || IsGone(records[0])) {
        EXPECT_EQ(entity.ok(), !IsGone(records[0]));
      }
    }
  }

  size_t gone_ = 0;
};

TEST_P(PartialReads, LeaveOutWhatNeedsAMissingPartAndNothingElse) {
  size_t conflicts = 0;
  size_t left_out = 0;
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    const size_t parts = 2 + dice.Below(4);
    Build(parts, dice);
    Start(RandomOntology(dice));
    for (size_t batches = 10; batches > 0 && !HasFailure(); --batches) Apply(RandomBatch(dice));
    MoveAtRandom(dice);
    const View whole = engine_->Read();
    gone_ = 1 + dice.Below(parts - 1);
    cluster_->SetReachable(gone_, false);
    const size_t slots = engine_->GetSlots().placement->map.SlotsOf(gone_);
    const View partial = engine_->ReadPartial();
    ASSERT_EQ(partial.missing().size(), 1U);
    EXPECT_EQ(partial.missing()[0].part, gone_);
    EXPECT_EQ(partial.missing()[0].slots, slots);
    EXPECT_THAT(partial.missing()[0].fault, ::testing::HasSubstr("it cannot be reached"));
    CheckRecords(whole, partial, {});
    CheckRecords(whole, partial, {.descriptor = {}, .entity_type = "person", .perspective = {}, .interval = {}});
    for (const auto& [identity, write] : live_) {
      for (const Descriptor& d : write.descriptors) {
        const AttributeValue pair{d.attribute, d.value};
        CheckMatches(whole, partial, pair);
        CheckRecords(whole, partial, {.descriptor = pair, .entity_type = {}, .perspective = {}, .interval = {}});
      }
    }
    const auto listed = [](const View& view) {
      return All([&](size_t size, const std::string& cursor) {
        return view.ListConflicts({}, size, cursor);
      });
    };
    const size_t some = ExpectSome(listed(partial), listed(whole)).size();
    conflicts += some;
    left_out += listed(whole).size() - some;
    CheckWholeReads(whole);
    cluster_->SetReachable(gone_, true);
    EXPECT_TRUE(engine_->ReadPartial().missing().empty());
    EXPECT_EQ(Texts(Records(engine_->ReadPartial(), {})), Texts(Records(whole, {})));
  }, 5);
  EXPECT_GT(conflicts, 0U);
  EXPECT_GT(left_out, 0U);
}

// A part without slots, as one that just joined.
TEST_P(PartialReads, APartThatHasNothingIsNotMissed) {
  Dice dice(1);
  Build(2, dice);
  const Engine::SlotPlan plan = *engine_->PlanSlots({1});
  ASSERT_TRUE(engine_->MoveSlots(plan.version, plan.target).ok());
  while (*engine_->MoveStep()) continue;
  Start(RandomOntology(dice));
  Apply(RandomBatch(dice));
  const auto before = Everything(*engine_);
  cluster_->SetReachable(1, false);
  EXPECT_EQ(Everything(*engine_), before);
  EXPECT_TRUE(engine_->ReadPartial().missing().empty());
}

INSTANTIATE_TEST_SUITE_P(Parts, PartialReads,
                         ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

}  // namespace
}  // namespace unirust::shard
