#include "resolve/postings.h"

#include <optional>

namespace unirust::resolve {

using store::AttributeValueKey;
using store::Family;

std::string PostingKey(SymbolId attribute, std::string_view value, const Interval& interval,
                       RecordId record) {
  return AttributeValueKey{.attribute = attribute,
                           .value = store::EncodeValue(value),
                           .interval = interval,
                           .record = record}
      .Encode();
}

PostingScan::PostingScan(const store::Reader& reader, SymbolId attribute, std::string_view value,
                         const Interval& interval, std::string_view after)
    : attribute_(attribute), value_(store::EncodeValue(value)), interval_(interval) {
  cursor_ =
      reader.ScanPrefix(Family::kAttributeValues, AttributeValueKey::Prefix(attribute, value_));
  if (!after.empty()) {
    cursor_->Seek(after);
    if (cursor_->Valid() && cursor_->key() == after) cursor_->Next();
  }
}

// False: the entry overlaps. Intervals of a level that begin together lie in the order of their ends.
bool PostingScan::PassOver(const Interval& entry) {
  const uint8_t level = AttributeValueKey::LevelOf(entry);
  if (entry.start >= interval_.end) {  // nothing more of this level
    cursor_->Seek(AttributeValueKey::Seek(attribute_, value_, static_cast<uint8_t>(level + 1),
                                          interval_.start));
    return true;
  }
  if (interval_.start < entry.end) return false;
  const std::string first = AttributeValueKey::Seek(attribute_, value_, level, interval_.start);
  if (cursor_->key() < first) {  // too early to reach the interval
    cursor_->Seek(first);
  } else if (ended_ && ended_->start == entry.start && ended_->end <= entry.end) {
    cursor_->Seek(AttributeValueKey::SeekEnd(attribute_, value_, entry, interval_.start));
  } else {  // starts with one entry are common: a step is cheaper than a seek
    ended_ = entry;
    cursor_->Next();
  }
  return true;
}

bool PostingScan::Next(Posting* posting) {
  if (!moved_) cursor_->Next();
  moved_ = true;
  while (cursor_->Valid()) {
    const std::optional<AttributeValueKey> key = AttributeValueKey::Decode(cursor_->key());
    store::AttributeValueRow row;
    if (!key || !store::AttributeValueRow::Decode(cursor_->value(), &row)) {
      status_ = store::Damaged(Family::kAttributeValues, cursor_->key());
      return false;
    }
    if (PassOver(key->interval)) continue;
    *posting = {key->record, key->interval, row.entity_type, row.perspective};
    key_ = cursor_->key();
    moved_ = false;
    return true;
  }
  if (!cursor_->status().ok()) status_ = cursor_->status();
  return false;
}

}  // namespace unirust::resolve
