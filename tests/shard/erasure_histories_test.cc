// Erasure in random histories: writes, erasures, purges, other rules and openings in any order. After every step the
// graph is that of a fresh store of what is left (incremental_fixture.h).
//
// UNIRUST_ERASURE_SEEDS and UNIRUST_FIRST_SEED choose the histories; a failure prints its seed.
#include <set>

#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

class ErasureHistories : public IncrementalTest {
 protected:
  void WriteSome(Dice& dice) {
    std::vector<Write> batch;
    for (size_t n = 1 + dice.Below(12); n > 0; --n) batch.push_back(RandomWrite(dice));
    for (const Write& write : batch) known_.insert(write.identity);
    Apply(batch);
  }

  void EraseSome(Dice& dice) {
    std::vector<Identity> records;
    std::vector<bool> expected;
    for (size_t n = 1 + dice.Below(6); n > 0; --n) {
      const Identity identity = RandomWrite(dice).identity;
      records.push_back(identity);
      expected.push_back(known_.erase(identity) > 0);
      live_.erase(identity);
      erased_ += expected.back() ? 1 : 0;
    }
    EXPECT_EQ(engine_->Erase(records).value(), expected);
    EXPECT_EQ(engine_->ErasuresInStore()->records, erased_);
  }

  void Purge() {
    ASSERT_TRUE(engine_->Purge([] { return false; }).ok());
    EXPECT_TRUE(engine_->GetErasures()->AllGone());
  }

  void Step(Dice& dice) {
    switch (dice.Below(8)) {
      case 0:
        return Start(RandomOntology(dice));
      case 1:
        return Reopen();
      case 2:
        return Purge();
      case 3:
      case 4:
      case 5:
        return EraseSome(dice);
      default:
        return WriteSome(dice);
    }
  }

  std::set<Identity> known_;  // what has a row: live or retracted
  uint64_t erased_ = 0;
};

TEST_F(ErasureHistories, GiveTheStateOfWhatIsLeft) {
  ForEachSeed("UNIRUST_ERASURE_SEEDS", [&](Dice& dice) {
    Start(RandomOntology(dice));
    for (size_t steps = 6 + dice.Below(12); steps > 0 && !HasFailure(); --steps) {
      Step(dice);
      ExpectFresh(dice);
    }
    RetractAll(dice);
  }, 4);
}

}  // namespace
}  // namespace unirust::shard
