// Clusters that live through faults, each from a seed: the same seed, the same life.
//
//   scripts/sim --seeds 10000 [--first 1]
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/sim/world.h"

namespace unirust::sim {
namespace {

TEST(Simulation, WhateverHappensTheAnswersAreThoseOfOneStoreWithoutFaults) {
  const uint64_t first = FromEnvironment("UNIRUST_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("UNIRUST_SIM_SEEDS", 1000);
  size_t kills = 0;
  size_t acknowledged = 0;
  size_t views = 0;
  size_t moves = 0;
  size_t purges = 0;
  size_t grown = 0;
  size_t shrunk = 0;
  uint64_t seconds = 0;
  for (uint64_t seed = first; seed < first + seeds && !HasFailure(); ++seed) {
    World world(seed);
    world.Live();
    if (HasFailure()) ADD_FAILURE() << "UNIRUST_SIM_SEEDS=1 UNIRUST_FIRST_SEED=" << seed;
    kills += world.kills();
    acknowledged += world.acknowledged();
    views += world.views();
    moves += world.moves();
    purges += world.purges();
    grown += world.grown();
    shrunk += world.shrunk();
    seconds += world.micros() / 1'000'000;
  }
  std::printf(
      "%llu seeds: %zu requests acknowledged, %zu processes killed, %zu plans of slots, "
      "%zu parts more, %zu less, %zu purges, %zu views checked, %llu simulated seconds\n",
      static_cast<unsigned long long>(seeds), acknowledged, kills, moves, grown, shrunk, purges,
      views, static_cast<unsigned long long>(seconds));
  EXPECT_GT(acknowledged, 0U);
  if (seeds < 100) return;
  EXPECT_GT(kills, seeds);
  EXPECT_GT(views, seeds);
  EXPECT_GT(moves, seeds);
  EXPECT_GT(purges, seeds / 4);
  EXPECT_GT(grown, seeds / 4);
  EXPECT_GT(shrunk, seeds / 20);
}

}  // namespace
}  // namespace unirust::sim
