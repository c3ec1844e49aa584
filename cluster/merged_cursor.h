// Walks the keys of several cursors in order.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace unirust::cluster {

// No key is in two of the parts. One that fails ends the walk: nothing is left out.
class MergedCursor final : public store::Cursor {
 public:
  // Each stands on its first key.
  explicit MergedCursor(std::vector<std::unique_ptr<store::Cursor>> parts);

  bool Valid() const override { return current_ != nullptr; }
  std::string_view key() const override { return current_->key(); }
  std::string_view value() const override { return current_->value(); }
  void Next() override;
  void Prev() override;
  void Seek(std::string_view key) override;
  void SeekToLast() override;
  absl::Status status() const override { return status_; }

 private:
  enum class Direction {
    kForward,  // the other parts stand behind the current key
    kBack,     // before it
  };
  bool Failed();
  void StandOn(Direction direction);  // the first of the parts' keys that way

  std::vector<std::unique_ptr<store::Cursor>> parts_;
  store::Cursor* current_ = nullptr;
  Direction direction_ = Direction::kForward;
  absl::Status status_;
};

}  // namespace unirust::cluster
