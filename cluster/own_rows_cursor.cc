#include "cluster/own_rows_cursor.h"

#include <optional>
#include <string>
#include <utility>

namespace unirust::cluster {

OwnRowsCursor::OwnRowsCursor(std::unique_ptr<store::Cursor> rows, store::Family family, size_t part,
                             std::shared_ptr<const Placement> placement)
    : rows_(std::move(rows)), family_(family), part_(part), placement_(std::move(placement)) {
  SkipForward();
}

// What has no slot is damaged: whoever reads it says so.
bool OwnRowsCursor::IsOwn() const {
  const std::optional<uint16_t> slot = store::SlotOf(family_, rows_->key());
  return !slot || placement_->map.PartOf(*slot) == part_;
}

void OwnRowsCursor::SkipForward() {
  while (rows_->Valid() && !IsOwn()) {
    uint16_t next = *store::SlotOf(family_, rows_->key());
    while (next + 1U < limits::kSlots && placement_->map.PartOf(next) != part_) ++next;
    const std::optional<std::string> first = store::FirstKeyOf(family_, next);
    if (first && *first > rows_->key()) {
      rows_->Seek(*first);
    } else {
      rows_->Next();
    }
  }
}

void OwnRowsCursor::SkipBack() {
  while (rows_->Valid() && !IsOwn()) rows_->Prev();
}

void OwnRowsCursor::Next() {
  rows_->Next();
  SkipForward();
}

void OwnRowsCursor::Prev() {
  rows_->Prev();
  SkipBack();
}

void OwnRowsCursor::Seek(std::string_view key) {
  rows_->Seek(key);
  SkipForward();
}

void OwnRowsCursor::SeekToLast() {
  rows_->SeekToLast();
  SkipBack();
}

}  // namespace unirust::cluster
