// Two blocks become one: what they say under strong identifiers is compared, and they are united if
// nothing clashes (docs/resolution.md, 3). resolve/signature.*, and resolve/uniting.cc as part of a
// batch.
#include <benchmark/benchmark.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"
#include "ontology/ontology.h"
#include "resolve/resolver.h"
#include "resolve/signature.h"
#include "resolve/working_set.h"
#include "shard/meta_keys.h"
#include "store/symbols.h"

namespace unirust::bench {
namespace {

using resolve::Signature;
using resolve::StrongCounts;

constexpr size_t kRowsMax = 32;

// Where the strong rows of a block differ.
enum class Spread {
  kSources,  // in their sources: each is compared with one of the other block
  kTimes,    // in their times: one after the other, under one identifier of one domain
};

// `later`: the same rows, each beginning so much later within its time.
StrongCounts StrongRows(size_t count, Spread spread, Instant later) {
  constexpr Instant kLength = 100;
  const std::vector<std::string> values = Values("tax_id", count);
  Signature out;
  for (size_t i = 0; i < count; ++i) {
    store::StrongRow row{.identifier = 0, .domain = {}, .interval = {}, .values = {values[i]}};
    if (spread == Spread::kSources) {
      row.domain = interner::SymbolId(static_cast<uint32_t>(i + 1));
    } else {
      row.interval.start = static_cast<Instant>(i) * kLength + later;
      row.interval.end = static_cast<Instant>(i + 1) * kLength;
    }
    out.push_back(std::move(row));
  }
  resolve::Normalize(out);
  return resolve::CountsOf(out);
}

// The comparison alone. All rows are looked at: nothing clashes.
void RegisterClash(const std::string& name, size_t rows, Spread spread) {
  const Signature one = resolve::SignatureOf(StrongRows(rows, spread, 0));
  const Signature other = resolve::SignatureOf(StrongRows(rows, spread, 10));
  benchmark::RegisterBenchmark(("union/clash" + name).c_str(), [=](benchmark::State& state) {
    bool clash = false;
    for (auto _ : state) {
      clash = resolve::Clash(one, other);
      benchmark::DoNotOptimize(clash);
    }
    if (clash) Die(kExitFailure, "they clash");
    state.SetItemsProcessed(state.iterations());
  });
}

// The signatures of two blocks are made and compared, and that of both together is counted.
void RegisterMerge(const std::string& name, size_t rows, Spread spread) {
  const StrongCounts one = StrongRows(rows, spread, 0);
  const StrongCounts other = StrongRows(rows, spread, 10);
  benchmark::RegisterBenchmark(("union/merge" + name).c_str(), [=](benchmark::State& state) {
    for (auto _ : state) {
      bool clash = resolve::Clash(resolve::SignatureOf(one), resolve::SignatureOf(other));
      StrongCounts both = one;
      resolve::Add(other, &both);
      benchmark::DoNotOptimize(clash);
      benchmark::DoNotOptimize(both);
    }
    state.SetItemsProcessed(state.iterations());
  });
}

// Pairs of blocks in a store, of so many records and strong rows each, and for each pair a record
// that tells of both.
class StoredPairs {
 public:
  StoredPairs(size_t pairs, size_t rows) : emails_(Values("email", 2 * pairs)) {
    const std::vector<std::string> tax_ids = Values("tax_id", pairs);
    std::vector<Write> writes;
    for (size_t block = 0; block < emails_.size(); ++block) {
      for (size_t source = 0; source < rows; ++source) {
        Write write;
        write.identity = IdentityOf(block, source);
        write.descriptors = {{"email", emails_[block], {}}, {"tax_id", tax_ids[block / 2], {}}};
        writes.push_back(std::move(write));
      }
    }
    engine_.Ingest(std::move(writes));
    engine_.Close();
    store_ = Must(store::Store::Open({.dir = engine_.data_dir()}));
    journal_ = std::make_unique<store::SymbolJournal>(*store_);
    interner_ = std::make_unique<interner::Interner>(*journal_);
    store::Batch known;
    rules_ =
        Must(resolve::Rules::Compile(Must(ontology::ParseOntology(kOntology)), *interner_, known));
    std::string bytes;
    const bool found =
        Must(store_->Latest().Get(store::Family::kMeta, shard::kCountersKey, &bytes));
    if (!found || !store::CountersRow::Decode(bytes, &counters_)) {
      Die(kExitFailure, "no counters are stored");
    }
    MakeLinks();
  }

