#include "text/json_writer.h"

#include <cstddef>

namespace unirust::text {
namespace {

bool IsPlain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

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
  for (size_t i = 0; i < utf8.size(); ++i) {
    if (IsPlain(utf8[i])) continue;
    out->append(utf8.substr(copied, i - copied));
    AppendEscaped(out, utf8[i]);
    copied = i + 1;
  }
  out->append(utf8.substr(copied));
  out->push_back('"');
}

}  // namespace unirust::text
