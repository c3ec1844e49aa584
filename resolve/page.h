// How much goes on one page of a listing, and how much is read for it: both in items and in bytes, so that neither a
// page nor the memory behind it grows with the data. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/limits.h"
#include "model/answers.h"
#include "store/rows.h"

namespace unirust::resolve {

// Bytes that an item takes in a message at most.
size_t MessageBytes(const Descriptor& descriptor);
size_t MessageBytes(const RecordView& record);
size_t MessageBytes(const Match& match);
size_t MessageBytes(const Conflict& conflict);

// Memory of a stored record's texts.
size_t TextBytes(const store::RecordRow& record);

class PageBudget {
 public:
  explicit PageBudget(size_t items) : items_left_(items) {}

  // Whether an item of so many bytes still goes on the page, and takes its place. The first always does.
  bool Take(size_t bytes) {
    if (items_left_ == 0 || (bytes_ > 0 && bytes_ + bytes > limits::kPageBytesMax)) return false;
    --items_left_;
    bytes_ += bytes;
    return true;
  }

  // The same for items that must not be parted: they count as one here, and as many for those that follow.
  bool TakeAll(size_t items, size_t bytes) {
    if (!Take(bytes)) return false;
    items_left_ -= std::min(items_left_, items - 1);
    return true;
  }

  // A row was read for the page.
  void Read(size_t bytes) {
    ++rows_read_;
    bytes_read_ += bytes;
  }

  // Whether the page is to end where it is, however little was found: enough was read for it.
  bool Spent() const {
    return rows_read_ >= limits::kPageRowsReadMax || bytes_read_ >= limits::kPageBytesReadMax;
  }

  bool full() const { return items_left_ == 0 || bytes_ >= limits::kPageBytesMax; }

 private:
  size_t items_left_;
  size_t bytes_ = 0;
  size_t rows_read_ = 0;
  size_t bytes_read_ = 0;
};

}  // namespace unirust::resolve
