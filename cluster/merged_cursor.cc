#include "cluster/merged_cursor.h"

namespace unirust::cluster {

MergedCursor::MergedCursor(std::vector<std::unique_ptr<store::Cursor>> parts)
    : parts_(std::move(parts)) {
  StandOn(Direction::kForward);
}

bool MergedCursor::Failed() {
  for (const auto& part : parts_) {
    if (part->Valid() || part->status().ok()) continue;
    if (status_.ok()) status_ = part->status();
    current_ = nullptr;
  }
  return !status_.ok();
}

void MergedCursor::StandOn(Direction direction) {
  direction_ = direction;
  current_ = nullptr;
  if (Failed()) return;
  for (const auto& part : parts_) {
    if (!part->Valid()) continue;
    const bool nearer = current_ == nullptr || (direction == Direction::kForward
                                                    ? part->key() < current_->key()
                                                    : part->key() > current_->key());
    if (nearer) current_ = part.get();
  }
}

void MergedCursor::Next() {
  if (direction_ == Direction::kBack) {
    const std::string here(key());
    for (const auto& part : parts_) {
      if (part.get() != current_) part->Seek(here);
    }
  }
  current_->Next();
  StandOn(Direction::kForward);
}

void MergedCursor::Prev() {
  if (direction_ == Direction::kForward) {
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
  StandOn(Direction::kBack);
}

void MergedCursor::Seek(std::string_view key) {
  const std::string target(key);  // it may be the current one
  for (const auto& part : parts_) part->Seek(target);
  StandOn(Direction::kForward);
}

void MergedCursor::SeekToLast() {
  for (const auto& part : parts_) part->SeekToLast();
  StandOn(Direction::kBack);
}

}  // namespace unirust::cluster
