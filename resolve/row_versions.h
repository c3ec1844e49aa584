// A row before the batch and now. Both are one object until the row is edited, and a WorkingSet that
// follows another takes over its rows without copying them.
#pragma once

#include <memory>
#include <utility>

namespace unirust::resolve {

// Not thread-safe, but the rows may be shared with other RowVersions that only read them.
template <typename Row>
class RowVersions {
 public:
  bool existed() const { return before_ != nullptr; }
  bool exists() const { return now_ != nullptr; }

  // An empty row where there is none.
  const Row& before() const { return before_ != nullptr ? *before_ : Empty(); }
  const Row& now() const { return now_ != nullptr ? *now_ : Empty(); }

  // The row from now on, to be changed: that of before, or an empty one where there is none.
  Row& Edit() {
    if (now_ == nullptr) {
      now_ = std::make_shared<Row>();
    } else if (now_ == before_) {
      now_ = std::make_shared<Row>(*before_);
    }
    return *now_;
  }
  void Remove() { now_ = nullptr; }

  bool Changed() const {
    if (now_ == before_) return false;
    return now_ == nullptr || before_ == nullptr || !(*now_ == *before_);
  }

  void Load(Row row) { now_ = before_ = std::make_shared<Row>(std::move(row)); }
  void Follow(const RowVersions& previous) { now_ = before_ = previous.now_; }

 private:
  static const Row& Empty() {
    static const Row kEmpty;
    return kEmpty;
  }
  std::shared_ptr<Row> before_;  // never changed
  std::shared_ptr<Row> now_;     // changed only while it is not before_
};

}  // namespace unirust::resolve
