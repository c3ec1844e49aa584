// Incremental resolution against a fresh one: random histories; after every step the whole graph must be what a store
// gives that was loaded with the live records in another order and other batches, and all that is stored what a
// verification expects.
//
// UNIRUST_INCREMENTAL_SEEDS and UNIRUST_FIRST_SEED choose the histories; a failure prints its seed.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/resolve/random_histories.h"
#include "tests/shard/engine_fixture.h"
#include "tests/shard/findings.h"

namespace unirust::shard {

class IncrementalTest : public EngineTest {
 protected:
  IncrementalTest() {
    EngineOptions options = options_;
    options.data_dir = temp_.path() + "/fresh";
    options.allow_reset = true;
    fresh_ = Engine::Open(options).value();
  }

  void Start(const ontology::Ontology& ontology) {
    ASSERT_TRUE(engine_->SetOntology(ontology).ok());
  }

  // Writes to the engine under test.
  void Apply(const std::vector<Write>& batch) {
    Ingest(batch);
    Note(batch);
  }

  // What was applied.
  void Note(const std::vector<Write>& batch) {
    for (const Write& write : batch) {
      if (write.retract) {
        live_.erase(write.identity);
      } else {
        live_[write.identity] = write;
      }
    }
  }

  // The graph of a store that never saw anything but the live records.
  std::vector<std::string> Fresh(Dice& dice) {
    EXPECT_TRUE(fresh_->Reset().ok());
    ontology::Ontology ontology = engine_->GetOntology();
    ontology.retention.clear();  // what has expired is not among the live records' descriptors
    EXPECT_TRUE(fresh_->SetOntology(ontology).ok());
    std::vector<Write> writes;
    for (const auto& [identity, write] : live_) writes.push_back(write);
    dice.Shuffle(writes);
    const size_t size = 1 + dice.Below(writes.size() + 1);
    for (size_t from = 0; from < writes.size(); from += size) {
      const size_t to = std::min(writes.size(), from + size);
      EXPECT_TRUE(fresh_
                      ->Ingest({writes.begin() + static_cast<ptrdiff_t>(from),
                                writes.begin() + static_cast<ptrdiff_t>(to)})
                      .ok());
    }
    return Everything(*fresh_);
  }

  void ExpectFresh(Dice& dice) {
    EXPECT_EQ(Everything(*engine_), Fresh(dice));
    const View view = engine_->Read();
    const View other = fresh_->Read();
    const StoreStats stats = *view.GetStats();
    const StoreStats expected = *other.GetStats();
    EXPECT_EQ(stats.entities, expected.entities);
    EXPECT_EQ(stats.conflicts, expected.conflicts);
    EXPECT_EQ(stats.graph_edges, expected.graph_edges);
    const auto whole = [](uint64_t) { return true; };
    const StoreDigest digest = *view.GetDigest(whole);
    EXPECT_EQ(digest.records, expected.records);
    EXPECT_EQ(digest.entities, expected.entities);
    EXPECT_EQ(digest, *other.GetDigest(whole));
    Findings findings;
    EXPECT_TRUE(engine_->Verify(Engine::VerifyDepth::kFull, findings).ok());
    EXPECT_THAT(findings.faults, ::testing::IsEmpty());
  }

  void ApplyEach(const std::vector<Write>& writes) {
    Dice dice(1);
    for (const Write& write : writes) {
      Apply({write});
      ExpectFresh(dice);
    }
  }

  // What a random history of very many records is like.
  struct Churn {
    size_t population;
    size_t batches;
    size_t few;    // writes of most batches, at most
    size_t check;  // one batch in so many is compared with a fresh resolution
  };
  // Loads them all, then rewrites, adds and retracts some, until none is left. `record(number, later)` makes one; for
  // those of the same batch `later` is the same, and random.
  void ApplyHistory(Dice& dice, const Churn& churn,
                    const std::function<Write(size_t number, size_t later)>& record) {
    std::vector<Write> first;
    for (size_t n = 0; n < churn.population; ++n) first.push_back(record(n, 0));
    Apply(first);
    for (size_t batches = churn.batches; batches > 0 && !HasFailure(); --batches) {
      std::vector<Write> batch;
      const size_t later = 1 + dice.Below(100);
      for (size_t n = dice.OneIn(20) ? 30 : 1 + dice.Below(churn.few); n > 0; --n) {
        Write write = record(dice.Below(churn.population + 10), later);
        if (dice.OneIn(3)) write = Gone(write.identity.perspective, write.identity.uid);
        batch.push_back(std::move(write));
      }
      Apply(batch);
      if (dice.OneIn(churn.check)) ExpectFresh(dice);
    }
    RetractAll(dice);
  }

  void RetractAll(Dice& dice) {
    std::vector<Write> writes;
    for (const auto& [identity, write] : live_) {
      writes.push_back({.identity = identity, .version = {}, .retract = true, .descriptors = {}});
    }
    dice.Shuffle(writes);
    while (!writes.empty()) {
      const size_t keep = dice.Below(writes.size());
      Apply({writes.begin() + static_cast<ptrdiff_t>(keep), writes.end()});
      writes.resize(keep);
      if (dice.OneIn(3)) ExpectFresh(dice);
    }
    EXPECT_THAT(Everything(*engine_), ::testing::IsEmpty());
    ExpectFresh(dice);
  }

  std::unique_ptr<Engine> fresh_;
  std::map<Identity, Write> live_;
};

}  // namespace unirust::shard
