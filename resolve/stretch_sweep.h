// Stretches: who holds what when, cut into maximal times in which the same is held. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "resolve/claims.h"

namespace unirust::resolve {

// The first of some records, by their places, and how many there are.
struct Holders {
  std::vector<size_t> first;
  size_t count = 0;

  template <typename Places>  // ascending
  static Holders Of(const Places& places, size_t listed_max) {
    Holders out{.first = {}, .count = places.size()};
    for (const size_t place : places) {
      if (out.first.size() == listed_max) break;
      out.first.push_back(place);
    }
    return out;
  }
};

// A record holds something for some time.
template <typename Key>
struct Holding {
  Interval interval;
  Key key;
  size_t record = 0;  // its place
};

// A maximal time in which the same keys are held, and the records that hold one of them in it.
template <typename Key>
struct Stretch {
  Interval interval;
  std::vector<Key> keys;  // ascending
  Holders records;
};

struct SweepRules {
  size_t keys_min = 1;    // that a stretch has
  size_t listed_max = 0;  // records that it lists
};

// O(n log n), and what it returns.
template <typename Key>
class StretchSweep {
 public:
  // The places of the records are below `records`.
  StretchSweep(size_t records, const SweepRules& rules) : rules_(rules), holds_(records) {}

  std::vector<Stretch<Key>> Of(const std::vector<Holding<Key>>& holdings) && {
    ForEachPiece(holdings, [&](const Interval& piece, const auto& begun, const auto& ended) {
      if (ChangesKeys(begun, ended)) Close();
      for (const Holding<Key>* holding : begun) Begin(*holding);
      for (const Holding<Key>* holding : ended) End(*holding);
      if (!open_) DropEnded();  // what ended before a stretch begins is not in it
      if (held_.size() < rules_.keys_min) return;
      open_ = Interval{open_ ? open_->start : piece.start, piece.end};
    });
    Close();
    return std::move(out_);
  }

 private:
  using Several = std::vector<const Holding<Key>*>;

  bool ChangesKeys(const Several& begun, const Several& ended) const {
    std::map<Key, ptrdiff_t> more;
    for (const Holding<Key>* holding : begun) ++more[holding->key];
    for (const Holding<Key>* holding : ended) --more[holding->key];
    return std::any_of(more.begin(), more.end(), [&](const auto& entry) {
      const auto held = held_.find(entry.first);
      const ptrdiff_t before = held == held_.end() ? 0 : static_cast<ptrdiff_t>(held->second);
      return (before == 0) != (before + entry.second == 0);
    });
  }

  void Begin(const Holding<Key>& holding) {
    ++held_[holding.key];
    if (++holds_[holding.record] == 1) records_.insert(holding.record);
  }

  // The record stays one of the stretch that is open.
  void End(const Holding<Key>& holding) {
    if (--held_.at(holding.key) == 0) held_.erase(holding.key);
    if (--holds_[holding.record] == 0) ended_.push_back(holding.record);
  }

  void DropEnded() {
    for (const size_t record : ended_) {
      if (holds_[record] == 0) records_.erase(record);
    }
    ended_.clear();
  }

  void Close() {
    if (open_) {
      Stretch<Key> stretch{.interval = *open_,
                           .keys = {},
                           .records = Holders::Of(records_, rules_.listed_max)};
      for (const auto& [key, count] : held_) stretch.keys.push_back(key);
      out_.push_back(std::move(stretch));
    }
    open_.reset();
  }

  const SweepRules rules_;
  std::map<Key, size_t> held_;         // at this time, and by how many
  std::vector<uint32_t> holds_;        // record -> how much it holds at this time
  absl::btree_set<size_t> records_;    // that hold, or held in the open stretch
  std::vector<size_t> ended_;          // of these, some that may hold no more
  std::optional<Interval> open_;
  std::vector<Stretch<Key>> out_;
};

}  // namespace unirust::resolve
