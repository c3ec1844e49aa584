// Byte encodings shared by every stored format: order-preserving big-endian integers for keys, varints for values, and
// a checked reader. Nothing here allocates but the output string; a ByteReader never reads past its input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unirust {

// --- keys: bytewise order is logical order -------------------------------------------------------

void AppendBig8(std::string* out, uint8_t value);
void AppendBig16(std::string* out, uint16_t value);
void AppendBig32(std::string* out, uint32_t value);
void AppendBig64(std::string* out, uint64_t value);
void AppendBigSigned64(std::string* out, int64_t value);  // sign bit flipped

// Any bytes, self-delimiting and order-preserving: 0x00 is written 0x00 0xFF, the end is 0x00 0x01.
void AppendOrderedString(std::string* out, std::string_view text);

// --- values --------------------------------------------------------------------------------------

void AppendVarint(std::string* out, uint64_t value);        // LEB128, at most 10 bytes
void AppendSignedVarint(std::string* out, int64_t value);   // zigzag
void AppendString(std::string* out, std::string_view text);  // varint length, bytes

// The first eight bytes as a number that orders as they do; missing ones count as zero.
inline uint64_t HeadOf(std::string_view bytes) {
  uint64_t head = 0;
  if (bytes.size() >= sizeof(head)) {
    for (size_t i = 0; i < sizeof(head); ++i) head = head << 8U | static_cast<uint8_t>(bytes[i]);
    return head;
  }
  for (const char byte : bytes) head = head << 8U | static_cast<uint8_t>(byte);
  return bytes.empty() ? 0 : head << 8U * (sizeof(head) - bytes.size());
}

// The smallest bytewise upper bound of all keys that begin with `prefix`; empty if there is none (all 0xFF).
std::string PrefixEnd(std::string_view prefix);

// Reads what the functions above wrote, and nothing else. After the first malformed read every further read fails, so
// that a decoder may read a whole row and ask ok() once. Views point into the input.
class ByteReader {
 public:
  explicit ByteReader(std::string_view input) : rest_(input) {}

  uint8_t Big8();
  uint16_t Big16();
  uint32_t Big32();
  uint64_t Big64();
  int64_t BigSigned64();
  std::string OrderedString();
  void SkipOrderedString();
  uint64_t Varint() {
    if (ok_ && !rest_.empty() && static_cast<uint8_t>(rest_.front()) < 0x80) {  // most are so small
      const auto value = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      return value;
    }
    return LongVarint();
  }
  int64_t SignedVarint() {
    const uint64_t raw = Varint();
    return static_cast<int64_t>(raw >> 1U ^ (~(raw & 1U) + 1U));
  }
  std::string_view String() { return Bytes(Varint()); }
  std::string_view Bytes(size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }

  // A varint that announces `element_bytes_min`-sized elements: fails if the input cannot hold that many, so that
  // no count from disk can ask for more memory than the row itself takes.
  size_t Count(size_t element_bytes_min);

  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }  // everything read, nothing malformed
  std::string_view rest() const { return rest_; }
  void Fail() { ok_ = false; }

 private:
  template <typename Take>
  void WalkOrderedString(const Take& take);
  uint64_t LongVarint();
  uint64_t Big(size_t bytes);
  bool ok_ = true;
  std::string_view rest_;
};

}  // namespace unirust
