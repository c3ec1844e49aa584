#include "config/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace unirust::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Fault(const std::string& text) {
  return std::string(ParseParts(text, "f").status().message());
}

TEST(PartsFile, HasAnAddressALine) {
  EXPECT_THAT(ParseParts("# the first rack\n a:1 \n\nb:2 # spare\r\nunix:/c", "f").value(),
              ElementsAre("a:1", "b:2", "unix:/c"));
  EXPECT_THAT(ParseParts("", "f").value(), IsEmpty());
}

TEST(PartsFile, RefusesWhatCannotBe) {
  EXPECT_THAT(Fault("a:1\n#\na:1\n"), HasSubstr("f:3: 'a:1' is there twice"));
  std::string many;
  for (size_t n = 1; n < limits::kPartsMax; ++n) many += "h:" + std::to_string(n) + "\n";
  EXPECT_EQ(ParseParts(many, "f").value().size(), limits::kPartsMax - 1);
  EXPECT_THAT(Fault(many + "h:999\n"), HasSubstr("a store has at most 256 parts"));
  ShardSettings settings;
  EXPECT_EQ(OpenPartsFile(settings).value(), nullptr);
  settings.parts_file = "/nowhere";
  EXPECT_THAT(std::string(OpenPartsFile(settings).status().message()), HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace unirust::config
