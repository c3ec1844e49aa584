// Records that hold one value of one attribute at some time of an interval, from the attribute_values index. Cost: one
// seek per length class of intervals present, what is found, and at most two entries and a seek for each start of
// intervals that ended less than their own length before. Not thread-safe.
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
  SymbolId attribute_;
  // Whether the entry may overlap; else the cursor moves on.
  bool PassOver(const Interval& entry);

  std::string value_;  // encoded
  Interval interval_;
  std::optional<Interval> ended_;  // the last entry that ended too early, if nothing else was read since
  std::unique_ptr<store::Cursor> cursor_;
  bool moved_ = true;  // the cursor stands on a key that was not looked at
  std::string key_;
  absl::Status status_;
};

}  // namespace unirust::resolve
