#include "cli/line_sorter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

namespace unirust::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Drained(LineSorter& sorter) {
  std::vector<std::string> lines;
  const absl::Status status = sorter.Drain([&lines](std::string_view line) {
    lines.emplace_back(line);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return lines;
}

// Lines of every size from empty to longer than a read block, many of them with equal beginnings.
std::vector<std::string> RandomLines(uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  std::vector<std::string> lines;
  for (size_t i = 0; i < count; ++i) {
    std::string line(random() % 2 == 0 ? "{\"type\": " : "");
    for (size_t left = random() % 30; left > 0; --left) line += static_cast<char>(random() % 256);
    std::replace(line.begin(), line.end(), '\n', '\r');
    lines.push_back(std::move(line));
  }
  lines.push_back(std::string(600'000, 'z'));
  lines.push_back("");
  lines.push_back(lines.front());
  return lines;
}

TEST(LineSorter, SortsBytewiseInMemory) {
  LineSorter sorter({});
  for (const char* line : {"b", "", "a\xFF", "a", "\xC3\xA9", "a", "aaaaaaaab", "aaaaaaaaa"}) {
    ASSERT_TRUE(sorter.Add(line).ok());
  }
  EXPECT_THAT(Drained(sorter),
              ElementsAre("", "a", "a", "aaaaaaaaa", "aaaaaaaab", "a\xFF", "b", "\xC3\xA9"));
}

TEST(LineSorter, SortsLinesThatBeginAlike) {
  std::mt19937 random(7);
  std::vector<std::string> lines;
  for (size_t i = 0; i < 2000; ++i) {  // alike up to any length, one within the other, or equal
    std::string line(random() % 700, random() % 4 == 0 ? '\0' : 'a');
    if (random() % 2 == 0) line += std::to_string(random() % 10);
    lines.push_back(std::move(line));
  }
  LineSorter sorter({});
  for (const std::string& line : lines) ASSERT_TRUE(sorter.Add(line).ok());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(Drained(sorter), lines);
}

TEST(LineSorter, GivesNothingForNothing) {
  LineSorter sorter({});
  EXPECT_THAT(Drained(sorter), IsEmpty());
}

TEST(LineSorter, DistinguishesAZeroByteFromTheEndOfALine) {
  LineSorter sorter({});
  const std::string zero("a\0", 2);
  ASSERT_TRUE(sorter.Add(zero).ok());
  ASSERT_TRUE(sorter.Add("a").ok());
  EXPECT_THAT(Drained(sorter), ElementsAre("a", zero));
}

TEST(LineSorter, SpillsAndMergesOverSeveralLevels) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<std::string> lines = RandomLines(seed, 2000);
    LineSorter sorter(
        {.buffer_bytes = 1000, .fan_in = 2 + seed % 4, .directory = testing::TempDir()});
    for (const std::string& line : lines) ASSERT_TRUE(sorter.Add(line).ok());
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(Drained(sorter), lines);
  }
}

TEST(LineSorter, LeavesNoFilesBehindEvenWhileItRuns) {
  const std::filesystem::path directory =
      std::filesystem::path(testing::TempDir()) / ("sorter-" + std::to_string(getpid()));
  std::filesystem::create_directory(directory);
  LineSorter sorter({.buffer_bytes = 100, .fan_in = 4, .directory = directory.string()});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sorter.Add("line " + std::to_string(i)).ok());
  const absl::Status status = sorter.Drain([&](std::string_view) {
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  std::filesystem::remove(directory);
}

TEST(LineSorter, NamesTheDirectoryThatCannotBeWritten) {
  LineSorter sorter({.buffer_bytes = 1, .fan_in = 4, .directory = "/nonexistent/directory"});
  absl::Status status;
  for (int line = 0; line < 3 && status.ok(); ++line) {  // the spill of the first shows when that of the second begins
    status = sorter.Add("a");
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("/nonexistent/directory"));
}

TEST(LineSorter, StopsAtTheFirstErrorOfTheReceiver) {
  LineSorter sorter({.buffer_bytes = 10, .fan_in = 4, .directory = testing::TempDir()});
  for (const char* line : {"c", "a", "b"}) ASSERT_TRUE(sorter.Add(line).ok());
  int taken = 0;
  const absl::Status status = sorter.Drain([&taken](std::string_view) {
    ++taken;
    return absl::AbortedError("enough");
  });
  EXPECT_TRUE(absl::IsAborted(status));
  EXPECT_EQ(taken, 1);
}

}  // namespace
}  // namespace unirust::cli
