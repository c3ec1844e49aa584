#include "text/json_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace unirust::text {
namespace {

std::string Json(std::string_view text) {
  std::string out = "x";
  AppendJsonString(&out, text);
  return out.substr(1);
}

TEST(AppendJsonString, CopiesPlainTextAsItIs) {
  EXPECT_EQ(Json(""), "\"\"");
  EXPECT_EQ(Json("a/b'c\x7F"), "\"a/b'c\x7F\"");
  EXPECT_EQ(Json("\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80"),
            "\"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"");
}

TEST(AppendJsonString, EscapesWhatTheCanonicalFormEscapes) {
  EXPECT_EQ(Json("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(Json(std::string("\0\x01\x0B\x1F", 4)), R"("\u0000\u0001\u000b\u001f")");
  EXPECT_EQ(Json("a\"b\nc"), R"("a\"b\nc")");
}

TEST(AppendJsonString, LooksAtEveryByteWhereverItIs) {
  for (int c = 0; c < 256; ++c) {
    const std::string alone = Json(std::string(1, static_cast<char>(c)));
    const std::string escaped = alone.substr(1, alone.size() - 2);
    EXPECT_EQ(escaped.size() > 1, c < 0x20 || c == '"' || c == '\\');
    for (size_t i = 0; i < 20; ++i) {
      for (const char beside : {'a', '\xFF', '!', '\x80'}) {
        const std::string before(i, beside);
        const std::string after(20 - i, beside);
        EXPECT_EQ(Json(before + static_cast<char>(c) + after), '"' + before + escaped + after + '"');
      }
    }
  }
}

TEST(AppendJsonString, LeavesWhatIsThere) {
  std::string out = "before";
  AppendJsonString(&out, "x");
  EXPECT_EQ(out, "before\"x\"");
}

}  // namespace
}  // namespace unirust::text
