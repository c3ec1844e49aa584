#include "interner/interner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::interner {

absl::StatusOr<SymbolId> Interner::Intern(std::string_view text, NewSymbols& created) {
  UNIRUST_ASSIGN_OR_RETURN(const std::optional<SymbolId> found, Find(text));
  MutexLock lock(mutex_);
  if (found) {
    if (watching_) watched_.insert(*found);
    return *found;
  }
  if (!last_) {
    UNIRUST_ASSIGN_OR_RETURN(last_, journal_.LoadLast());
  }
  const SymbolId id(last_->value() + 1);
  last_ = id;
  pending_.ids.emplace(std::string(text), id);
  pending_.texts.emplace(id, std::string(text));
  created.Add(id, text);
  return id;
}

absl::StatusOr<std::optional<SymbolId>> Interner::Find(std::string_view text) {
  uint64_t retirements = 0;
  {
    MutexLock lock(mutex_);
    retirements = retirements_;
    for (const Cache* cache : {&cache_, &pending_}) {
      const auto found = cache->ids.find(absl::string_view(text.data(), text.size()));
      if (found != cache->ids.end()) return found->second;
    }
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::optional<SymbolId> id, journal_.LoadSymbol(text));
  if (!id) return id;
  MutexLock lock(mutex_);
  MakeRoom();
  cache_.texts.emplace(*id, std::string(text));
  if (retirements == retirements_) cache_.ids.emplace(std::string(text), *id);  // else it may be retired
  return id;
}

absl::StatusOr<std::string> Interner::Text(SymbolId id) {
  {
    MutexLock lock(mutex_);
    for (const Cache* cache : {&cache_, &pending_}) {
      const auto found = cache->texts.find(id);
      if (found != cache->texts.end()) return found->second;
    }
  }
  UNIRUST_ASSIGN_OR_RETURN(std::string text, journal_.LoadText(id));
  MutexLock lock(mutex_);
  MakeRoom();
  cache_.texts.emplace(id, text);
  return text;
}

SymbolId Interner::Last() {
  MutexLock lock(mutex_);
  return last_.value_or(SymbolId());
}

void Interner::Committed(SymbolId last) {
  MutexLock lock(mutex_);
  ForgetPending([&](SymbolId id) { return id <= last; });  // found on disk from now on
}

void Interner::Abandoned(SymbolId last) {
  MutexLock lock(mutex_);
  for (const auto& [id, text] : pending_.texts) {
    if (id > last) last_ = std::min(*last_, SymbolId(id.value() - 1));
  }
  ForgetPending([&](SymbolId id) { return id > last; });
}

void Interner::BeginWatch() {
  MutexLock lock(mutex_);
  watching_ = true;
  watched_.clear();
}

absl::flat_hash_set<SymbolId> Interner::EndWatch() {
  MutexLock lock(mutex_);
  watching_ = false;
  return std::exchange(watched_, {});
}

void Interner::Retired(const absl::flat_hash_set<SymbolId>& ids) {
  MutexLock lock(mutex_);
  ++retirements_;
  absl::erase_if(cache_.ids, [&](const auto& entry) { return ids.contains(entry.second); });
  absl::erase_if(cache_.texts, [&](const auto& entry) { return ids.contains(entry.first); });
}

template <typename Predicate>
void Interner::ForgetPending(const Predicate& of_id) {
  absl::erase_if(pending_.ids, [&](const auto& entry) { return of_id(entry.second); });
  absl::erase_if(pending_.texts, [&](const auto& entry) { return of_id(entry.first); });
}

void Interner::MakeRoom() {
  if (cache_.texts.size() >= limits::kSymbolCacheEntriesMax) cache_ = {};
}

}  // namespace unirust::interner
