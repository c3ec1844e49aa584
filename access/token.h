// Tokens: 256 random bits as text. A token is a secret; what is stored of it is its SHA-256, from
// which no token follows and which needs no salt, since tokens do not repeat (unlike passwords).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace unirust::access {

using TokenHash = std::array<char, 32>;

// "urt_" and 43 letters, digits, - and _. UNAVAILABLE if the system has no randomness to give.
absl::StatusOr<std::string> NewToken();

TokenHash HashToken(std::string_view token);

// 64 hexadecimal digits.
std::string ToHex(const TokenHash& hash);

// INVALID_ARGUMENT unless `text` is 64 hexadecimal digits.
absl::StatusOr<TokenHash> ParseTokenHash(std::string_view text);

// In a time that does not depend on the hashes.
bool Equal(const TokenHash& a, const TokenHash& b);

// The token in a file: its first line, without white space around it. INVALID_ARGUMENT if the file
// cannot be read or holds none.
absl::StatusOr<std::string> ReadToken(const std::string& path);

}  // namespace unirust::access
