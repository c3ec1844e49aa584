// Fields of protobuf messages as bytes: for what there is very much of. Writing: each function writes to where it is
// told and returns the end; the caller has room. Reading: views into the bytes.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "model/time.h"

namespace unirust::proto {

using google::protobuf::internal::WireFormatLite;

// --- writing -------------------------------------------------------------------------------------

// A tag and a length, or a tag and a number, take no more.
inline constexpr size_t kFieldBytesMax = 16;

// What bounds of times mostly are: kMaxTime and kMinTime.
inline constexpr std::string_view kMaxVarint = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F";
inline constexpr std::string_view kMinVarint = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01";

inline char* WriteVarint(uint64_t value, char* to) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  *to++ = static_cast<char>(value);
  return to;
}

inline char* WriteTag(int field, WireFormatLite::WireType type, char* to) {
  return WriteVarint(WireFormatLite::MakeTag(field, type), to);
}

inline char* WriteBytes(std::string_view bytes, char* to) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

// An element of a list: also if it is empty.
inline char* WriteElement(int field, std::string_view text, char* to) {
  to = WriteTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, to);
  return WriteBytes(text, WriteVarint(text.size(), to));
}

inline char* WriteText(int field, std::string_view text, char* to) {
  return text.empty() ? to : WriteElement(field, text, to);
}

inline char* WriteNumber(int field, uint64_t number, char* to) {
  if (number == 0) return to;
  return WriteVarint(number, WriteTag(field, WireFormatLite::WIRETYPE_VARINT, to));
}

inline char* WriteTime(int field, int64_t time, char* to) {
  if (time != kMinTime && time != kMaxTime) {
    return WriteNumber(field, static_cast<uint64_t>(time), to);
  }
  return WriteBytes(time == kMinTime ? kMinVarint : kMaxVarint,
                    WriteTag(field, WireFormatLite::WIRETYPE_VARINT, to));
}

// A message within a message. Its length is known behind it: what was written is moved if that takes another number
// of bytes than was left for it: 2 for 128 to 16,383 bytes.
template <size_t kLengthBytes = 2>
class Nested {
 public:
  // Writes at `to`; begin() is where the message's fields go.
  Nested(int field, char* to)
      : length_(WriteTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, to)) {}

  char* begin() const { return length_ + kLengthBytes; }

  // `end`: behind its fields. Returns where it ends.
  char* End(char* end) const {
    const auto size = static_cast<size_t>(end - begin());
    const size_t length_bytes = google::protobuf::io::CodedOutputStream::VarintSize64(size);
    if (length_bytes != kLengthBytes) std::memmove(length_ + length_bytes, begin(), size);
    WriteVarint(size, length_);
    return length_ + length_bytes + size;
  }

 private:
  char* length_;
};

// --- reading -------------------------------------------------------------------------------------

// Goes through the fields of a message. Groups, which proto3 has not, do not decode.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  // Moves to the next field; false at the end and where the bytes do not decode: ok() tells.
  bool Next() {
    uint64_t tag = 0;
    if (at_ == end_ || !ReadVarint(&tag)) return false;
    if (tag > UINT32_MAX || tag >> 3U == 0) return ok_ = false;
    field_ = static_cast<int>(tag >> 3U);
    form_ = Form::kOther;
    switch (tag & 7U) {
      case WireFormatLite::WIRETYPE_VARINT:
        form_ = Form::kNumber;
        bytes_ = {};
        return ReadVarint(&number_);
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED: {
        form_ = Form::kBytes;
        uint64_t size = 0;
        return ReadVarint(&size) && Take(size);
      }
      case WireFormatLite::WIRETYPE_FIXED64:
        return Take(8);
      case WireFormatLite::WIRETYPE_FIXED32:
        return Take(4);
      default:
        return ok_ = false;
    }
  }

  int field() const { return field_; }
  bool IsBytes(int field) const { return field_ == field && form_ == Form::kBytes; }
  bool IsNumber(int field) const { return field_ == field && form_ == Form::kNumber; }
  std::string_view bytes() const { return bytes_; }  // empty: it is a number
  uint64_t number() const { return number_; }
  bool ok() const { return ok_; }

 private:
  enum class Form : uint8_t { kBytes, kNumber, kOther };

  bool ReadVarint(uint64_t* value) {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) {
      *value = static_cast<uint8_t>(*at_++);
      return true;
    }
    return ReadTime(value) || ReadLongVarint(value);
  }

  bool ReadTime(uint64_t* value) {
    if (static_cast<size_t>(end_ - at_) < kMinVarint.size()) return false;
    for (const auto& [bytes, time] : {std::pair(kMaxVarint, kMaxTime),
                                      std::pair(kMinVarint, kMinTime)}) {
      if (std::memcmp(at_, bytes.data(), bytes.size()) != 0) continue;
      at_ += bytes.size();
      *value = static_cast<uint64_t>(time);
      return true;
    }
    return false;
  }

  bool ReadLongVarint(uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      *value |= uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return true;
    }
    return ok_ = false;
  }

  bool Take(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) return ok_ = false;
    bytes_ = {at_, static_cast<size_t>(size)};
    at_ += size;
    number_ = 0;
    return true;
  }

  const char* at_;
  const char* end_;
  int field_ = 0;
  Form form_ = Form::kOther;
  std::string_view bytes_;
  uint64_t number_ = 0;
  bool ok_ = true;
};

}  // namespace unirust::proto
