// Bytes as text, for golden values: two digits a byte; spaces are for the reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unirust::store {

inline std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4U];
    out += kDigits[static_cast<uint8_t>(c) & 15U];
  }
  return out;
}

inline std::string WithoutSpaces(std::string hex) {
  std::erase(hex, ' ');
  return hex;
}

}  // namespace unirust::store
