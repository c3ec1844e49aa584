#include "cluster/own_rows_cursor.h"

#include <optional>
#include <string>
#include <utility>

namespace unirust::cluster {
namespace {

constexpr size_t kBehindAllKeysBytes = 64;  // so many 0xFF

}  // namespace

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

// A part that has no slot is not walked at all, and slots are many: where they do not lie together,
// row by row will do.
void OwnRowsCursor::SkipForward() {
  while (rows_->Valid() && !IsOwn()) {
    const uint16_t slot = *store::SlotOf(family_, rows_->key());
    if (!store::FirstKeyOf(family_, slot)) {
      rows_->Next();
      continue;
    }
    uint16_t next = slot;
    while (next < limits::kSlots && placement_->map.PartOf(next) != part_) ++next;
    rows_->Seek(next < limits::kSlots ? *store::FirstKeyOf(family_, next)
                                      : std::string(kBehindAllKeysBytes, '\xFF'));
  }
}

void OwnRowsCursor::SkipBack() {
  while (rows_->Valid() && !IsOwn()) {
    const uint16_t slot = *store::SlotOf(family_, rows_->key());
    if (!store::FirstKeyOf(family_, slot)) {
      rows_->Prev();
      continue;
    }
    uint16_t first = slot;  // of those up to here that are not the part's
    while (first > 0 && placement_->map.PartOf(first - 1) != part_) --first;
    rows_->Seek(*store::FirstKeyOf(family_, first));  // not behind where it stands
    rows_->Prev();
  }
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
