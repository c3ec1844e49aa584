// Random ontologies and writes, functions of a seed.
//
// UNIRUST_FIRST_SEED and a variable of each test choose the seeds; a failure prints its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "model/record.h"
#include "model/time.h"
#include "ontology/ontology.h"

namespace unirust {

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

// One in `dated_in` does not hold always.
inline Interval RandomInterval(Dice& dice, size_t dated_in = 3) {
  if (!dice.OneIn(dated_in)) return {kMinTime, kMaxTime};
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
  size_t dated_in = 3;   // one value in so many does not hold always
};
// Nearly all become one entity by the first key.
inline constexpr Crowd kDense;
// Every key makes blocks of its own, which the next ones unite.
inline constexpr Crowd kSparse = {
    .uids = 12, .values = 8, .held_max = 1, .strong_in = 10, .dated_in = 3};

inline std::vector<Descriptor> RandomDescriptors(Dice& dice, const Crowd& crowd) {
  std::vector<Descriptor> out;
  for (const std::string& attribute : kAttributes) {
    for (size_t n = dice.Below(crowd.held_max + 1); n > 0; --n) {
      out.push_back({attribute, std::to_string(dice.Below(crowd.values)),
                     RandomInterval(dice, crowd.dated_in)});
    }
  }
  for (const char* attribute : {"s", "t"}) {
    for (size_t n = dice.OneIn(crowd.strong_in) ? 1 + dice.Below(2) : 0; n > 0; --n) {
      out.push_back(
          {attribute, std::to_string(dice.Below(3)), RandomInterval(dice, crowd.dated_in)});
    }
  }
  return out;
}

inline Write RandomWrite(Dice& dice, const Crowd& crowd = kDense) {
  Write write{.identity = {"person", "p" + std::to_string(dice.Below(3)),
                           std::to_string(dice.Below(crowd.uids))},
              .version = {},
              .retract = dice.OneIn(4),
              .descriptors = {}};
  if (!write.retract) write.descriptors = RandomDescriptors(dice, crowd);
  return write;
}

}  // namespace unirust
