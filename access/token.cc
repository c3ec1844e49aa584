#include "access/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/hash.h"

namespace unirust::access {
namespace {

constexpr char kPrefix[] = "urt_";  // so that scanners for leaked secrets find it
constexpr size_t kTokenBytes = 32;

}  // namespace

absl::StatusOr<std::string> NewToken() {
  std::array<unsigned char, kTokenBytes> random{};
  if (RAND_priv_bytes(random.data(), random.size()) != 1) {
    return absl::UnavailableError("the system gives no random numbers");
  }
  std::string text;
  absl::WebSafeBase64Escape({reinterpret_cast<const char*>(random.data()), random.size()}, &text);
  return kPrefix + text;
}

TokenHash HashToken(std::string_view token) { return Sha256(token); }

std::string ToHex(const TokenHash& hash) {
  return absl::BytesToHexString({hash.data(), hash.size()});
}

absl::StatusOr<TokenHash> ParseTokenHash(std::string_view text) {
  TokenHash hash{};
  bool ok = text.size() == 2 * hash.size();
  for (const char c : text) ok = ok && absl::ascii_isxdigit(static_cast<unsigned char>(c));
  if (!ok) return absl::InvalidArgumentError("not a SHA-256: 64 hexadecimal digits are needed");
  const std::string bytes = absl::HexStringToBytes({text.data(), text.size()});
  bytes.copy(hash.data(), hash.size());
  return hash;
}

bool Equal(const TokenHash& a, const TokenHash& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return absl::InvalidArgumentError(path + ": cannot be read, or is empty");
  }
  const absl::string_view token = absl::StripAsciiWhitespace(line);
  for (const char c : token) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError(path + ": its first line is no token");
    }
  }
  if (token.empty()) return absl::InvalidArgumentError(path + ": its first line is empty");
  return std::string(token);
}

}  // namespace unirust::access
