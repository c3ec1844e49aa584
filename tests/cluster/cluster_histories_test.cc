// An engine on a store of several parts answers as one on a single directory does: random histories, with the writer
// dying at any call to another part.
#include <thread>

#include "tests/cluster/cluster_fixture.h"
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

using cluster::Cluster;
using cluster::Life;
using cluster::Reach;

class ClusterHistories : public IncrementalTest, public ::testing::WithParamInterface<Reach> {
 protected:
  ~ClusterHistories() override { engine_.reset(); }

  void Build(size_t parts, Dice& dice) {
    engine_.reset();
    cluster_ = std::make_unique<Cluster>(temp_.path() + "/parts" + std::to_string(++built_), parts,
                                         GetParam());
    for (size_t n = dice.Below(300); n > 0; --n) {  // any assignment of slots
      cluster_->Assign(static_cast<uint16_t>(dice.Below(limits::kSlots)), dice.Below(parts));
    }
    live_.clear();
    Open(Life::kForever);
  }

  void Open(int64_t calls) {
    auto store = cluster_->Open(calls);
    ASSERT_TRUE(store.ok()) << store.status();
    auto engine = Engine::OpenOn(*std::move(store), options_);
    ASSERT_TRUE(engine.ok() || cluster_->WriterDied()) << engine.status();
    if (engine.ok()) engine_ = *std::move(engine);
  }

  std::vector<Write> RandomBatch(Dice& dice) {
    std::vector<Write> out;
    for (size_t n = 1 + dice.Below(6); n > 0; --n) out.push_back(RandomWrite(dice, kSparse));
    return out;
  }

  // Slots begin to move, or go on to do so.
  absl::Status Move(Dice& dice) {
    if (!dice.OneIn(8)) return engine_->MoveStep().status();
    const Engine::SlotPlan plan = *engine_->PlanSlots({});
    cluster::SlotMap target = plan.target;
    const size_t parts = plan.target.LastPart() + 1;
    for (size_t n = dice.Below(600); n > 0; --n) {
      target.Assign(static_cast<uint16_t>(dice.Below(limits::kSlots)), dice.Below(parts));
    }
    return engine_->MoveSlots(plan.version, target);
  }
  void MoveAtRandom(Dice& dice) {
    for (size_t steps = dice.Below(6); steps > 0; --steps) {
      const absl::Status status = Move(dice);
      EXPECT_TRUE(status.ok()) << status;
    }
  }

  void TryApply(const std::vector<Write>& batch) {
    const auto assignments = engine_->Ingest(batch);
    if (assignments.ok()) return Note(batch);
    EXPECT_TRUE(absl::IsUnavailable(assignments.status())) << assignments.status();
    EXPECT_TRUE(cluster_->WriterDied());
    unsure_ = batch;
  }

  // Of what was not acknowledged there is all or nothing.
  void Settle(Dice& dice) {
    if (!unsure_.empty() && Everything(*engine_) != Fresh(dice)) Note(unsure_);
    unsure_.clear();
    ExpectFresh(dice);
  }

  // Writes until the writer is dead, and opens again.
  void LiveAndDie(Dice& dice) {
    Open(static_cast<int64_t>(1 + dice.Below(300)));
    while (engine_ != nullptr && !cluster_->WriterDied()) {
      if (!dice.OneIn(12)) {
        TryApply(RandomBatch(dice));
        if (dice.OneIn(2)) {
          const absl::Status status = Move(dice);
          EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
        }
        continue;
      }
      const ontology::Ontology wanted = RandomOntology(dice);
      const absl::Status status = engine_->SetOntology(wanted);
      if (status.ok()) {
        ontology_ = wanted;
      } else {
        EXPECT_TRUE(absl::IsUnavailable(status)) << status;
      }
    }
    engine_.reset();
    if (dice.OneIn(2)) cluster_->CloseParts();
    Open(Life::kForever);
  }

  std::unique_ptr<Cluster> cluster_;
  size_t built_ = 0;
  ontology::Ontology ontology_;
  std::vector<Write> unsure_;
};

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
