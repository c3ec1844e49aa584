// Random histories of an engine on a store of several parts, whose writer may die at any call to another part.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/cluster/cluster_fixture.h"
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {

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

}  // namespace unirust::shard
