#include "resolve/postings.h"

#include <utility>

namespace unirust::resolve {

using store::AttributeValueKey;
using store::Family;
using store::TimedKey;

std::string PostingKey(SymbolId attribute, std::string_view value, const Interval& interval,
                       RecordId record) {
  return AttributeValueKey{.attribute = attribute,
                           .value = store::EncodeValue(value),
                           .interval = interval,
                           .record = record}
      .Encode();
}

TimedScan::TimedScan(store::Cursor& cursor, std::string prefix, const Interval& interval,
                     std::string_view after)
    : cursor_(cursor), prefix_(std::move(prefix)), interval_(interval) {
  cursor_.Seek(after.empty() ? prefix_ : after);
  if (!after.empty() && cursor_.Valid() && cursor_.key() == after) cursor_.Next();
}

// Intervals of a level that begin together lie in the order of their ends.
bool TimedScan::PassOver() {
  const Interval& entry = entry_.interval;
  const uint8_t level = TimedKey::LevelOf(entry);
  if (entry.start >= interval_.end) {  // nothing more of this level
    cursor_.Seek(TimedKey::Seek(prefix_, static_cast<uint8_t>(level + 1), interval_.start));
    return true;
  }
  if (interval_.start < entry.end) return false;
  const std::string first = TimedKey::Seek(prefix_, level, interval_.start);
  if (cursor_.key() < first) {  // too early to reach the interval
    cursor_.Seek(first);
  } else if (ended_ && ended_->start == entry.start && ended_->end <= entry.end) {
    cursor_.Seek(TimedKey::SeekEnd(prefix_, entry, interval_.start));
  } else {  // starts with one entry are common: a step is cheaper than a seek
    ended_ = entry;
    cursor_.Next();
  }
  return true;
}

bool TimedScan::Next() {
  if (!moved_) cursor_.Next();
  moved_ = true;
  while (cursor_.Valid() && cursor_.key().starts_with(prefix_)) {
    const std::optional<TimedKey> entry = TimedKey::Decode(cursor_.key().substr(prefix_.size()));
    damaged_ = !entry;
    if (damaged_) return false;
    entry_ = *entry;
    if (PassOver()) continue;
    moved_ = false;
    return true;
  }
  return false;
}

PostingScan::PostingScan(const store::Reader& reader, SymbolId attribute, std::string_view value,
                         const Interval& interval, std::string_view after)
    : cursor_(reader.ScanPrefix(Family::kAttributeValues,
                                AttributeValueKey::Prefix(attribute, store::EncodeValue(value)))),
      scan_(*cursor_, AttributeValueKey::Prefix(attribute, store::EncodeValue(value)), interval,
            after) {}

bool PostingScan::Next(Posting* posting) {
  const bool found = scan_.Next();
  store::AttributeValueRow row;
  if (scan_.damaged() || (found && !store::AttributeValueRow::Decode(cursor_->value(), &row))) {
    status_ = store::Damaged(Family::kAttributeValues, cursor_->key());
    return false;
  }
  if (!found) {
    status_.Update(cursor_->status());
    return false;
  }
  *posting = {scan_.entry().record, scan_.entry().interval, row.entity_type, row.perspective};
  key_ = cursor_->key();
  return true;
}

}  // namespace unirust::resolve
