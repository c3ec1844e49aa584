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

#include "tests/shard/engine_fixture.h"
#include "tests/shard/findings.h"

namespace unirust::shard {

inline uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

// What is random about one history; the standard distributions differ between libraries, so none is
// used.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  size_t Below(size_t count) { return random_() % count; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename T>
  void Shuffle(std::vector<T>& list) {
    for (size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[Below(i)]);
  }

 private:
  std::mt19937_64 random_;
};

// Calls history(dice) for as many seeds as the environment variable says, else for `usual`, until a test fails.
inline void ForEachSeed(const char* count, const std::function<void(Dice&)>& history,
                        uint64_t usual = 10) {
  const uint64_t first = FromEnvironment("UNIRUST_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment(count, usual);
  for (uint64_t seed = first; seed < first + seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("UNIRUST_FIRST_SEED=" + std::to_string(seed));
    Dice dice(seed);
    history(dice);
  }
}

inline const std::vector<std::string> kAttributes = {"a", "b", "c", "d"};

inline ontology::Ontology RandomOntology(Dice& dice) {
  ontology::Ontology out;
  const size_t keys = 1 + dice.Below(4);
  for (size_t k = 0; k < keys; ++k) {
    ontology::IdentityKey key;
    key.name = "key" + std::to_string(k);
    key.attributes = {kAttributes[dice.OneIn(4) ? dice.Below(4) : k]};
    const std::string& second = kAttributes[dice.Below(4)];
    if (dice.OneIn(5) && second != key.attributes[0]) key.attributes.push_back(second);
    if (dice.OneIn(3)) key.max_group = 1 + dice.Below(6);
    key.hold = dice.OneIn(4);
    out.identity_keys.push_back(std::move(key));
  }
  out.strong_identifiers.push_back(
      {.attribute = "s",
       .scope = dice.OneIn(2) ? ontology::Scope::kGlobal : ontology::Scope::kPerspective,
       .entity_types = {}});
  if (dice.OneIn(2)) {
    out.strong_identifiers.push_back(
        {.attribute = "t", .scope = ontology::Scope::kGlobal, .entity_types = {}});
  }
  out.attributes["s"].multi_valued = dice.OneIn(3);
  out.constraints.push_back({.name = "one_a",
                             .attribute = "a",
                             .kind = ontology::ConstraintKind::kUnique,
                             .entity_types = {}});
  return out;
}

inline Interval RandomInterval(Dice& dice) {
  if (!dice.OneIn(3)) return kAlways;
  const auto start = static_cast<Instant>(dice.Below(8));
  const Interval bounded{start, start + 1 + static_cast<Instant>(dice.Below(5))};
  if (dice.OneIn(4)) return {kMinTime, bounded.end};
  return dice.OneIn(4) ? Interval{bounded.start, kMaxTime} : bounded;
}

// How much the records of a history have in common.
struct Crowd {
  size_t uids = 8;       // of each perspective
  size_t values = 4;     // of an attribute
  size_t held_max = 2;   // values that a record holds of an attribute
  size_t strong_in = 2;  // one record in so many has a strong identifier
};
// Nearly all become one entity by the first key.
inline constexpr Crowd kDense;
// Every key makes blocks of its own, which the next ones unite.
inline constexpr Crowd kSparse = {.uids = 12, .values = 8, .held_max = 1, .strong_in = 10};

inline std::vector<Descriptor> RandomDescriptors(Dice& dice, const Crowd& crowd) {
  std::vector<Descriptor> out;
  for (const std::string& attribute : kAttributes) {
    for (size_t n = dice.Below(crowd.held_max + 1); n > 0; --n) {
      out.push_back({attribute, std::to_string(dice.Below(crowd.values)), RandomInterval(dice)});
    }
  }
  for (const char* attribute : {"s", "t"}) {
    for (size_t n = dice.OneIn(crowd.strong_in) ? 1 + dice.Below(2) : 0; n > 0; --n) {
      out.push_back({attribute, std::to_string(dice.Below(3)), RandomInterval(dice)});
    }
  }
  return out;
}

inline Write RandomWrite(Dice& dice, const Crowd& crowd = kDense) {
  Write write =
      Person("p" + std::to_string(dice.Below(3)), std::to_string(dice.Below(crowd.uids)));
  write.retract = dice.OneIn(4);
  if (!write.retract) write.descriptors = RandomDescriptors(dice, crowd);
  return write;
}

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
