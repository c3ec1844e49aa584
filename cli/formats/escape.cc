#include "cli/formats/escape.h"

#include <cstddef>
#include <cstdio>

namespace unirust::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void AppendPercent(std::string* out, std::string_view bytes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *out += '%';
    *out += kHex[byte >> 4U];
    *out += kHex[byte & 15U];
  }
}

// Bytes of the character at `position` that XML cannot carry; 0 if it can.
size_t ForbiddenBytes(std::string_view text, size_t position) {
  const auto byte = static_cast<unsigned char>(text[position]);
  if (byte < 0x20) return byte == '\t' || byte == '\n' || byte == '\r' ? 0 : 1;
  const std::string_view three = text.substr(position, 3);
  return three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF" ? 3 : 0;
}

// Calls `forbidden` for characters that XML cannot carry and `other` for every other byte.
template <typename Forbidden, typename Other>
void ForEach(std::string_view text, Forbidden forbidden, Other other) {
  for (size_t i = 0; i < text.size();) {
    if (const size_t bytes = ForbiddenBytes(text, i); bytes > 0) {
      forbidden(text.substr(i, bytes));
      i += bytes;
    } else {
      other(text[i++]);
    }
  }
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string CleanText(std::string_view text) {
  std::string out;
  ForEach(
      text, [&out](std::string_view) { out += kReplacement; }, [&out](char c) { out += c; });
  return out;
}

std::string NodeId(std::string_view kind, std::string_view name) {
  std::string out(kind);
  out += ':';
  for (size_t i = 0; i < name.size();) {
    const bool is_space = name[i] == '\t' || name[i] == '\n' || name[i] == '\r';
    const size_t bytes = is_space ? 1 : ForbiddenBytes(name, i);
    if (bytes > 0) {
      AppendPercent(&out, name.substr(i, bytes));
      i += bytes;
    } else {
      out += name[i++];
    }
  }
  return out;
}

std::string XmlText(std::string_view text) {
  std::string out;
  const auto other = [&out](char c) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\t':
        out += "&#9;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out += c;
    }
  };
  ForEach(
      text, [&out](std::string_view) { out += kReplacement; }, other);
  return out;
}

std::string DotId(std::string_view text) {
  // In a quoted identifier only \" is an escape; a backslash before another one keeps both, which
  // is why an identifier with a backslash reads as two of them. Two different texts never become
  // one.
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string DotLabel(std::string_view text) {
  std::string out = "\"";
  const auto other = [&out](char c) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\n";
        break;
      case '\t':
        out += ' ';
        break;
      default:
        out += c;
    }
  };
  ForEach(
      text, [&out](std::string_view) { out += kReplacement; }, other);
  return out + '"';
}

std::string CsvField(std::string_view text) {
  std::string out = "\"";
  const auto other = [&out](char c) {
    if (c == '"') out += '"';
    out += c;
  };
  ForEach(
      text, [&out](std::string_view) { out += kReplacement; }, other);
  return out + '"';
}

std::string NTriplesLiteral(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"') {
      out += "\\\"";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(byte));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string IriPath(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (IsUnreserved(c) || c == '/' || c == '%') {
      out += c;
    } else {
      AppendPercent(&out, {&c, 1});
    }
  }
  return out;
}

}  // namespace unirust::cli
