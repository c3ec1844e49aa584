// Symbols: small integers for the strings that recur everywhere (entity types, perspectives,
// attributes). Incremental: a new symbol is handed to the journal, which persists it in the same
// commit that first uses it; nothing is ever loaded or written as a whole. Values are not interned:
// they are mostly unique, and a look-up costs more than the bytes
// (docs/decisions/0001-values-inline.md).
//
// Ids never leave the store and no order depends on them. Thread-safe; the cache is bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/strong_id.h"

namespace unirust::interner {

using SymbolId = StrongId<struct SymbolIdTag, uint32_t>;  // from 1; 0 is no symbol

// Where symbols live. Implemented by the store; must outlive the interner. Thread-safe.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual absl::StatusOr<std::optional<SymbolId>> LoadSymbol(std::string_view text) = 0;
  virtual absl::StatusOr<std::string> LoadText(SymbolId id) = 0;  // DATA_LOSS if unknown
  virtual absl::StatusOr<SymbolId> LoadLast() = 0;  // the highest id persisted, 0 if none
};

// Takes the symbols that Intern creates, in the caller's next commit.
class NewSymbols {
 public:
  virtual ~NewSymbols() = default;
  virtual void Add(SymbolId id, std::string_view text) = 0;
};

class Interner {
 public:
  explicit Interner(Journal& journal) : journal_(journal) {}

  // The symbol of `text`, made now if there is none. One caller at a time (the committer), and what it adds to
  // `created` must be committed before anything else that uses the symbol.
  absl::StatusOr<SymbolId> Intern(std::string_view text, NewSymbols& created);

  // The symbol of `text`, or nothing if no record ever used it.
  absl::StatusOr<std::optional<SymbolId>> Find(std::string_view text);

  absl::StatusOr<std::string> Text(SymbolId id);

  // The last symbol that Intern created; 0 if it has created none yet.
  SymbolId Last();

  // What Intern created up to `last` is on disk now.
  void Committed(SymbolId last);

  // What Intern created after `last` will never be on disk: the next ones get these ids. Whoever found one of them must
  // only have used it on states of the store from before.
  void Abandoned(SymbolId last);

  // From now on remembers what Intern returns; to be ended.
  void BeginWatch();
  absl::flat_hash_set<SymbolId> EndWatch();  // what it was

  // These are retired, on disk: nobody has them any more, and their texts get other symbols when they come again. The
  // committer's, while it creates none.
  void Retired(const absl::flat_hash_set<SymbolId>& ids);

 private:
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Predicate>
  void ForgetPending(const Predicate& of_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  struct Cache {
    absl::flat_hash_map<std::string, SymbolId> ids;
    absl::flat_hash_map<SymbolId, std::string> texts;
  };

  Journal& journal_;
  Mutex mutex_;
  Cache cache_ ABSL_GUARDED_BY(mutex_);    // of what is on disk; dropped when full
  Cache pending_ ABSL_GUARDED_BY(mutex_);  // created, not committed yet: known nowhere else
  std::optional<SymbolId> last_ ABSL_GUARDED_BY(mutex_);
  uint64_t retirements_ ABSL_GUARDED_BY(mutex_) = 0;
  bool watching_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<SymbolId> watched_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::interner
