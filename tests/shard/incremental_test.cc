// Incremental resolution equals a fresh one (incremental_fixture.h) after random batches. In the end everything is
// retracted, and nothing may be left. (docs/resolution.md; that the fresh result is right is the oracle's business.)
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

class RandomHistories : public IncrementalTest {
 protected:
  // One batch in `check` is compared, and the last one.
  void ApplyRandom(Dice& dice, const Crowd& crowd, size_t batches, size_t check) {
    Start(RandomOntology(dice));
    for (; batches > 0 && !HasFailure(); --batches) {
      std::vector<Write> batch;
      for (size_t n = 1 + dice.Below(dice.OneIn(3) ? 20 : 3); n > 0; --n) {
        batch.push_back(RandomWrite(dice, crowd));
      }
      Apply(batch);
      if (dice.OneIn(check) || batches == 1) ExpectFresh(dice);
    }
    if (dice.OneIn(3)) {
      Start(RandomOntology(dice));
      ExpectFresh(dice);
    }
    RetractAll(dice);
  }
};

TEST_F(RandomHistories, OfRecordsThatHaveMuchInCommon) {
  ForEachSeed("UNIRUST_INCREMENTAL_SEEDS",
              [&](Dice& dice) { ApplyRandom(dice, kDense, 3 + dice.Below(8), 1); });
}

// What goes wrong here mostly stays wrong, and shows later.
TEST_F(RandomHistories, OfRecordsThatHaveLittleInCommon) {
  ForEachSeed("UNIRUST_INCREMENTAL_SEEDS",
              [&](Dice& dice) { ApplyRandom(dice, kSparse, 200, 20); });
}

constexpr char kTwoKeys[] = R"({
  "identity_keys": [{"name": "by_k", "attributes": ["k"]}, {"name": "by_c", "attributes": ["c"]}],
  "strong_identifiers": [{"attribute": "s", "scope": "global"}]
})";

constexpr char kTwoKeysAndALaterOne[] = R"({
  "identity_keys": [{"name": "by_k", "attributes": ["k"]}, {"name": "by_c", "attributes": ["c"]},
                    {"name": "by_z", "attributes": ["z"]}]
})";

// A record comes to a group in which what took another's place clashes with it: neither is linked to the rest.
TEST_F(IncrementalTest, WhoComesMayClashWithAnHeir) {
  Start(ontology::ParseOntology(kTwoKeys).value());
  std::vector<Write> before;
  std::vector<Write> together;
  for (size_t n = 0; n < 10; ++n) {  // records are looked at in some order
    const std::string own = std::to_string(n);
    const Descriptor c{"c", own, kAlways};
    const Descriptor k{"k", own, kAlways};
    before.push_back(Person("w", own, {k, c}));
    before.push_back(Person("x", own, {c}));
    together.push_back(Person("v", own, {k, {"s", "v" + own, kAlways}}));
    together.push_back(Person("y", own, {c, {"s", "y" + own, kAlways}}));
  }
  Apply(before);
  Apply(together);
  Dice dice(1);
  ExpectFresh(dice);
}

// What took the places of two nodes of a block clashes: nothing links them any more, and nothing is to be settled.
TEST_F(IncrementalTest, HeirsOfOneBlockMayClashWithEachOther) {
  Start(ontology::ParseOntology(kTwoKeys).value());
  const Descriptor c{"c", "1", kAlways};
  const auto of = [](std::string k) { return Descriptor{"k", std::move(k), kAlways}; };
  Apply({Person("w", "1", {of("1"), c}), Person("w", "2", {of("2"), c}), Person("w", "3", {c})});
  Apply({Person("v", "1", {of("1"), {"s", "1", kAlways}}),
         Person("v", "2", {of("2"), {"s", "2", kAlways}})});
  Dice dice(1);
  ExpectFresh(dice);
}

// What took a place in a block leaves it again, for it does not hold the value: it stays where a later key put it.
TEST_F(IncrementalTest, AnHeirThatLeavesStaysInTheBlockOfALaterKey) {
  Start(ontology::ParseOntology(kTwoKeysAndALaterOne).value());
  const Descriptor k{"k", "1", kAlways};
  const Descriptor c{"c", "1", kAlways};
  const Descriptor z{"z", "1", kAlways};
  Apply({Person("w", "1", {k, z}), Person("w", "2", {k}), Person("w", "3", {z}),
         Person("w", "4", {c}), Person("w", "5", {c}), Person("w", "6", {c})});
  Apply({Person("w", "6", {k})});
  Dice dice(1);
  ExpectFresh(dice);
}

// What a value brings into a block whose own nodes it takes goes out again with it: the same.
TEST_F(IncrementalTest, WhatIsLeftAloneInABlockStaysInTheBlockOfALaterKey) {
  Start(ontology::ParseOntology(kTwoKeysAndALaterOne).value());
  const auto k = [](std::string value) { return Descriptor{"k", std::move(value), kAlways}; };
  const Descriptor c{"c", "1", kAlways};
  const Descriptor z{"z", "1", kAlways};
  Apply({Person("w", "1", {k("1"), z}), Person("w", "2", {k("1")}), Person("w", "3", {z}),
         Person("w", "4", {k("2"), c}), Person("w", "5", {k("3"), c})});
  Apply({Person("w", "6", {k("1"), k("2"), k("3")})});
  Dice dice(1);
  ExpectFresh(dice);
}

// What two blocks of a part agree on is seen although one that is in neither of them agrees with both.
TEST_F(IncrementalTest, APartAgreesBesideAStranger) {
  Start(ontology::ParseOntology(R"({
    "identity_keys": [{"name": "by_k", "attributes": ["k"]}],
    "strong_identifiers": [{"attribute": "s"}, {"attribute": "t", "scope": "global"}]})")
            .value());
  const auto k = [](std::string value) { return Descriptor{"k", std::move(value), kAlways}; };
  const auto s = [](std::string value) { return Descriptor{"s", std::move(value), kAlways}; };
  const auto t = [](std::string value) { return Descriptor{"t", std::move(value), kAlways}; };
  Apply({Person("x", "00", {k("0"), s("0")}), Person("y", "02", {k("1"), k("3")}),
         Person("x", "06", {k("3"), s("1")}), Person("y", "07", {k("1"), t("0")}),
         Person("y", "08", {k("0"), k("3")}), Person("x", "09", {k("0"), t("0")}),
         Person("y", "10", {k("3"), t("1")}), Person("y", "11", {k("3"), t("0")})});
  for (const char* uid : {"02", "07", "08"}) EXPECT_EQ(EntityName("y", uid), "person/x/00") << uid;
  EXPECT_EQ(EntityName("x", "09"), "person/x/00");
  EXPECT_EQ(EntityName("y", "11"), "person/y/11");
}

}  // namespace
}  // namespace unirust::shard
