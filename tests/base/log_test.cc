#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace unirust {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class Log : public ::testing::Test {
 protected:
  ~Log() override { SetLogLevel(LogLevel::kInfo); }
};

std::string Captured(LogLevel level, const std::string& message) {
  ::testing::internal::CaptureStderr();
  unirust::Log(level, message);
  return ::testing::internal::GetCapturedStderr();
}

TEST(ParseLogLevel, KnowsFourNames) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(ParseLogLevel("debug", &level));
  EXPECT_EQ(level, LogLevel::kDebug);
  EXPECT_TRUE(ParseLogLevel("info", &level));
  EXPECT_EQ(level, LogLevel::kInfo);
  EXPECT_TRUE(ParseLogLevel("warning", &level));
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_TRUE(ParseLogLevel("error", &level));
  EXPECT_EQ(level, LogLevel::kError);
}

TEST(ParseLogLevel, RefusesOthersAndKeepsTheLevel) {
  for (const char* name : {"", "Info", "warn", "errors", " info"}) {
    LogLevel level = LogLevel::kWarning;
    EXPECT_FALSE(ParseLogLevel(name, &level)) << name;
    EXPECT_EQ(level, LogLevel::kWarning);
  }
}

TEST_F(Log, WritesTimeLevelAndMessage) {
  EXPECT_THAT(Captured(LogLevel::kWarning, "low on {} disk"),
              MatchesRegex("[0-9-]+T[0-9:.]+ warning low on \\{\\} disk\n"));
}

TEST_F(Log, DropsLinesBelowTheLevel) {
  EXPECT_EQ(Captured(LogLevel::kDebug, "detail"), "");
  EXPECT_THAT(Captured(LogLevel::kInfo, "news"), HasSubstr("news"));
  SetLogLevel(LogLevel::kError);
  EXPECT_EQ(Captured(LogLevel::kWarning, "hm"), "");
  EXPECT_THAT(Captured(LogLevel::kError, "broken"), HasSubstr("broken"));
  SetLogLevel(LogLevel::kDebug);
  EXPECT_THAT(Captured(LogLevel::kDebug, "detail"), HasSubstr("detail"));
}

TEST(Die, EndsTheProcessWithTheCodeAndTheMessage) {
  EXPECT_EXIT(Die(7, "disk full"), ::testing::ExitedWithCode(7), "error disk full");
}

}  // namespace
}  // namespace unirust
