// A digest of a set of rows that does not depend on their order: equal sets have equal digests, and different ones
// differ but by a chance of 2^-64. Detects damage, not malice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace unirust::resolve {

class SetDigest {
 public:
  void Add(std::string_view row) {
    ++rows_;
    sum_ += Hash64(row);
  }
  // `times` equal rows.
  void Add(std::string_view row, uint64_t times) {
    rows_ += times;
    sum_ += times * Hash64(row);
  }
  void Add(std::string_view key, std::string_view value) {
    buffer_.assign(key);
    buffer_.push_back('\0');
    buffer_.append(value);
    Add(buffer_);
  }
  uint64_t rows() const { return rows_; }
  friend bool operator==(const SetDigest& a, const SetDigest& b) {
    return a.rows_ == b.rows_ && a.sum_ == b.sum_;
  }

 private:
  uint64_t rows_ = 0;
  uint64_t sum_ = 0;
  std::string buffer_;
};

}  // namespace unirust::resolve
