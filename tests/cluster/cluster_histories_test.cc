// An engine on a store of several parts answers as one on a single directory does: random histories, with the writer
// dying at any call to another part.
#include <thread>

#include "tests/cluster/histories_fixture.h"

namespace unirust::shard {
namespace {

TEST_P(ClusterHistories, OneAnswerForAnyNumberOfParts) {
  for (const size_t parts : {1, 2, 3, 4, 8}) {
    SCOPED_TRACE(parts);
    ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
      Build(parts, dice);
      Start(RandomOntology(dice));
      for (size_t batches = 12; batches > 0 && !HasFailure(); --batches) {
        Apply(RandomBatch(dice));
        MoveAtRandom(dice);
        if (dice.OneIn(4)) ExpectFresh(dice);
      }
      Start(RandomOntology(dice));
      MoveAtRandom(dice);
      ExpectFresh(dice);
      while (*engine_->MoveStep()) {
      }
      EXPECT_EQ(engine_->GetSlots().placement->fault, "");
      RetractAll(dice);
    }, 1);
  }
}

TEST_P(ClusterHistories, NothingIsLostOrHalfAppliedWhereverTheWriterDies) {
  ForEachSeed("UNIRUST_CLUSTER_SEEDS", [&](Dice& dice) {
    Build(2 + dice.Below(3), dice);
    ontology_ = RandomOntology(dice);
    Start(ontology_);
    engine_.reset();
    for (size_t lives = 8; lives > 0 && !HasFailure(); --lives) {
      LiveAndDie(dice);
      ASSERT_NE(engine_, nullptr);
      EXPECT_EQ(engine_->GetOntology(), ontology_);
      Settle(dice);
      engine_.reset();
    }
    Open(Life::kForever);
    RetractAll(dice);
  }, 3);
}

TEST_P(ClusterHistories, APartThatCannotBeReachedDelaysNothingButItsOwnAnswers) {
  Dice dice(1);
  Build(3, dice);
  Start(RandomOntology(dice));
  for (size_t n = 4; n > 0; --n) Apply(RandomBatch(dice));
  const auto before = Everything(*engine_);
  cluster_->SetTakesEpochs(false);
  std::vector<std::vector<Write>> refused;
  for (size_t n = 4; n > 0; --n) {
    refused.push_back(RandomBatch(dice));
    const absl::Status status = engine_->Ingest(refused.back()).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  }
  EXPECT_TRUE(absl::IsUnavailable(engine_->SetOntology(RandomOntology(dice))));
  EXPECT_EQ(Everything(*engine_), before);
  cluster_->SetReachable(false);
  EXPECT_TRUE(absl::IsUnavailable(engine_->Ingest(refused.back()).status()));
  cluster_->SetTakesEpochs(true);
  cluster_->SetReachable(true);
  for (const auto& batch : refused) {
    while (!engine_->Ingest(batch).ok()) std::this_thread::yield();
    Note(batch);
    ExpectFresh(dice);
  }
}

// It reads an index in a part that has not heard of the batch before.
TEST_P(ClusterHistories, NothingIsResolvedWithoutTheBatchBefore) {
  Dice dice(1);
  Build(2, dice);
  Start(*ontology::ParseOntology(
      R"({"constraints": [{"name": "one_phone", "attribute": "phone"}]})"));
  std::vector<Write> first;
  std::vector<Write> second;
  for (int n = 0; n < 8; ++n) {
    const std::vector<Descriptor> phone = {{"phone", std::to_string(n), kAlways}};
    first.push_back(Person("crm", std::to_string(n), phone));
    second.push_back(Person("erp", std::to_string(n), phone));
  }
  const std::vector<Descriptor> own = {{"phone", "own", kAlways}};
  Apply({Person("crm", "own", own), Person("erp", "own", own)});  // the names are in memory
  cluster_->SetTakesEpochs(false);
  auto one = engine_->Submit(first, Lane::kStreams);
  while (cluster_->RefusedEpochs() == 0) std::this_thread::yield();
  auto two = engine_->Submit(second, Lane::kStreams);
  EXPECT_TRUE(absl::IsUnavailable(one->Await().status()));
  EXPECT_TRUE(absl::IsUnavailable(two->Await().status()));
  cluster_->SetTakesEpochs(true);
  for (const auto& batch : {first, second}) {
    while (!engine_->Ingest(batch).ok()) std::this_thread::yield();
    Note(batch);
  }
  ExpectFresh(dice);
}

INSTANTIATE_TEST_SUITE_P(Parts, ClusterHistories,
                         ::testing::Values(Reach::kHere, Reach::kConnected),
                         [](const auto& one) {
                           return one.param == Reach::kHere ? "Here" : "Connected";
                         });

}  // namespace
}  // namespace unirust::shard
