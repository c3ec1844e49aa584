// Bytes that grow at their end, for encoders that know how much they write at most: they get room, write through a
// pointer, and say where they ended. Nothing is cleared first. Not thread-safe.
//
//   char* to = buffer.Room(20);
//   buffer.EndAt(std::to_chars(to, to + 20, number).ptr);
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace unirust {

class ByteBuffer {
 public:
  size_t size() const { return size_; }
  char* data() { return data_.get(); }
  std::string_view view() const { return {data_.get(), size_}; }

  // Where the next byte goes, with room for so many; valid until the next call.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
    return data_.get() + size_;
  }
  // `end`: behind what was written into the room.
  void EndAt(const char* end) { size_ = static_cast<size_t>(end - data_.get()); }

  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  // Drops what is behind the first `size` <= size() bytes; their memory is kept.
  void CutTo(size_t size) { size_ = size; }

  // Its memory, of which the first size() bytes are written. The buffer is as new.
  std::unique_ptr<char[]> Release() {
    size_ = capacity_ = 0;
    return std::move(data_);
  }

 private:
  void Grow(size_t bytes) {
    constexpr size_t kCapacityMin = 4096;
    const size_t capacity = std::max({kCapacityMin, 2 * capacity_, size_ + bytes});
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace unirust
