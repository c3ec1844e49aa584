#include "base/bytes.h"

#include <array>

namespace unirust {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63U;

template <typename Unsigned>
void AppendBig(std::string* out, Unsigned value) {
  std::array<char, sizeof(value)> bytes;
  for (size_t i = sizeof(value); i-- > 0; value = static_cast<Unsigned>(uint64_t{value} >> 8U)) {
    bytes[i] = static_cast<char>(value & 0xFFU);
  }
  out->append(bytes.data(), bytes.size());
}

}  // namespace

void AppendBig8(std::string* out, uint8_t value) { AppendBig(out, value); }
void AppendBig16(std::string* out, uint16_t value) { AppendBig(out, value); }
void AppendBig32(std::string* out, uint32_t value) { AppendBig(out, value); }
void AppendBig64(std::string* out, uint64_t value) { AppendBig(out, value); }
void AppendBigSigned64(std::string* out, int64_t value) {
  AppendBig(out, static_cast<uint64_t>(value) ^ kSignBit);
}

void AppendOrderedString(std::string* out, std::string_view text) {
  for (size_t zero = text.find('\0'); zero != std::string_view::npos; zero = text.find('\0')) {
    out->append(text.substr(0, zero + 1));
    out->push_back('\xFF');
    text.remove_prefix(zero + 1);
  }
  out->append(text);
  out->append("\0\1", 2);
}

void AppendVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7U;
  }
  out->push_back(static_cast<char>(value));
}

void AppendSignedVarint(std::string* out, int64_t value) {
  AppendVarint(out, static_cast<uint64_t>(value) << 1U ^ static_cast<uint64_t>(value >> 63));
}

void AppendString(std::string* out, std::string_view text) {
  AppendVarint(out, text.size());
  out->append(text);
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

uint64_t ByteReader::Big(size_t bytes) {
  const std::string_view raw = Bytes(bytes);
  uint64_t value = 0;
  for (const char c : raw) value = value << 8U | static_cast<uint8_t>(c);
  return value;
}

uint8_t ByteReader::Big8() { return static_cast<uint8_t>(Big(1)); }
uint16_t ByteReader::Big16() { return static_cast<uint16_t>(Big(2)); }
uint32_t ByteReader::Big32() { return static_cast<uint32_t>(Big(4)); }
uint64_t ByteReader::Big64() { return Big(8); }
int64_t ByteReader::BigSigned64() { return static_cast<int64_t>(Big(8) ^ kSignBit); }

// Calls `take` with the parts of the string between what stands for zero bytes and its end.
template <typename Take>
void ByteReader::WalkOrderedString(const Take& take) {
  while (ok_) {
    const size_t zero = rest_.find('\0');
    if (zero == std::string_view::npos || zero + 1 == rest_.size()) break;
    const char mark = rest_[zero + 1];
    if (mark != '\1' && mark != '\xFF') break;
    take(rest_.substr(0, mark == '\1' ? zero : zero + 1));
    rest_.remove_prefix(zero + 2);
    if (mark == '\1') return;
  }
  ok_ = false;
}

std::string ByteReader::OrderedString() {
  std::string out;
  WalkOrderedString([&out](std::string_view part) { out.append(part); });
  return ok_ ? out : std::string();
}

void ByteReader::SkipOrderedString() {
  WalkOrderedString([](std::string_view) {});
}

uint64_t ByteReader::LongVarint() {
  uint64_t value = 0;
  for (unsigned shift = 0; ok_ && shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0)) break;  // too large; too long
    value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  ok_ = false;
  return 0;
}

size_t ByteReader::Count(size_t element_bytes_min) {
  const uint64_t count = Varint();
  if (!ok_ || count > rest_.size() / element_bytes_min) {
    ok_ = false;
    return 0;
  }
  return count;
}

}  // namespace unirust
