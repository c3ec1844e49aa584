// One piece more in a group: its row read, the piece put into its run, and the row written to a
// batch (docs/resolution.md, 6 and 8). resolve/working_set_groups.cc, resolve/links.*,
// resolve/piece_set.*.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"
#include "resolve/links.h"
#include "resolve/working_set.h"
#include "store/batch.h"

namespace unirust::bench {
namespace {

using resolve::GroupState;
using resolve::WorkingSet;
using store::Piece;

// Groups of so many pieces each in a store, and a piece more for each.
class StoredGroups {
 public:
  StoredGroups(uint64_t groups, size_t pieces)
      : type_(compiled_.Symbol("person")),
        key_(compiled_.KeyNamed("email")),
        values_(Values("email", groups)) {
    const std::vector<StoredRecord> records = compiled_.Stored(Writes(kRecords));
    WorkingSet rows(store_->Latest(), compiled_.rules());
    size_t next = 0;
    for (GroupState* group : Groups(rows)) {
      std::vector<Piece> some;
      for (size_t i = 0; i <= pieces; ++i) {
        const StoredRecord& record = records[next++ % records.size()];
        some.push_back({record.row.descriptors.back().interval, record.id});
      }
      more_.push_back(some.back());
      some.pop_back();
      std::sort(some.begin(), some.end());
      rows.EditPieces(*group, {}, std::move(some));
    }
    Must(rows.status());
    store::Batch batch;
    rows.FlushDerived(batch);
    store_->Commit(std::move(batch));
  }

  size_t size() const { return values_.size(); }

  // What a batch does that adds a piece to each.
  store::Batch AddPieces() const {
    WorkingSet rows(store_->Latest(), compiled_.rules());
    const std::vector<GroupState*> groups = Groups(rows);
    for (size_t i = 0; i < groups.size(); ++i) {
      GroupState& group = *groups[i];
      rows.EditPieces(group, {}, {more_[i]});
      if (group.by_runs() != nullptr) continue;  // a large one: the runs are found
      auto gained = resolve::GainedRuns(rows.EvidenceBefore(group), rows.EvidenceNow(group));
      benchmark::DoNotOptimize(gained);
    }
    store::Batch batch;
    rows.FlushDerived(batch);
    Must(rows.status());
    return batch;
  }

 private:
  static constexpr uint64_t kRecords = 4400;  // of which the pieces are

  std::vector<GroupState*> Groups(WorkingSet& rows) const {
    std::vector<GroupState*> out;
    std::vector<std::string_view> tuple(1);
    for (const std::string& value : values_) {
      tuple[0] = value;
      out.push_back(&rows.ExpectGroup(type_, key_, tuple));
    }
    rows.LoadExpectedGroups();
    return out;
  }

  Compiled compiled_;
  const interner::SymbolId type_;
  const uint16_t key_;
  const std::vector<std::string> values_;
  std::vector<Piece> more_;
  TemporaryStore store_;
};

}  // namespace

void RegisterRuns(const Sizes& sizes) {
  for (const size_t pieces : {1, 8, 100, 1000}) {
    const uint64_t groups = pieces > 100 ? sizes.groups / 10 : sizes.groups;
    const auto shared = std::make_shared<Shared<StoredGroups>>(
        [=] { return std::make_unique<StoredGroups>(groups, pieces); });
    benchmark::RegisterBenchmark(
        ("run/insert/pieces:" + std::to_string(pieces)).c_str(),
        [shared](benchmark::State& state) {
          const StoredGroups& stored = shared->Get();
          for (auto _ : state) {
            store::Batch batch = stored.AddPieces();
            benchmark::DoNotOptimize(batch);
          }
          state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(stored.size()));
        })
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace unirust::bench
