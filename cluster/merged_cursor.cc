#include "cluster/merged_cursor.h"

namespace unirust::cluster {

MergedCursor::MergedCursor(std::vector<std::unique_ptr<store::Cursor>> parts)
    : parts_(std::move(parts)) {
  StandOnFirst();
}

bool MergedCursor::Failed() {
  for (const auto& part : parts_) {
    if (part->Valid() || part->status().ok()) continue;
    if (status_.ok()) status_ = part->status();
    current_ = nullptr;
  }
  return !status_.ok();
}

void MergedCursor::StandOnFirst() {
  forward_ = true;
  current_ = nullptr;
  if (Failed()) return;
  for (const auto& part : parts_) {
    if (!part->Valid()) continue;
    if (current_ == nullptr || part->key() < current_->key()) current_ = part.get();
  }
}

void MergedCursor::StandOnLast() {
  forward_ = false;
  current_ = nullptr;
  if (Failed()) return;
  for (const auto& part : parts_) {
    if (!part->Valid()) continue;
    if (current_ == nullptr || part->key() > current_->key()) current_ = part.get();
  }
}

void MergedCursor::Next() {
  if (!forward_) {
    const std::string here(key());
    for (const auto& part : parts_) {
      if (part.get() != current_) part->Seek(here);
    }
  }
  current_->Next();
  StandOnFirst();
}

void MergedCursor::Prev() {
  if (forward_) {
    const std::string here(key());
    for (const auto& part : parts_) {
      if (part.get() == current_) continue;
      part->Seek(here);
      if (part->Valid()) {
        part->Prev();
      } else if (part->status().ok()) {
        part->SeekToLast();
      }
    }
  }
  current_->Prev();
  StandOnLast();
}

void MergedCursor::Seek(std::string_view key) {
  const std::string target(key);  // it may be the current one
  for (const auto& part : parts_) part->Seek(target);
  StandOnFirst();
}

void MergedCursor::SeekToLast() {
  for (const auto& part : parts_) part->SeekToLast();
  StandOnLast();
}

}  // namespace unirust::cluster
