// Golden values: both hashes are part of the stored format, so a change of library or of seed must
// show here.
#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace unirust {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4U];
    out += kDigits[static_cast<uint8_t>(c) & 15U];
  }
  return out;
}

std::string Sha256Hex(std::string_view bytes) {
  const auto digest = Sha256(bytes);
  return Hex({digest.data(), digest.size()});
}

TEST(Hash64Stream, IsTheHashOfAllPiecesAtEachMoment) {
  Hash64Stream stream;
  std::string all;
  EXPECT_EQ(stream.Value(), Hash64(""));
  for (const size_t size : {0U, 1U, 3U, 200U, 70'000U}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    stream.Add(piece);
    all += piece;
    EXPECT_EQ(stream.Value(), Hash64(all));
  }
}

// Published values of XXH3 with seed 0, and one of the size that takes the long path.
TEST(Hash64, IsXxh3WithSeedZero) {
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2U);
  EXPECT_EQ(Hash64("abc"), 0x78af5f94892f3950U);
  EXPECT_EQ(Hash64(std::string_view("\0", 1)), 0xc44bdff4074eecdbU);
  EXPECT_EQ(Hash64(std::string(1000, 'x')), 0xc0a4877b962cba82U);
}

TEST(Sha256, IsSha256) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace unirust
