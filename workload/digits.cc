#include "workload/digits.h"

#include <charconv>

namespace unirust::workload {

void AppendNumber(uint64_t number, std::string* out) { AppendDigits(number, 1, out); }

void AppendDigits(uint64_t number, uint32_t width, std::string* out) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  const auto length = static_cast<size_t>(end - digits);
  if (length < width) out->append(width - length, '0');
  out->append(digits, length);
}

void AppendHex(uint64_t number, uint32_t width, HexCase letters, std::string* out) {
  const char* const digits = letters == HexCase::kUpper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (uint32_t i = width; i-- > 0;) out->push_back(digits[number >> (4 * i) & 15U]);
}

}  // namespace unirust::workload
