// What nodes, or entities, say under strong identifiers in one run of a followed group (docs/resolution.md, 9): rows of
// family disputes, each of one value, ordered so that a look at few of them tells who clashes and who agrees.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "resolve/signature.h"
#include "resolve/sorted_rows.h"
#include "store/keys.h"

namespace unirust::resolve {

// Not thread-safe. Signatures have rows of one value each.
class Stances {
 public:
  using When = SortedRows::When;

  // `kind`: kNode or kEntity; `rows`, of family disputes, must outlive this.
  Stances(SortedRows& rows, store::DisputeKey::Kind kind, std::string_view group, Instant run);

  // The keys of what a block says here.
  std::vector<std::string> KeysOf(store::BlockName block, const Signature& signature) const;
  void Add(store::BlockName block, const Signature& signature);
  void Remove(store::BlockName block, const Signature& signature);

  // Whether some block here clashes with one that says this; nothing if a look at few rows does not tell.
  std::optional<bool> IsDisputed(const StrongRow& row, When when) const;

  // True if no other block is disputed, or undisputed, because one of `but` says this: another one says it, too; or two
  // others say two other things, one of which clashes with whoever clashes with this; or no other says anything else in
  // that time. False, too, if a look at few rows does not tell.
  bool MattersOnlyTo(const StrongRow& row, const std::set<store::BlockName>& but) const;

  // Blocks, but for this one, that hold the row's value at some of its time.
  struct Others {
    std::vector<store::BlockName> blocks;
    bool all = true;  // false: there are more
  };
  Others Sharing(const StrongRow& row, store::BlockName block, When when) const;

  const absl::Status& status() const { return status_; }

 private:
  enum class Go { kOn, kToNextValue, kNoFurther };
  store::DisputeKey KeyOf(const StrongRow& row) const;
  // Visits what is said under the prefix, in order of place, value and time. False if there was more than a few rows.
  template <typename Visit>
  bool Walk(const std::string& prefix, When when, Visit visit) const;

  SortedRows& rows_;
  const store::DisputeKey key_;  // kind, group and run
  mutable absl::Status status_;
};

}  // namespace unirust::resolve
