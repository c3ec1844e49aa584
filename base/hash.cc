#include "base/hash.h"

#include <openssl/sha.h>
#include <xxhash.h>

namespace unirust {

uint64_t Hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

absl::uint128 Hash128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return absl::MakeUint128(hash.high64, hash.low64);
}

Hash64Stream::Hash64Stream() : state_(XXH3_createState()) { XXH3_64bits_reset(state_.get()); }

void Hash64Stream::Add(std::string_view bytes) {
  XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
}

uint64_t Hash64Stream::Value() const { return XXH3_64bits_digest(state_.get()); }

void Hash64Stream::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

std::array<char, 32> Sha256(std::string_view bytes) {
  std::array<char, 32> out{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

}  // namespace unirust
