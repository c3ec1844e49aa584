#include "cli/display.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "cli/table.h"
#include "model/time.h"

namespace unirust::cli {
namespace {

TEST(Display, ShowsUnboundedTimes) {
  EXPECT_EQ(IntervalText(kMinTime, kMaxTime), "[-∞, ∞)");
  EXPECT_EQ(IntervalText(-5, 7), "[-5, 7)");
}

TEST(Display, EscapesWhatCouldSteerATerminal) {
  EXPECT_EQ(Printable("a\x1B[31mb\nc\td\r"), "a\\u001b[31mb\\nc\\td\\r");
  EXPECT_EQ(Printable("\x7F\xC2\x9B"), "\\u007f\\u009b");  // C1: CSI in one character
  EXPECT_EQ(Printable("\xE2\x80\xAE"
                      "gpj"),
            "\\u202egpj");  // right-to-left override
  EXPECT_EQ(Printable("Zoë 😀 \"quoted\""), "Zoë 😀 \"quoted\"");
}

TEST(Display, NeverReadsPastBrokenUtf8) {
  EXPECT_EQ(DisplayWidth("a\xF0"), 2U);
  EXPECT_EQ(Printable("a\xE2"), "a\xE2");
}

TEST(Display, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("Zoë"), 3U);
  EXPECT_EQ(DisplayWidth("Zoe\xCC\x88"), 3U);  // combining diaeresis
  EXPECT_EQ(DisplayWidth("東京"), 4U);
  EXPECT_EQ(DisplayWidth("😀"), 2U);
}

TEST(Display, SeparatesThousands) {
  EXPECT_EQ(WithSeparators(0), "0");
  EXPECT_EQ(WithSeparators(999), "999");
  EXPECT_EQ(WithSeparators(1000), "1,000");
  EXPECT_EQ(WithSeparators(1234567), "1,234,567");
}

TEST(Display, JoinsEmptyElementsToo) {
  EXPECT_EQ(Join(std::vector<std::string>{"", "a", ""}, ","), ",a,");
}

std::string Printed(const std::function<void(Table&)>& fill) {
  const std::string path = testing::TempDir() + "/table-" + std::to_string(getpid());
  auto out = Output::Open(path);
  EXPECT_TRUE(out.ok()) << out.status();
  Table table({"name", "n"}, out->get());
  fill(table);
  table.Finish();
  EXPECT_TRUE((*out)->Close().ok());
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::remove(path.c_str());
  return text.str();
}

TEST(Table, AlignsColumnsByDisplayWidth) {
  EXPECT_EQ(Printed([](Table& table) {
              table.Row({"東京", "1"});
              table.Row({"a\nb", "22"});
            }),
            "name  n\n"
            "----  --\n"
            "東京  1\n"
            "a\\nb  22\n");
}

TEST(Table, PrintsNothingWithoutRows) {
  EXPECT_EQ(Printed([](Table&) {}), "");
}

TEST(Table, PrintsTheHeadingOnceForManyRows) {
  const std::string text = Printed([](Table& table) {
    for (int i = 0; i < 1000; ++i) table.Row({"row", std::to_string(i)});
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1002);
  EXPECT_EQ(text.find("name"), text.rfind("name"));
}

}  // namespace
}  // namespace unirust::cli
