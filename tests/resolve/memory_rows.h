// Rows in memory, and a reader of them: what resolution needs of a store.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "store/store.h"

namespace unirust::resolve {

// The rows of each family.
using MemoryRows = std::array<std::map<std::string, std::string, std::less<>>, store::kFamilies>;

class MemoryCursor final : public store::Cursor {
 public:
  using Rows = MemoryRows::value_type;
  MemoryCursor(const Rows& rows, std::string_view lower, std::string_view upper)
      : begin_(rows.lower_bound(lower)),
        end_(upper.empty() ? rows.end() : rows.lower_bound(upper)),
        rows_(rows),
        at_(begin_) {}
  bool Valid() const override { return at_ != end_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == begin_ ? end_ : std::prev(at_); }
  void Seek(std::string_view key) override {
    at_ = rows_.lower_bound(key);
    if (begin_ == end_ || (end_ != rows_.end() && key >= end_->first)) {
      at_ = end_;
    } else if (key < begin_->first) {
      at_ = begin_;
    }
  }
  void SeekToLast() override { at_ = begin_ == end_ ? end_ : std::prev(end_); }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const Rows::const_iterator begin_;
  const Rows::const_iterator end_;
  const Rows& rows_;
  Rows::const_iterator at_;
};

// Derived families of `derived`, all others of `records`; whatever they hold at each call.
class MemoryState final : public store::Reader::State {
 public:
  MemoryState(const MemoryRows& records, const MemoryRows& derived)
      : records_(records), derived_(derived) {}

  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override {
    const auto row = Of(family).find(key);
    if (row == Of(family).end()) return false;
    *value = row->second;
    return true;
  }
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor visit) const override {
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto row = Of(family).find(keys[i]);
      if (row != Of(family).end()) visit(i, row->second);
    }
    return absl::OkStatus();
  }
  uint64_t EstimateBytes(store::Family, std::string_view, std::string_view) const override {
    return 0;
  }
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override {
    return std::make_unique<MemoryCursor>(Of(family), lower, upper);
  }
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override {
    return Scan(family, std::string(prefix), PrefixEnd(prefix));
  }
  uint64_t generation() const override { return 0; }

 private:
  const MemoryRows::value_type& Of(store::Family family) const {
    return (store::IsDerived(family) ? derived_ : records_)[static_cast<size_t>(family)];
  }
  const MemoryRows& records_;
  const MemoryRows& derived_;
};

inline void Apply(store::Batch batch, MemoryRows* rows) {
  batch.VisitSorted(
      [&](store::Family family, std::string_view key, std::string_view value, bool remove) {
        auto& of = (*rows)[static_cast<size_t>(family)];
        if (remove) {
          of.erase(std::string(key));
        } else {
          of.insert_or_assign(std::string(key), std::string(value));
        }
      });
}

}  // namespace unirust::resolve
