// The whole of a write, without the network: batches of 1,000 records, one after the other, each
// durable and resolved when the next one begins (shard/engine.h). CPU is that of all threads, those
// of RocksDB included.
#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"

namespace unirust::bench {
namespace {

// Into a store that has the first `known` writes.
void IngestAll(benchmark::State& state, uint64_t known) {
  constexpr uint64_t kRecords = limits::kCommitRecordsMax;
  const auto count = static_cast<uint64_t>(state.max_iterations);
  const workload::Generator generator({.records = known + count * kRecords, .seed = kSeed});
  TemporaryEngine engine;
  engine.Ingest(generator, 0, known);
  std::vector<std::vector<Write>> batches;
  for (uint64_t i = 0; i < count; ++i) {
    batches.push_back(Writes(generator, known + i * kRecords, kRecords));
  }
  size_t next = 0;
  for (auto _ : state) engine.Ingest(std::move(batches[next++]));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRecords));
}

}  // namespace

void RegisterIngest(const Sizes& sizes) {
  for (const uint64_t known : {uint64_t{0}, sizes.preloaded_records}) {
    benchmark::RegisterBenchmark(("ingest/records:" + std::to_string(known)).c_str(),
                                 [known](benchmark::State& state) { IngestAll(state, known); })
        ->Iterations(sizes.batches)
        ->MeasureProcessCPUTime()
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace unirust::bench
