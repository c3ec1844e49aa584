// The benchmarks of `unirust_micro`: each function registers those of one source file. What they
// measure is listed in docs/performance.md, Micro-benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unirust::bench {

// How much the benchmarks work on that fill a store first.
struct Sizes {
  size_t symbols = 50000;               // that are known; fewer than the interner keeps in memory
  uint64_t queried_records = 20000;     // in the store that is queried
  uint64_t preloaded_records = 100000;  // in the larger store that is ingested into
  int64_t batches = 20;                 // that are ingested
  int64_t commits = 50;                 // that are written
  uint64_t groups = 1000;               // that gain a piece in one batch
  uint64_t pairs = 200;                 // of blocks that one batch unites
};

// For one iteration of everything within seconds: that it works, no figures.
inline constexpr Sizes kSmallSizes = {.symbols = 100,
                                      .queried_records = 1100,
                                      .preloaded_records = 1100,
                                      .batches = 1,
                                      .commits = 1,
                                      .groups = 10,
                                      .pairs = 10};

void RegisterCodecs(const Sizes& sizes);
void RegisterInterner(const Sizes& sizes);
void RegisterRuns(const Sizes& sizes);
void RegisterUnions(const Sizes& sizes);
void RegisterGolden(const Sizes& sizes);
void RegisterQueries(const Sizes& sizes);
void RegisterCommits(const Sizes& sizes);
void RegisterIngest(const Sizes& sizes);

}  // namespace unirust::bench
