// Keys and values of rows, written and read back: store/keys.*, store/rows.*.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/benches.h"
#include "bench/micro/inputs.h"
#include "resolve/evidence.h"
#include "resolve/indexes.h"
#include "store/keys.h"
#include "store/rows.h"

namespace unirust::bench {
namespace {

constexpr size_t kInputs = 1024;  // one an iteration, in turn: in the processor's caches

std::vector<StoredRecord> Records() { return Compiled().Stored(Writes(kInputs)); }

// The keys of one family that the indexes have of the records.
template <typename Key>
std::vector<Key> IndexKeys(store::Family family) {
  std::vector<Key> out;
  for (const StoredRecord& record : Records()) {
    resolve::ForEachIndexRow(record.id, record.row,
                             [&](store::Family of, const std::string& key, const std::string&) {
                               if (of == family) out.push_back(Key::Decode(key).value());
                             });
  }
  out.resize(kInputs);
  return out;
}

std::vector<store::GroupKey> GroupKeys() {
  Compiled compiled;
  std::vector<store::GroupKey> out;
  for (const StoredRecord& record : compiled.Stored(Writes(kInputs))) {
    for (uint16_t key = 0; key < compiled.rules().levels(); ++key) {
      const resolve::KeyRule& rule = compiled.rules().keys()[key];
      if (!rule.types.Has(record.row.entity_type)) continue;
      for (const resolve::KeyInstance& instance :
           Must(resolve::KeyInstances(rule, record.row.descriptors, compiled.rules()))) {
        out.push_back({.entity_type = record.row.entity_type,
                       .identity_key = key,
                       .values = store::EncodeValues(instance.values)});
      }
    }
  }
  out.resize(kInputs);
  return out;
}

std::vector<store::NameKey> NameKeys() {
  std::vector<store::NameKey> out;
  for (const StoredRecord& record : Records()) out.push_back({store::NameOf(record.id)});
  out.resize(kInputs);
  return out;
}

std::vector<store::RecordRow> RecordRows() {
  std::vector<store::RecordRow> out;
  for (StoredRecord& record : Records()) out.push_back(std::move(record.row));
  out.resize(kInputs);
  return out;
}

// Groups of so many pieces: whoever comes next holds it for as long as its last descriptor holds.
std::vector<store::GroupRow> GroupRows(size_t pieces) {
  const std::vector<StoredRecord> records = Records();
  std::vector<store::GroupRow> out(kInputs);
  size_t next = 0;
  for (store::GroupRow& row : out) {
    for (size_t i = 0; i < pieces; ++i) {
      const StoredRecord& record = records[next++ % records.size()];
      row.pieces.push_back({record.row.descriptors.back().interval, record.id});
    }
    std::sort(row.pieces.begin(), row.pieces.end());
  }
  return out;
}

template <typename Thing>
std::vector<std::string> EncodedAll(const std::vector<Thing>& things) {
  std::vector<std::string> out;
  for (const Thing& thing : things) out.push_back(thing.Encode());
  return out;
}

// Calls `use(input)` for one input an iteration.
template <typename Input, typename Use>
void ForEachInput(benchmark::State& state, const std::vector<Input>& inputs, const Use& use) {
  size_t next = 0;
  for (auto _ : state) {
    use(inputs[next]);
    next = next + 1 < inputs.size() ? next + 1 : 0;
  }
  state.SetItemsProcessed(state.iterations());
}

template <typename Thing>
void RegisterEncode(const std::string& name, const std::vector<Thing>& things) {
  const auto inputs = std::make_shared<const std::vector<Thing>>(things);
  benchmark::RegisterBenchmark(("encode/" + name).c_str(), [inputs](benchmark::State& state) {
    ForEachInput(state, *inputs, [](const Thing& thing) {
      std::string bytes = thing.Encode();
      benchmark::DoNotOptimize(bytes);
    });
  });
}

template <typename Key>
void RegisterKey(const std::string& name, const std::vector<Key>& keys) {
  RegisterEncode(name, keys);
  const auto inputs = std::make_shared<const std::vector<std::string>>(EncodedAll(keys));
  benchmark::RegisterBenchmark(("decode/" + name).c_str(), [inputs](benchmark::State& state) {
    ForEachInput(state, *inputs, [](const std::string& bytes) {
      auto key = Key::Decode(bytes);
      benchmark::DoNotOptimize(key);
    });
  });
}

// Into a new row, as rows are read that a batch keeps; `again`: into one row, as sweeps do.
template <typename Row>
void RegisterRow(const std::string& name, const std::vector<Row>& rows, bool again) {
  RegisterEncode(name, rows);
  const auto inputs = std::make_shared<const std::vector<std::string>>(EncodedAll(rows));
  benchmark::RegisterBenchmark(("decode/" + name).c_str(), [inputs](benchmark::State& state) {
    ForEachInput(state, *inputs, [](const std::string& bytes) {
      Row row;
      bool sound = Row::Decode(bytes, &row);
      benchmark::DoNotOptimize(sound);
      benchmark::DoNotOptimize(row);
    });
  });
  if (!again) return;
  benchmark::RegisterBenchmark(("decode/" + name + "/again").c_str(),
                               [inputs](benchmark::State& state) {
                                 Row row;
                                 ForEachInput(state, *inputs, [&](const std::string& bytes) {
                                   bool sound = Row::Decode(bytes, &row);
                                   benchmark::DoNotOptimize(sound);
                                   benchmark::DoNotOptimize(row);
                                 });
                               });
}

// The bytes of a value in keys. `long_ones`: such that are too long to be in them verbatim.
void RegisterValue(const std::string& name, bool long_ones) {
  std::vector<std::string> values;
  for (const store::RecordRow& row : RecordRows()) {
    std::string all;
    for (const store::StoredDescriptor& d : row.descriptors) all += d.value;
    values.push_back(long_ones ? all + all : row.descriptors.front().value);
  }
  const auto inputs = std::make_shared<const std::vector<std::string>>(std::move(values));
  benchmark::RegisterBenchmark(("encode/" + name).c_str(), [inputs](benchmark::State& state) {
    ForEachInput(state, *inputs, [](const std::string& value) {
      std::string bytes = store::EncodeValue(value);
      benchmark::DoNotOptimize(bytes);
    });
  });
}

}  // namespace

void RegisterCodecs(const Sizes& /*sizes*/) {
  RegisterValue("value", false);
  RegisterValue("long_value", true);
  RegisterKey("attribute_value_key",
              IndexKeys<store::AttributeValueKey>(store::Family::kAttributeValues));
  RegisterKey("source_key", IndexKeys<store::SourceKey>(store::Family::kSources));
  RegisterKey("group_key", GroupKeys());
  RegisterKey("name_key", NameKeys());
  RegisterRow("record_row", RecordRows(), true);
  for (const size_t pieces : {1, 8, 100}) {
    RegisterRow("group_row/pieces:" + std::to_string(pieces), GroupRows(pieces), false);
  }
}

}  // namespace unirust::bench