  size_t size() const { return links_.size(); }

  // Resolves a batch of a link for each pair. Returns how many entities fewer there are.
  uint64_t UniteAll() const {
    resolve::WorkingSet rows(store_->Latest(), *rules_);
    std::vector<RecordId> ids;
    for (const StoredRecord& link : links_) ids.push_back(link.id);
    rows.PreloadRecords(ids);
    for (const StoredRecord& link : links_) Put(link, rows);
    store::CountersRow counters = counters_;
    store::Batch batch;
    Must(resolve::Resolve(rows, *interner_, &counters, &batch));
    return counters_.entities - counters.entities;
  }

 private:
  static constexpr char kOntology[] = R"({
    "identity_keys": [{"name": "email", "attributes": ["email"]}],
    "strong_identifiers": [{"attribute": "tax_id", "scope": "perspective"}],
    "attributes": {"email": {"multi_valued": true}}
  })";

  static Identity IdentityOf(size_t block, size_t source) {
    return {"person", "source " + std::to_string(source), std::to_string(block)};
  }

  // Of each second block the first record, which now has the e-mail of the block before, too.
  void MakeLinks() {
    resolve::WorkingSet rows(store_->Latest(), *rules_);
    for (size_t block = 1; block < emails_.size(); block += 2) {
      const Identity identity = IdentityOf(block, 0);
      const auto type = Must(interner_->Find(identity.entity_type)).value();
      const auto perspective = Must(interner_->Find(identity.perspective)).value();
      const RecordId id = rows.FindRecord(identity, type, perspective).value();
      StoredRecord link{.id = id, .row = rows.Record(id).row.now()};
      store::StoredDescriptor more = link.row.descriptors.front();
      more.value = emails_[block - 1];
      link.row.descriptors.insert(link.row.descriptors.begin(), more);  // before its own
      links_.push_back(std::move(link));
    }
    Must(rows.status());
  }

  const std::vector<std::string> emails_;  // of each block one, sorted
  TemporaryEngine engine_{kOntology};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::SymbolJournal> journal_;
  std::unique_ptr<interner::Interner> interner_;
  std::optional<resolve::Rules> rules_;
  store::CountersRow counters_;
  std::vector<StoredRecord> links_;
};

void RegisterResolve(size_t pairs, size_t rows) {
  const auto shared = std::make_shared<Shared<StoredPairs>>(
      [=] { return std::make_unique<StoredPairs>(pairs, rows); });
  benchmark::RegisterBenchmark(
      ("union/resolve/rows:" + std::to_string(rows)).c_str(),
      [shared](benchmark::State& state) {
        const StoredPairs& stored = shared->Get();
        uint64_t united = 0;
        for (auto _ : state) united = stored.UniteAll();
        if (united != stored.size()) Die(kExitFailure, "not all united");
        state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(stored.size()));
      })
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace

void RegisterUnions(const Sizes& sizes) {
  for (const Spread spread : {Spread::kSources, Spread::kTimes}) {
    for (const size_t rows : {size_t{1}, size_t{4}, kRowsMax}) {
      const std::string name = (spread == Spread::kSources ? "/sources" : "/times") +
                               std::string("/rows:") + std::to_string(rows);
      RegisterClash(name, rows, spread);
      RegisterMerge(name, rows, spread);
    }
  }
  for (const size_t rows : {size_t{1}, size_t{4}, kRowsMax}) RegisterResolve(sizes.pairs, rows);
}

}  // namespace unirust::bench
