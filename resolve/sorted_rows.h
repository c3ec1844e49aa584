// Rows of one family that a batch walks in key order: those of the store, with what the batch before changes laid over
// them (the store has that already or not), and on top what this batch changes.
//
// Errors are sticky, as in WorkingSet. Not thread-safe, but any number of followers may read what does not change any
// more.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "store/batch.h"
#include "store/store.h"

namespace unirust::resolve {

class SortedRows {
 public:
  // The row, or nothing where it is deleted.
  using Changes = absl::btree_map<std::string, std::optional<std::string>>;
  // False ends the walk. It must not change the rows.
  using Visit = absl::FunctionRef<bool(std::string_view key, std::string_view value)>;

  // `previous`, of the same family, must outlive this; null: there is no batch before.
  SortedRows(store::Family family, store::Reader reader, const SortedRows* previous)
      : family_(family), reader_(std::move(reader)), previous_(previous) {}

  std::optional<std::string> Now(const std::string& key) const;
  void Put(std::string key, std::string value) { changes_[std::move(key)] = std::move(value); }
  void Delete(std::string key) { changes_[std::move(key)] = std::nullopt; }
  // From now on the rows under the prefix are these, whose keys have it. Writes what differs.
  void Replace(const std::string& prefix, std::map<std::string, std::string> rows);

  // The rows of [lower, upper); empty `upper`: to the end of the family. A seek or two, then a step a row.
  enum class When { kBefore, kNow };
  void Walk(const std::string& lower, const std::string& upper, Visit visit,
            When when = When::kNow) const;
  void WalkBack(const std::string& lower, const std::string& upper, Visit visit,
                When when = When::kNow) const;

  void AddTo(store::Batch& batch) const;
  void ForgetPrevious() { previous_ = nullptr; }  // nothing more is read
  const absl::Status& status() const { return status_; }

 private:
  std::optional<std::string> Before(const std::string& key) const;  // before this batch
  template <bool kBack>
  void WalkEither(const std::string& lower, const std::string& upper, const Changes& own_changes,
                  Visit visit) const;
  void Note(const absl::Status& status) const { status_.Update(status); }

  store::Family family_;
  store::Reader reader_;
  const SortedRows* previous_;
  Changes changes_;
  mutable absl::Status status_;
};

}  // namespace unirust::resolve
