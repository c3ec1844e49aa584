#include "access/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/files.h"

namespace unirust::access {
namespace {

TEST(Token, IsTextThatNeverRepeats) {
  std::set<std::string> tokens;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = NewToken().value();
    EXPECT_THAT(token, ::testing::MatchesRegex("urt_[A-Za-z0-9_-]+"));
    EXPECT_EQ(token.size(), 4U + 43U);  // 256 bits in base64
    EXPECT_TRUE(tokens.insert(token).second);
  }
}

TEST(Token, HashIsSha256InHex) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(ToHex(HashToken("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(Equal(ParseTokenHash(ToHex(HashToken("abc"))).value(), HashToken("abc")));
  EXPECT_FALSE(Equal(HashToken("abc"), HashToken("abd")));
}

TEST(Token, RefusesTextsThatAreNoHash) {
  const std::string hash = ToHex(HashToken("abc"));
  for (const std::string& text :
       {std::string(), hash.substr(1), hash + "0", "g" + hash.substr(1), " " + hash.substr(1)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseTokenHash(text).status())) << text;
  }
  EXPECT_TRUE(
      ParseTokenHash("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD").ok());
}

TEST(Token, IsTheFirstLineOfItsFile) {
  const auto dir = TemporaryDirectory::Create().value();
  const std::string path = dir->path() + "/token";
  EXPECT_TRUE(absl::IsInvalidArgument(ReadToken(path).status()));
  const auto token_of = [&](const char* text) {
    std::ofstream(path) << text;
    return ReadToken(path);
  };
  EXPECT_EQ(token_of("urt_x\n").value(), "urt_x");
  EXPECT_EQ(token_of("  urt_x \r\nmore\n").value(), "urt_x");
  for (const char* text : {"", "\nurt_x\n", "urt_x urt_y\n", "urt_\xc3\xa4\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(token_of(text).status())) << text;
  }
}

}  // namespace
}  // namespace unirust::access
