#include "base/hash.h"

#include <openssl/sha.h>
#include <xxhash.h>

namespace unirust {

uint64_t Hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::array<char, 32> Sha256(std::string_view bytes) {
  std::array<char, 32> out{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

}  // namespace unirust
