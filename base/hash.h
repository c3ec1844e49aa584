// The store's hashes. Both are part of the stored format and never change: XXH3 with seed 0 for
// placement (a wrong guess costs time only), SHA-256 where equality of hashes stands for equality
// of values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace unirust {

uint64_t Hash64(std::string_view bytes);

std::array<char, 32> Sha256(std::string_view bytes);

}  // namespace unirust
