#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace unirust {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class Log : public ::testing::Test {
 protected:
  ~Log() override {
    SetLogLevel(LogLevel::kInfo);
    SetLogFormat(LogFormat::kText);
    SetSlowMillis(1000);
  }
};

std::string Captured(LogLevel level, const std::string& message,
                     const std::vector<LogField>& fields = {}) {
  ::testing::internal::CaptureStderr();
  unirust::Log(level, message, fields);
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

TEST_F(Log, TellsWhatIsLogged) {
  EXPECT_FALSE(IsLogged(LogLevel::kDebug));
  EXPECT_TRUE(IsLogged(LogLevel::kInfo));
  SetLogLevel(LogLevel::kError);
  EXPECT_FALSE(IsLogged(LogLevel::kWarning));
}

TEST_F(Log, WritesFieldsQuotedWhereNeeded) {
  const std::vector<LogField> fields = {{"id", "a-1.b/c:d+e_f"}, {"n", uint64_t{7}},
                                        {"ms", 1.25},            {"text", "a \"b\"=\n"},
                                        {"empty", ""},           {"bytes", "\xff"}};
  EXPECT_THAT(Captured(LogLevel::kInfo, "done", fields),
              MatchesRegex(".* info done id=a-1\\.b/c:d\\+e_f n=7 ms=1\\.25 "
                           "text=\"a \\\\\"b\\\\\"=\\\\n\" empty=\"\" bytes=\"\xef\xbf\xbd\"\n"));
}

TEST_F(Log, WritesJson) {
  SetLogFormat(LogFormat::kJson);
  const std::string line = Captured(LogLevel::kWarning, "low on \"%v\" disk\n",
                                    {{"dir", "/a b"}, {"n", uint64_t{7}}, {"ms", 1.25}});
  const auto json = nlohmann::json::parse(line);
  EXPECT_THAT(json["time"].get<std::string>(), MatchesRegex("[0-9-]+T[0-9:.]+"));
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["message"], "low on \"%v\" disk\n");
  EXPECT_EQ(json["dir"], "/a b");
  EXPECT_EQ(json["n"], 7);
  EXPECT_EQ(json["ms"], 1.25);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST_F(Log, KnowsWhatIsSlow) {
  EXPECT_FALSE(IsSlow(999'999));
  EXPECT_TRUE(IsSlow(1'000'000));
  SetSlowMillis(0);
  EXPECT_TRUE(IsSlow(0));
}

TEST(ParseLogFormat, KnowsTwoNames) {
  LogFormat format = LogFormat::kText;
  EXPECT_TRUE(ParseLogFormat("json", &format));
  EXPECT_EQ(format, LogFormat::kJson);
  EXPECT_FALSE(ParseLogFormat("xml", &format));
  EXPECT_EQ(format, LogFormat::kJson);
  EXPECT_TRUE(ParseLogFormat("text", &format));
  EXPECT_EQ(format, LogFormat::kText);
}

TEST(Die, EndsTheProcessWithTheCodeAndTheMessage) {
  EXPECT_EXIT(Die(7, "disk full"), ::testing::ExitedWithCode(7), "error disk full");
}

}  // namespace
}  // namespace unirust
