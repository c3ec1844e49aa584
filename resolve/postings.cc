#include "resolve/postings.h"

#include <optional>

namespace unirust::resolve {

using store::AttributeValueKey;
using store::Family;

std::string PostingKey(SymbolId attribute, std::string_view value, const Interval& interval,
                       RecordId record) {
  return AttributeValueKey{.attribute = attribute,
                           .value = store::EncodeValue(value),
                           .level = AttributeValueKey::LevelOf(interval),
                           .start = interval.start,
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

bool PostingScan::Next(Posting* posting) {
  if (!moved_) cursor_->Next();
  moved_ = true;
  while (cursor_->Valid()) {
    const std::optional<AttributeValueKey> key = AttributeValueKey::Decode(cursor_->key());
    store::AttributeValueRow row;
    if (!key || !store::AttributeValueRow::Decode(cursor_->value(), key->start, &row)) {
      status_ = store::Damaged(Family::kAttributeValues, cursor_->key());
      return false;
    }
    if (key->start >= interval_.end) {  // nothing more of this level
      if (key->level == 64) break;
      cursor_->Seek(AttributeValueKey::Seek(attribute_, value_,
                                            static_cast<uint8_t>(key->level + 1), kMinTime));
      continue;
    }
    const std::string first =
        AttributeValueKey::Seek(attribute_, value_, key->level, interval_.start);
    if (cursor_->key() < first) {  // too early to reach the interval
      cursor_->Seek(first);
      continue;
    }
    if (row.end <= interval_.start) {
      cursor_->Next();
      continue;
    }
    *posting = {key->record, {key->start, row.end}, row.entity_type, row.perspective};
    key_ = cursor_->key();
    moved_ = false;
    return true;
  }
  if (!cursor_->status().ok()) status_ = cursor_->status();
  return false;
}

}  // namespace unirust::resolve
