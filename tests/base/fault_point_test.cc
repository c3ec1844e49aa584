#include "base/fault_point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

namespace unirust {
namespace {

using ::testing::HasSubstr;

absl::Status Arm(const char* what) {
  setenv("UNIRUST_ABORT_AT", what, /*overwrite=*/1);
  const absl::Status status = ArmFaultPoint();
  unsetenv("UNIRUST_ABORT_AT");
  return status;
}

// In a process of its own: what is armed stays so.
void ArmAndPass(const char* what, int passages) {
  if (!Arm(what).ok()) _Exit(1);
  for (int i = 0; i < passages; ++i) FaultPoint("commit.gathered");
  FaultPoint("commit.resolved");
  _Exit(0);
}

TEST(FaultPoint, DoesNothingUnlessArmed) {
  EXPECT_TRUE(ArmFaultPoint().ok());
  FaultPoint("commit.gathered");
}

TEST(FaultPoint, KillsAtTheFirstPassage) {
  EXPECT_EXIT(ArmAndPass("commit.gathered", 1), ::testing::KilledBySignal(SIGKILL),
              "fault point reached name=commit.gathered");
}

TEST(FaultPoint, KillsAtThePassageThatIsNamed) {
  EXPECT_EXIT(ArmAndPass("commit.gathered:3", 3), ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(ArmAndPass("commit.gathered:3", 2), ::testing::ExitedWithCode(0), "");
}

TEST(FaultPoint, RefusesWhatIsNoPoint) {
  for (const char* what :
       {"", "commit", "commit.gathered.", "commit.gathered:", "commit.gathered:0",
        "commit.gathered:x", "commit.gathered:1x", "commit.gathered:-1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Arm(what))) << what;
  }
  const std::string message(Arm("commit").message());
  for (const std::string_view name : kFaultPoints) {
    EXPECT_THAT(message, HasSubstr(" " + std::string(name)));
  }
}

// One place each, so that a death at a point says where; log.appended is in both forms of Append.
TEST(FaultPoint, EveryNameIsInTheCode) {
  std::map<std::string, int> uses;
  const std::regex use("\\bFaultPoint\\(\"([^\"]*)\"\\)");
  for (const char* folder : {"cluster", "shard", "store"}) {
    for (const auto& file :
         std::filesystem::directory_iterator(std::string(UNIRUST_SOURCE_DIR) + "/" + folder)) {
      std::ostringstream text;
      text << std::ifstream(file.path()).rdbuf();
      const std::string code = text.str();
      for (std::sregex_iterator it(code.begin(), code.end(), use), end; it != end; ++it) {
        ++uses[(*it)[1]];
      }
    }
  }
  for (const std::string_view name : kFaultPoints) {
    EXPECT_EQ(uses[std::string(name)], name == "log.appended" ? 2 : 1) << name;
  }
  EXPECT_EQ(uses.size(), kFaultPoints.size());
}

}  // namespace
}  // namespace unirust
