#include "cli/display.h"

#include <cstdio>

#include "model/time.h"

namespace unirust::cli {
namespace {

// Decodes the character at `*position` and moves past it. A malformed byte counts as itself.
uint32_t NextCharacter(std::string_view text, size_t* position) {
  const auto byte = [&text](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const uint32_t lead = byte(*position);
  const size_t more = lead >= 0xF0U ? 3 : lead >= 0xE0U ? 2 : lead >= 0xC0U ? 1 : 0;
  uint32_t character = more == 0 ? lead : lead & (0x3FU >> more);
  for (size_t i = 1; i <= more; ++i) character = character << 6U | (byte(*position + i) & 0x3FU);
  *position += more + 1;
  return character;
}

bool IsControl(uint32_t c) {
  const bool bidirectional = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || bidirectional;
}

void AppendEscaped(std::string* out, uint32_t character) {
  switch (character) {
    case '\n':
      *out += "\\n";
      return;
    case '\t':
      *out += "\\t";
      return;
    case '\r':
      *out += "\\r";
      return;
    default:
      break;
  }
  char escape[16];
  std::snprintf(escape, sizeof escape, "\\u%04x", character);
  *out += escape;
}

bool IsZeroWidth(uint32_t c) {
  return (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || c == 0xFE0F ||
         (c >= 0x1F3FB && c <= 0x1F3FF);
}

bool IsWide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
         (c >= 0x20000 && c <= 0x3FFFD);
}

}  // namespace

std::string TimeText(int64_t instant) {
  if (instant == kMinTime) return "-∞";
  if (instant == kMaxTime) return "∞";
  return std::to_string(instant);
}

std::string IntervalText(int64_t start, int64_t end) {
  return "[" + TimeText(start) + ", " + TimeText(end) + ")";
}

std::string Printable(std::string_view text) {
  std::string out;
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    const uint32_t character = NextCharacter(text, &position);
    if (IsControl(character)) {
      AppendEscaped(&out, character);
    } else {
      out += text.substr(begin, position - begin);
    }
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t position = 0; position < text.size();) {
    const uint32_t character = NextCharacter(text, &position);
    if (!IsZeroWidth(character)) width += IsWide(character) ? 2 : 1;
  }
  return width;
}

std::string WithSeparators(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

}  // namespace unirust::cli
