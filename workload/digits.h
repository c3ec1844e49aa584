// Numbers as the text of values.
#pragma once

#include <cstdint>
#include <string>

namespace unirust::workload {

void AppendNumber(uint64_t number, std::string* out);

// With zeros before it, if it has fewer than `width` digits; `width`: at most 20.
void AppendDigits(uint64_t number, uint32_t width, std::string* out);

enum class HexCase : uint8_t { kUpper, kLower };

// The lowest `width` hex digits; at most 16.
void AppendHex(uint64_t number, uint32_t width, HexCase letters, std::string* out);

}  // namespace unirust::workload
