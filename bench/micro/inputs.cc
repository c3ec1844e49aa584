#include "bench/micro/inputs.h"

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_set.h"
#include "base/limits.h"
#include "ontology/ontology.h"

namespace unirust::bench {

void Must(const absl::Status& status) {
  if (!status.ok()) Die(kExitFailure, status.ToString());
}

std::vector<Write> Writes(const workload::Generator& generator, uint64_t first, uint64_t count) {
  std::vector<Write> out(count);
  for (uint64_t i = 0; i < count; ++i) generator.Make(first + i, &out[i]);
  return out;
}

std::vector<Write> Writes(uint64_t records) {
  const workload::Generator generator({.records = records, .seed = kSeed});
  return Writes(generator, 0, generator.writes());
}

const std::string* ValueOf(const Write& write, std::string_view attribute) {
  const auto found = std::find_if(write.descriptors.begin(), write.descriptors.end(),
                                  [&](const Descriptor& d) { return d.attribute == attribute; });
  return found == write.descriptors.end() ? nullptr : &found->value;
}

std::vector<std::string> Values(std::string_view attribute, size_t count) {
  constexpr uint64_t kRecordsMax = 1000000;
  std::vector<std::string> out;
  for (uint64_t records = 1100; out.size() < count; records *= 2) {
    if (records > kRecordsMax) Die(kExitFailure, "few records tell " + std::string(attribute));
    out.clear();
    for (const Write& write : Writes(records)) {
      if (const std::string* value = ValueOf(write, attribute)) out.push_back(*value);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
  }
  out.resize(count);
  return out;
}

absl::StatusOr<std::optional<interner::SymbolId>> Compiled::NoJournal::LoadSymbol(
    std::string_view /*text*/) {
  return std::nullopt;
}

absl::StatusOr<std::string> Compiled::NoJournal::LoadText(interner::SymbolId /*id*/) {
  return absl::DataLossError("unknown symbol");
}

absl::StatusOr<interner::SymbolId> Compiled::NoJournal::LoadLast() { return interner::SymbolId(); }

Compiled::Compiled() {
  const ontology::Ontology ontology = Must(ontology::ParseOntology(workload::Ontology()));
  rules_ = Must(resolve::Rules::Compile(ontology, interner_, symbols_));
}

uint16_t Compiled::KeyNamed(std::string_view name) const {
  const auto& keys = rules().keys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
  if (found == keys.end()) Die(kExitFailure, "no identity key " + std::string(name));
  return static_cast<uint16_t>(found - keys.begin());
}

interner::SymbolId Compiled::Symbol(std::string_view text) {
  return Must(interner_.Intern(text, symbols_));
}

StoredRecord Compiled::Stored(Write write) {
  Normalize(write.descriptors);
  const Identity& identity = write.identity;
  StoredRecord out;
  out.id = store::FirstAddress(identity.entity_type, identity.perspective, identity.uid).Id();
  out.row.entity_type = Symbol(identity.entity_type);
  out.row.perspective = Symbol(identity.perspective);
  out.row.uid = identity.uid;
  out.row.version = write.version.value_or(0);
  for (Descriptor& d : write.descriptors) {
    out.row.descriptors.push_back({Symbol(d.attribute), std::move(d.value), d.interval});
  }
  return out;
}

std::vector<StoredRecord> Compiled::Stored(std::vector<Write> writes) {
  absl::flat_hash_set<RecordId> known;
  std::vector<StoredRecord> out;
  out.reserve(writes.size());
  for (Write& write : writes) {
    if (write.retract) continue;
    StoredRecord record = Stored(std::move(write));
    if (known.insert(record.id).second) out.push_back(std::move(record));
  }
  return out;
}

void Put(StoredRecord record, resolve::WorkingSet& rows) {
  resolve::RecordState& state = rows.Record(record.id);
  state.row.Edit() = std::move(record.row);
  state.live_now = true;
  state.written = true;
  state.signature_now.reset();
}

TemporaryEngine::TemporaryEngine(std::string_view ontology_json)
    : directory_(Must(TemporaryDirectory::Create())) {
  shard::EngineOptions options;
  options.data_dir = data_dir();
  engine_ = Must(shard::Engine::Open(options));
  Must(engine_->SetOntology(Must(ontology::ParseOntology(ontology_json))));
}

void TemporaryEngine::Ingest(std::vector<Write> writes) {
  for (size_t first = 0; first < writes.size(); first += limits::kCommitRecordsMax) {
    const auto begin = writes.begin() + static_cast<ptrdiff_t>(first);
    const size_t count = std::min(limits::kCommitRecordsMax, writes.size() - first);
    Must(engine_->Ingest({std::make_move_iterator(begin),
                          std::make_move_iterator(begin + static_cast<ptrdiff_t>(count))}));
  }
}

void TemporaryEngine::Ingest(const workload::Generator& generator, uint64_t first, uint64_t count) {
  const uint64_t end = first + count;
  for (; first < end; first += limits::kCommitRecordsMax) {
    Ingest(Writes(generator, first, std::min<uint64_t>(limits::kCommitRecordsMax, end - first)));
  }
}

}  // namespace unirust::bench
