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

TEST(AppendJsonString, LeavesWhatIsThere) {
  std::string out = "before";
  AppendJsonString(&out, "x");
  EXPECT_EQ(out, "before\"x\"");
}

}  // namespace
}  // namespace unirust::text
