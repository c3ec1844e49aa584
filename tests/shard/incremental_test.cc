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

}  // namespace
}  // namespace unirust::shard
