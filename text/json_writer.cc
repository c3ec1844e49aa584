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

char* WriteEscaped(char c, char* to) {
  constexpr char kHex[] = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = c;
      return to;
    case '\b':
      *to++ = 'b';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      for (const char digit : {'u', '0', '0', kHex[(c >> 4) & 0xF], kHex[c & 0xF]}) *to++ = digit;
      return to;
  }
}

}  // namespace

char* WriteJsonString(std::string_view utf8, char* to) {
  *to++ = '"';
  const char* from = utf8.data();
  const char* const end = from + utf8.size();
  while (from != end) {
    if constexpr (std::endian::native == std::endian::little) {
      for (uint64_t chars = 0; static_cast<size_t>(end - from) >= sizeof chars;) {
        std::memcpy(&chars, from, sizeof chars);
        std::memcpy(to, &chars, sizeof chars);  // as far as nothing is to be escaped
        const uint64_t found = Below(chars, 0x20) | Equal(chars, '"') | Equal(chars, '\\');
        const size_t plain =
            found == 0 ? sizeof chars : static_cast<size_t>(std::countr_zero(found)) / 8;
        from += plain;
        to += plain;
        if (found != 0) break;
      }
      if (from == end) break;
    }
    if (IsPlain(*from)) {
      *to++ = *from++;
    } else {
      to = WriteEscaped(*from++, to);
    }
  }
  *to++ = '"';
  return to;
}

void AppendJsonString(std::string* out, std::string_view utf8) {
  const size_t size = out->size();
  out->resize(size + JsonStringRoom(utf8));
  out->resize(static_cast<size_t>(WriteJsonString(utf8, out->data() + size) - out->data()));
}

}  // namespace unirust::text
