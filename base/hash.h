// The store's hashes. All are part of a format and never change: XXH3 with seed 0 for placement (a wrong guess costs
// time only) and for digests, SHA-256 where equality of hashes stands for equality of values.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/numeric/int128.h"

struct XXH3_state_s;

namespace unirust {

uint64_t Hash64(std::string_view bytes);
absl::uint128 Hash128(std::string_view bytes);

// Hash64 of bytes that come piece by piece.
class Hash64Stream {
 public:
  Hash64Stream();
  void Add(std::string_view bytes);
  uint64_t Value() const;  // of all bytes added so far

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

std::array<char, 32> Sha256(std::string_view bytes);

}  // namespace unirust
