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

}  // namespace
}  // namespace unirust::shard
