#include "text/json_writer.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace unirust::text {
namespace {

bool IsPlain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = kOnes * 0x80;

// Of eight characters at once, the high bit of the first that is below `limit` <= 0x80 (perhaps of later ones too).
constexpr uint64_t Below(uint64_t chars, uint64_t limit) {
  return (chars - kOnes * limit) & ~chars & kHighBits;
}
constexpr uint64_t Equal(uint64_t chars, char c) {
  return Below(chars ^ (kOnes * static_cast<uint8_t>(c)), 1);
}

// The position of the first character from `start` on that is to be escaped; the size if there is none.
size_t FirstEscaped(std::string_view text, size_t start) {
  size_t i = start;
  if constexpr (std::endian::native == std::endian::little) {
    for (uint64_t chars = 0; i + sizeof chars <= text.size(); i += sizeof chars) {
      std::memcpy(&chars, text.data() + i, sizeof chars);
      const uint64_t found = Below(chars, 0x20) | Equal(chars, '"') | Equal(chars, '\\');
      if (found != 0) return i + static_cast<size_t>(std::countr_zero(found)) / 8;
    }
  }
  while (i < text.size() && IsPlain(text[i])) ++i;
  return i;
}

void AppendEscaped(std::string* out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      *out += {'\\', c};
      return;
    case '\b':
      *out += "\\b";
      return;
    case '\f':
      *out += "\\f";
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      *out += "\\u00";
      *out += {kHex[(c >> 4) & 0xF], kHex[c & 0xF]};
  }
}

}  // namespace

void AppendJsonString(std::string* out, std::string_view utf8) {
  out->push_back('"');
  size_t copied = 0;
  for (size_t i = FirstEscaped(utf8, 0); i < utf8.size(); i = FirstEscaped(utf8, copied)) {
    out->append(utf8.substr(copied, i - copied));
    AppendEscaped(out, utf8[i]);
    copied = i + 1;
  }
  out->append(utf8.substr(copied));
  out->push_back('"');
}

}  // namespace unirust::text
