// Rows in memory, and a reader of them: what resolution needs of a store.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "store/store.h"

namespace unirust::resolve {

using FamilyRows = std::map<std::string, std::string, std::less<>>;
using MemoryRows = std::array<FamilyRows, store::kFamilies>;

class MemoryCursor final : public store::Cursor {
 public:
  MemoryCursor(std::shared_ptr<const FamilyRows> rows, std::string_view lower,
               std::string_view upper)
      : rows_(std::move(rows)),
        begin_(rows_->lower_bound(lower)),
        end_(upper.empty() ? rows_->end() : rows_->lower_bound(upper)),
        at_(begin_) {}
  bool Valid() const override { return at_ != end_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == begin_ ? end_ : std::prev(at_); }
  void Seek(std::string_view key) override {
    at_ = rows_->lower_bound(key);
    if (begin_ == end_ || (end_ != rows_->end() && key >= end_->first)) {
      at_ = end_;
    } else if (key < begin_->first) {
      at_ = begin_;
    }
  }
  void SeekToLast() override { at_ = begin_ == end_ ? end_ : std::prev(end_); }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const FamilyRows> rows_;
  const FamilyRows::const_iterator begin_;
  const FamilyRows::const_iterator end_;
  FamilyRows::const_iterator at_;
};

class MemoryState final : public store::Reader::State {
 public:
  using RowsOf = std::function<std::shared_ptr<const FamilyRows>(store::Family)>;

  // The rows of a family at each call.
  MemoryState(RowsOf rows_of, uint64_t generation)
      : rows_of_(std::move(rows_of)), generation_(generation) {}
  // Derived families of `derived`, all others of `records`; whatever these hold, which must outlive the state.
  MemoryState(const MemoryRows& records, const MemoryRows& derived)
      : MemoryState(
            [&](store::Family family) {
              const MemoryRows& rows = store::IsDerived(family) ? derived : records;
              return std::shared_ptr<const FamilyRows>(std::shared_ptr<void>(),
                                                       &rows[static_cast<size_t>(family)]);
            },
            0) {}

  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override {
    const std::shared_ptr<const FamilyRows> rows = rows_of_(family);
    const auto row = rows->find(key);
    if (row == rows->end()) return false;
    *value = row->second;
    return true;
  }
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor visit) const override {
    const std::shared_ptr<const FamilyRows> rows = rows_of_(family);
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto row = rows->find(keys[i]);
      if (row != rows->end()) visit(i, row->second);
    }
    return absl::OkStatus();
  }
  uint64_t EstimateBytes(store::Family, std::string_view, std::string_view) const override {
    return 0;
  }
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override {
    return std::make_unique<MemoryCursor>(rows_of_(family), lower, upper);
  }
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override {
    return Scan(family, std::string(prefix), PrefixEnd(prefix));
  }
  uint64_t generation() const override { return generation_; }

 private:
  const RowsOf rows_of_;
  const uint64_t generation_;
};

// Writes each row where `rows_of(family)`, a FamilyRows&, has it.
template <typename RowsOf>
void Apply(store::Batch batch, const RowsOf& rows_of) {
  batch.VisitSorted(
      [&](store::Family family, std::string_view key, std::string_view value, bool remove) {
        FamilyRows& rows = rows_of(family);
        if (remove) {
          rows.erase(std::string(key));
        } else {
          rows.insert_or_assign(std::string(key), std::string(value));
        }
      });
}

inline void Apply(store::Batch batch, MemoryRows* rows) {
  Apply(std::move(batch), [&](store::Family family) -> FamilyRows& {
    return (*rows)[static_cast<size_t>(family)];
  });
}

}  // namespace unirust::resolve
