// Walks of the indexes whose keys lie by time (store/timed_key.h): what overlaps an interval. Cost: one seek per length
// class of intervals present, what is found, and at most two entries and a seek for each start of intervals that ended
// less than their own length before. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "model/answers.h"
#include "resolve/rules.h"
#include "store/keys.h"
#include "store/rows.h"
#include "store/store.h"
#include "store/timed_key.h"

namespace unirust::resolve {

struct Posting {
  RecordId record;
  Interval interval;
  SymbolId entity_type;
  SymbolId perspective;
};

// The index key of a posting: postings are found in the order of these.
std::string PostingKey(SymbolId attribute, std::string_view value, const Interval& interval,
                       RecordId record);

// The entries with one prefix of a family.
class TimedScan {
 public:
  // `cursor` must outlive this, and nobody else move it; it moves to the prefix, or, unless empty, behind the key
  // `after`.
  TimedScan(store::Cursor& cursor, std::string prefix, const Interval& interval,
            std::string_view after);

  // Moves to the next entry that overlaps. False where nothing with the prefix is left, and on an error (see the
  // cursor's status) or a key that cannot be decoded (see damaged).
  bool Next();

  const store::TimedKey& entry() const { return entry_; }  // on which the cursor stands
  bool damaged() const { return damaged_; }  // the cursor's key is not what TimedKey writes behind the prefix

 private:
  // Whether the entry does not overlap; then the cursor moves on.
  bool PassOver();

  store::Cursor& cursor_;
  std::string prefix_;
  Interval interval_;
  store::TimedKey entry_;
  std::optional<Interval> ended_;  // the last entry that ended too early, if nothing else was read since
  bool moved_ = true;              // the cursor stands on a key that was not looked at
  bool damaged_ = false;
};

// Records that hold one value of one attribute at some time of an interval.
class PostingScan {
 public:
  // `after`: the PostingKey to go on behind, or empty.
  PostingScan(const store::Reader& reader, SymbolId attribute, std::string_view value,
              const Interval& interval, std::string_view after);

  // False at the end, and on an error (see status()). Else *posting and key() are the next one.
  bool Next(Posting* posting);
  const std::string& key() const { return key_; }
  const absl::Status& status() const { return status_; }

 private:
  std::unique_ptr<store::Cursor> cursor_;
  TimedScan scan_;
  std::string key_;
  absl::Status status_;
};

}  // namespace unirust::resolve
