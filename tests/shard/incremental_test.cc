// Incremental resolution equals a fresh one (incremental_fixture.h) after random batches. In the end everything is
// retracted, and nothing may be left. (docs/resolution.md; that the fresh result is right is the oracle's business.)
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

TEST_F(IncrementalTest, EqualsAFreshResolutionAfterEveryBatch) {
  ForEachSeed("UNIRUST_INCREMENTAL_SEEDS", [&](Dice& dice) {
    Start(RandomOntology(dice));
    for (size_t batches = 3 + dice.Below(8); batches > 0; --batches) {
      std::vector<Write> batch;
      for (size_t n = 1 + dice.Below(dice.OneIn(3) ? 20 : 3); n > 0; --n)
        batch.push_back(RandomWrite(dice));
      Apply(batch);
      ExpectFresh(dice);
      if (HasFailure()) break;
    }
    if (dice.OneIn(3)) {
      Start(RandomOntology(dice));
      ExpectFresh(dice);
    }
    RetractAll(dice);
  });
}

constexpr char kTwoKeys[] = R"({
  "identity_keys": [{"name": "by_k", "attributes": ["k"]}, {"name": "by_c", "attributes": ["c"]}],
  "strong_identifiers": [{"attribute": "s", "scope": "global"}]
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

}  // namespace
}  // namespace unirust::shard
