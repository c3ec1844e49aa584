// Symbols that are known: interner/ over store/symbols.*.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"
#include "interner/interner.h"
#include "store/batch.h"
#include "store/symbols.h"
#include "workload/random.h"

namespace unirust::bench {
namespace {

// Names of records in place of attributes and sources, of which no workload has so many.
class KnownSymbols {
 public:
  explicit KnownSymbols(size_t count) : journal_(*store_), interner_(journal_) {
    const workload::Generator generator({.records = count, .seed = kSeed});
    store::Batch created;
    Write write;
    for (uint64_t i = 0; texts_.size() < count; ++i) {
      generator.Make(i, &write);
      const std::string text = RecordName(write.identity);
      const interner::SymbolId last = interner_.Last();
      const interner::SymbolId id = Must(interner_.Intern(text, created));
      if (id <= last) continue;  // of a record that is written twice
      texts_.push_back(text);
      ids_.push_back(id);
    }
    store_->Commit(std::move(created));
    interner_.Committed(interner_.Last());
    for (const std::string& text : texts_) Must(interner_.Find(text));
  }

  interner::Interner& interner() { return interner_; }
  const std::vector<std::string>& texts() const { return texts_; }
  const std::vector<interner::SymbolId>& ids() const { return ids_; }

 private:
  TemporaryStore store_;
  store::SymbolJournal journal_;
  interner::Interner interner_;
  std::vector<std::string> texts_;
  std::vector<interner::SymbolId> ids_;
};

// Calls `look_up(symbols, i)` with a random i an iteration.
template <typename LookUp>
void LookUpEach(benchmark::State& state, Shared<KnownSymbols>& shared, const LookUp& look_up) {
  KnownSymbols& symbols = shared.Get();
  const workload::Random random(kSeed);
  const auto thread = static_cast<uint64_t>(state.thread_index());
  uint64_t number = 0;
  for (auto _ : state) {
    const uint64_t i = workload::Below(random(thread, number++), symbols.texts().size());
    look_up(symbols, i);
  }
  state.SetItemsProcessed(state.iterations());
}

void RegisterLookUps(size_t count) {
  const auto shared = std::make_shared<Shared<KnownSymbols>>(
      [count] { return std::make_unique<KnownSymbols>(count); });
  const std::string size = "/symbols:" + std::to_string(count);
  const auto find = [shared](benchmark::State& state) {
    LookUpEach(state, *shared, [](KnownSymbols& symbols, uint64_t i) {
      auto id = symbols.interner().Find(symbols.texts()[i]);
      benchmark::DoNotOptimize(id);
    });
  };
  const auto text = [shared](benchmark::State& state) {
    LookUpEach(state, *shared, [](KnownSymbols& symbols, uint64_t i) {
      auto found = symbols.interner().Text(symbols.ids()[i]);
      benchmark::DoNotOptimize(found);
    });
  };
  for (const int threads : {1, 2}) {
    benchmark::RegisterBenchmark(("interner/find" + size).c_str(), find)
        ->Threads(threads)
        ->UseRealTime();
  }
  for (const int threads : {1, 2}) {
    benchmark::RegisterBenchmark(("interner/text" + size).c_str(), text)
        ->Threads(threads)
        ->UseRealTime();
  }
}

}  // namespace

// The interner keeps limits::kSymbolCacheEntriesMax symbols in memory: twice `sizes.symbols` are
// more.
void RegisterInterner(const Sizes& sizes) {
  for (const size_t count : {size_t{100}, sizes.symbols, 2 * sizes.symbols}) RegisterLookUps(count);
}

}  // namespace unirust::bench
