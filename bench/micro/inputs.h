// What the benchmarks work on: writes of a workload (docs/scale.md), the same in every run, in the
// forms that the parts of the store take them in. Whatever fails ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mutex.h"
#include "interner/interner.h"
#include "model/record.h"
#include "resolve/rules.h"
#include "resolve/working_set.h"
#include "shard/engine.h"
#include "store/rows.h"
#include "store/store.h"
#include "workload/generator.h"

namespace unirust::bench {

inline constexpr uint64_t kSeed = 1;  // of everything

void Must(const absl::Status& status);

template <typename T>
T Must(absl::StatusOr<T> result) {
  Must(result.status());
  return *std::move(result);
}

// The writes at positions [first, first + count) of the order of arrival.
std::vector<Write> Writes(const workload::Generator& generator, uint64_t first, uint64_t count);
// Those of a workload of so many records.
std::vector<Write> Writes(uint64_t records);

// So many distinct values of the attribute, sorted.
std::vector<std::string> Values(std::string_view attribute, size_t count);

// The value of a write's first descriptor of the attribute; null if it has none.
const std::string* ValueOf(const Write& write, std::string_view attribute);

// A record as the store keeps it.
struct StoredRecord {
  RecordId id;
  store::RecordRow row;
};

// The workload's ontology, compiled, with an interner whose symbols are in memory only.
class Compiled {
 public:
  Compiled();
  const resolve::Rules& rules() const { return *rules_; }
  interner::Interner& interner() { return interner_; }
  // The position of an identity key.
  uint16_t KeyNamed(std::string_view name) const;

  interner::SymbolId Symbol(std::string_view text);
  StoredRecord Stored(Write write);
  // The live records of the writes, each identity once.
  std::vector<StoredRecord> Stored(std::vector<Write> writes);

 private:
  // Nothing is on disk.
  class NoJournal : public interner::Journal {
   public:
    absl::StatusOr<std::optional<interner::SymbolId>> LoadSymbol(std::string_view text) override;
    absl::StatusOr<std::string> LoadText(interner::SymbolId id) override;
    absl::StatusOr<interner::SymbolId> LoadLast() override;
  };

  NoJournal journal_;
  interner::Interner interner_{journal_};
  store::Batch symbols_;
  std::optional<resolve::Rules> rules_;
};

// The record has this row from now on, as if it was written in the batch.
void Put(StoredRecord record, resolve::WorkingSet& rows);

// An empty store in a directory of its own.
class TemporaryStore {
 public:
  TemporaryStore()
      : directory_(Must(TemporaryDirectory::Create())),
        store_(Must(store::Store::Open({.dir = directory_->path() + "/data"}))) {}
  store::Store& operator*() const { return *store_; }
  store::Store* operator->() const { return store_.get(); }

 private:
  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<store::Store> store_;
};

// The same with all of the engine.
class TemporaryEngine {
 public:
  explicit TemporaryEngine(std::string_view ontology_json = workload::Ontology());
  shard::Engine* operator->() const { return engine_.get(); }
  std::string data_dir() const { return directory_->path() + "/data"; }

  void Ingest(std::vector<Write> writes);  // in commits of the usual size
  void Ingest(const workload::Generator& generator, uint64_t first, uint64_t count);
  void Close() { engine_.reset(); }  // what is stored stays

 private:
  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<shard::Engine> engine_;
};

// What several benchmarks, or several runs of one, work on: made when the first of them asks for
// it. Thread-safe.
template <typename T>
class Shared {
 public:
  explicit Shared(std::function<std::unique_ptr<T>()> make) : make_(std::move(make)) {}
  T& Get() {
    MutexLock lock(mutex_);
    if (value_ == nullptr) value_ = make_();
    return *value_;
  }

 private:
  const std::function<std::unique_ptr<T>()> make_;
  Mutex mutex_;
  std::unique_ptr<T> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::bench
