// A list that grows while others read it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

namespace unirust::cluster {

// What is in the list stays there as it is. One thread adds; others see all that was added before, or some of what is
// added meanwhile. At most `kMax` items.
template <typename T, size_t kMax>
class GrowingList {
 public:
  void Add(T item) {
    items_[size_.load(std::memory_order_relaxed)] = std::move(item);
    size_.fetch_add(1, std::memory_order_release);
  }
  size_t size() const { return size_.load(std::memory_order_acquire); }
  const T& operator[](size_t i) const { return items_[i]; }  // i < size()
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size(); }

 private:
  std::array<T, kMax> items_{};
  std::atomic<size_t> size_ = 0;
};

}  // namespace unirust::cluster
