#include "resolve/sorted_rows.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace unirust::resolve {
namespace {

// The changes in [lower, upper), one way or the other.
template <bool kBack>
class ChangesWalk {
 public:
  ChangesWalk(const SortedRows::Changes& changes, const std::string& lower,
              const std::string& upper)
      : begin_(changes.lower_bound(lower)),
        end_(upper.empty() ? changes.end() : changes.lower_bound(upper)),
        at_(kBack ? end_ : begin_) {}
  bool Valid() const { return at_ != (kBack ? begin_ : end_); }
  const SortedRows::Changes::value_type& entry() const {
    if constexpr (kBack) return *std::prev(at_);
    return *at_;
  }
  void Next() {
    if constexpr (kBack) {
      --at_;
    } else {
      ++at_;
    }
  }

 private:
  SortedRows::Changes::const_iterator begin_;
  SortedRows::Changes::const_iterator end_;
  SortedRows::Changes::const_iterator at_;
};

const SortedRows::Changes& NoChanges() {
  static const SortedRows::Changes kNone;
  return kNone;
}

}  // namespace

std::optional<std::string> SortedRows::Before(const std::string& key) const {
  if (previous_ != nullptr) {
    const auto changed = previous_->changes_.find(key);
    if (changed != previous_->changes_.end()) return changed->second;
  }
  std::string value;
  const absl::StatusOr<bool> found = reader_.Get(family_, key, &value);
  Note(found.status());
  if (!found.ok() || !*found) return std::nullopt;
  return value;
}

std::optional<std::string> SortedRows::Now(const std::string& key) const {
  const auto changed = changes_.find(key);
  return changed != changes_.end() ? changed->second : Before(key);
}

void SortedRows::Replace(const std::string& prefix, std::map<std::string, std::string> rows) {
  std::vector<std::string> gone;
  Walk(prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view value) {
    const auto row = rows.find(std::string(key));
    if (row == rows.end()) {
      gone.emplace_back(key);
    } else if (row->second == value) {
      rows.erase(row);
    }
    return true;
  });
  for (std::string& key : gone) Delete(std::move(key));
  for (auto& [key, value] : rows) Put(key, std::move(value));
}

template <bool kBack>
void SortedRows::WalkEither(const std::string& lower, const std::string& upper,
                            const Changes& own_changes, Visit visit) const {
  const auto stored = reader_.Scan(family_, lower, upper);
  if (kBack) stored->SeekToLast();
  ChangesWalk<kBack> previous(previous_ != nullptr ? previous_->changes_ : NoChanges(), lower,
                              upper);
  ChangesWalk<kBack> own(own_changes, lower, upper);
  const auto comes_first = [](std::string_view a, std::string_view b) {
    return kBack ? a > b : a < b;
  };
  while (true) {
    std::optional<std::string_view> next;
    if (stored->Valid()) next = stored->key();
    for (const auto* changes : {&previous, &own}) {
      if (!changes->Valid()) continue;
      const std::string_view key = changes->entry().first;
      if (!next || comes_first(key, *next)) next = key;
    }
    if (!next) break;
    const bool in_store = stored->Valid() && stored->key() == *next;
    const bool in_previous = previous.Valid() && previous.entry().first == *next;
    const bool in_own = own.Valid() && own.entry().first == *next;
    const std::optional<std::string>* changed = nullptr;
    if (in_previous) changed = &previous.entry().second;
    if (in_own) changed = &own.entry().second;
    if (changed == nullptr) {
      if (!visit(*next, stored->value())) break;
    } else if (changed->has_value() && !visit(*next, **changed)) {
      break;
    }
    if (in_previous) previous.Next();
    if (in_own) own.Next();
    if (in_store) kBack ? stored->Prev() : stored->Next();
  }
  Note(stored->status());
}

void SortedRows::Walk(const std::string& lower, const std::string& upper, Visit visit,
                      When when) const {
  WalkEither<false>(lower, upper, when == When::kNow ? changes_ : NoChanges(), visit);
}

void SortedRows::WalkBack(const std::string& lower, const std::string& upper, Visit visit,
                          When when) const {
  WalkEither<true>(lower, upper, when == When::kNow ? changes_ : NoChanges(), visit);
}

void SortedRows::AddTo(store::Batch& batch) const {
  for (const auto& [key, value] : changes_) {
    if (value) {
      batch.Put(family_, key, *value);
    } else {
      batch.Delete(family_, key);
    }
  }
}

}  // namespace unirust::resolve
