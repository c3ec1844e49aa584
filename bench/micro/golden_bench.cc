// The golden record of an entity: resolve/golden.*.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"
#include "resolve/golden.h"
#include "resolve/names.h"

namespace unirust::bench {
namespace {

// Whose records an entity is made of.
enum class Whose {
  kOnePerson,   // those of a person, again and again: what workloads have, with their conflicts
  kManyPeople,  // each of another one: every value is disputed
};

// Entities of so many records.
class Entities {
 public:
  Entities(size_t records, Whose whose) {
    // By phone, which all records of a person tell.
    std::map<std::string, std::vector<store::RecordRow>> people;
    const interner::SymbolId phone = compiled_.Symbol("phone");
    std::vector<store::RecordRow> all;
    for (StoredRecord& record : compiled_.Stored(Writes(kRecords))) {
      for (const store::StoredDescriptor& d : record.row.descriptors) {
        if (d.attribute != phone) continue;
        people[d.value].push_back(record.row);
        all.push_back(std::move(record.row));
        break;
      }
    }
    size_t next = 0;
    for (const auto& [key, own] : people) {
      if (own.size() < 2) continue;
      if (rows_.size() == kEntities) break;
      const std::vector<store::RecordRow>& from = whose == Whose::kOnePerson ? own : all;
      if (whose == Whose::kOnePerson) next = 0;
      std::vector<store::RecordRow>& entity = rows_.emplace_back();
      for (size_t i = 0; i < records; ++i) entity.push_back(from[next++ % from.size()]);
    }
    if (rows_.empty()) Die(kExitFailure, "nobody has two records");
    for (const auto& entity : rows_) {
      auto& pointers = entities_.emplace_back();
      for (const store::RecordRow& row : entity) pointers.push_back(&row);
    }
  }

  const std::vector<std::vector<const store::RecordRow*>>& all() const { return entities_; }
  Compiled& compiled() { return compiled_; }

 private:
  static constexpr uint64_t kRecords = 4400;
  static constexpr size_t kEntities = 64;

  Compiled compiled_;
  std::vector<std::vector<store::RecordRow>> rows_;
  std::vector<std::vector<const store::RecordRow*>> entities_;
};

void RegisterEntities(const std::string& name, size_t records, Whose whose) {
  const auto shared = std::make_shared<Shared<Entities>>(
      [=] { return std::make_unique<Entities>(records, whose); });
  const std::string full = "golden/" + name + "/records:" + std::to_string(records);
  benchmark::RegisterBenchmark(full.c_str(), [shared](benchmark::State& state) {
    Entities& entities = shared->Get();
    resolve::Names names(entities.compiled().interner());
    resolve::GoldenMaker maker(entities.compiled().rules());
    size_t next = 0;
    for (auto _ : state) {
      auto golden = maker.Of(entities.all()[next], names);
      benchmark::DoNotOptimize(golden);
      next = next + 1 < entities.all().size() ? next + 1 : 0;
    }
    Must(names.status());
    state.SetItemsProcessed(state.iterations());
  });
}

}  // namespace

void RegisterGolden(const Sizes& /*sizes*/) {
  for (const size_t records : {2, 10, 100}) {
    RegisterEntities("one_person", records, Whose::kOnePerson);
  }
  for (const size_t records : {2, 10, 100}) {
    RegisterEntities("many_people", records, Whose::kManyPeople);
  }
}

}  // namespace unirust::bench
