// What a commit of 1,000 records writes to the indexes: the rows made (resolve/indexes.*), gathered
// (store/batch.*), and committed: sorted, logged, put into memtables (store/store.cc,
// store/rocks_memtable.*) and synced.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"
#include "resolve/indexes.h"
#include "resolve/working_set.h"
#include "store/batch.h"

namespace unirust::bench {
namespace {

constexpr size_t kRecords = limits::kCommitRecordsMax;

// A store with no record, a store with the records of the commit as they were, and the commit.
class WrittenRecords {
 public:
  WrittenRecords() {
    std::vector<StoredRecord> records = compiled_.Stored(Writes(kRecords * 11 / 10));
    records.resize(kRecords);
    resolve::WorkingSet before(old_->Latest(), compiled_.rules());
    for (const StoredRecord& record : records) Put(record, before);
    store::Batch batch;
    before.FlushRecords(batch);
    resolve::WriteIndexes(before, batch);
    old_->Commit(std::move(batch));
    fresh_ = std::make_unique<resolve::WorkingSet>(none_->Latest(), compiled_.rules());
    for (const StoredRecord& record : records) Put(record, *fresh_);
    rewritten_ = std::make_unique<resolve::WorkingSet>(old_->Latest(), compiled_.rules());
    for (StoredRecord& record : records) {
      record.row.descriptors.back().value += " 2";
      Put(std::move(record), *rewritten_);
    }
    Must(rewritten_->status());
  }

  const resolve::WorkingSet& fresh() const { return *fresh_; }
  const resolve::WorkingSet& rewritten() const { return *rewritten_; }

 private:
  Compiled compiled_;
  TemporaryStore none_;
  TemporaryStore old_;
  std::unique_ptr<resolve::WorkingSet> fresh_;      // all records are new
  std::unique_ptr<resolve::WorkingSet> rewritten_;  // one value of each is another one
};

void RegisterIndexRows(const std::shared_ptr<Shared<WrittenRecords>>& shared,
                       const std::string& name, bool fresh) {
  benchmark::RegisterBenchmark(("index_rows/" + name).c_str(), [=](benchmark::State& state) {
    const WrittenRecords& records = shared->Get();
    const resolve::WorkingSet& rows = fresh ? records.fresh() : records.rewritten();
    for (auto _ : state) {
      store::Batch batch;
      resolve::WriteIndexes(rows, batch);
      benchmark::DoNotOptimize(batch);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRecords));
  })->Unit(benchmark::kMicrosecond);
}

// The index rows of other records each time.
void CommitAll(benchmark::State& state) {
  TemporaryStore store;
  Compiled compiled;
  const auto commits = static_cast<uint64_t>(state.max_iterations);
  const workload::Generator generator({.records = commits * kRecords, .seed = kSeed});
  std::vector<store::Batch> batches(commits);
  for (uint64_t i = 0; i < commits; ++i) {
    for (Write& write : Writes(generator, i * kRecords, kRecords)) {
      const StoredRecord record = compiled.Stored(std::move(write));
      resolve::ForEachIndexRow(
          record.id, record.row,
          [&](store::Family family, const std::string& key, const std::string& value) {
            batches[i].Put(family, key, value);
          });
    }
  }
  size_t next = 0;
  for (auto _ : state) store->Commit(std::move(batches[next++]));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRecords));
}

}  // namespace

void RegisterCommits(const Sizes& sizes) {
  const auto shared =
      std::make_shared<Shared<WrittenRecords>>([] { return std::make_unique<WrittenRecords>(); });
  RegisterIndexRows(shared, "fresh", true);
  RegisterIndexRows(shared, "rewritten", false);
  benchmark::RegisterBenchmark("index_rows/commit", CommitAll)
      ->Iterations(sizes.commits)
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace unirust::bench
