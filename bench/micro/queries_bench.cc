// A page of a query of two pairs, from a snapshot taken for it: shard/view.cc, resolve/query.*,
// resolve/postings.*.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"

namespace unirust::bench {
namespace {

constexpr Interval kYear{20200101, 20210101};

class QueriedStore {
 public:
  explicit QueriedStore(uint64_t records) {
    std::vector<Write> writes = Writes(records);
    for (const Write& write : writes) {
      const std::string* email = ValueOf(write, "email");
      const std::string* role = ValueOf(write, "role");
      if (email != nullptr && role != nullptr && *role == "admin") emails_.push_back(*email);
    }
    if (emails_.empty()) Die(kExitFailure, "nobody is an admin");
    engine_.Ingest(std::move(writes));
  }

  const std::vector<std::string>& emails_of_admins() const { return emails_; }

  // Returns how many entities match.
  size_t Ask(const std::vector<AttributeValue>& pairs) {
    const shard::View view = engine_->Read();
    const Page<Match> page = Must(view.FindEntities(pairs, kYear, 0, ""));
    return page.items.size();
  }

 private:
  TemporaryEngine engine_;
  std::vector<std::string> emails_;
};

using Pairs = std::vector<AttributeValue>;

benchmark::Counter Average(uint64_t of_all) {
  return {static_cast<double>(of_all), benchmark::Counter::kAvgIterations};
}

// `pairs_of(email)`: what is asked for, with the e-mail of another admin each time.
template <typename PairsOf>
void RegisterQuery(const std::shared_ptr<Shared<QueriedStore>>& shared, const std::string& name,
                   const PairsOf& pairs_of) {
  benchmark::RegisterBenchmark(("query/" + name).c_str(), [=](benchmark::State& state) {
    QueriedStore& store = shared->Get();
    std::vector<Pairs> queries;
    for (const std::string& email : store.emails_of_admins()) queries.push_back(pairs_of(email));
    size_t next = 0;
    size_t matches = 0;
    const uint64_t rows_before = store::RowsRead();
    for (auto _ : state) {
      matches += store.Ask(queries[next]);
      next = next + 1 < queries.size() ? next + 1 : 0;
    }
    const uint64_t rows = store::RowsRead() - rows_before;
    state.SetItemsProcessed(state.iterations());
    state.counters["matches"] = Average(matches);
    state.counters["rows_read"] = Average(rows);
  })->Unit(benchmark::kMicrosecond);
}

}  // namespace

void RegisterQueries(const Sizes& sizes) {
  const uint64_t records = sizes.queried_records;
  const auto shared = std::make_shared<Shared<QueriedStore>>(
      [records] { return std::make_unique<QueriedStore>(records); });
  RegisterQuery(shared, "email", [](const std::string& email) { return Pairs{{"email", email}}; });
  RegisterQuery(shared, "email_and_role", [](const std::string& email) {
    return Pairs{{"email", email}, {"role", "admin"}};
  });
  RegisterQuery(shared, "role_and_country", [](const std::string& /*email*/) {
    return Pairs{{"role", "admin"}, {"country", "DE"}};
  });
  RegisterQuery(shared, "country_and_role", [](const std::string& /*email*/) {
    return Pairs{{"country", "DE"}, {"role", "admin"}};
  });
}

}  // namespace unirust::bench
