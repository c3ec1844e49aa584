#include "text/line_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/text/temp_file.h"

namespace unirust::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The lines of a file; "!" and the line number stand for a line that is too long.
std::vector<std::string> Lines(std::string_view content, LineReader::Sizes sizes) {
  const TempFile file(content);
  LineReader reader(open(file.path().c_str(), O_RDONLY), file.path(), sizes);
  std::vector<std::string> lines;
  std::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&line);
    if (!more.ok()) {
      EXPECT_EQ(more.status().code(), absl::StatusCode::kInvalidArgument);
      lines.push_back("!" + std::to_string(reader.line_number()));
      continue;
    }
    if (!*more) return lines;
    lines.emplace_back(line);
  }
}

class LineReaderTest : public ::testing::TestWithParam<size_t> {
 protected:
  LineReader::Sizes sizes_{.line_bytes_max = 8, .block_bytes = GetParam()};
};

TEST_P(LineReaderTest, GivesEveryLine) {
  EXPECT_THAT(Lines("", sizes_), IsEmpty());
  EXPECT_THAT(Lines("a", sizes_), ElementsAre("a"));
  EXPECT_THAT(Lines("a\n", sizes_), ElementsAre("a"));
  EXPECT_THAT(Lines("\n\na\r\n\nbcdef", sizes_), ElementsAre("", "", "a\r", "", "bcdef"));
}

TEST_P(LineReaderTest, SkipsLinesThatAreTooLong) {
  EXPECT_THAT(Lines("12345678\n123456789\nx\n", sizes_), ElementsAre("12345678", "!2", "x"));
  EXPECT_THAT(Lines("x\n" + std::string(1000, 'y'), sizes_), ElementsAre("x", "!2"));
  EXPECT_THAT(Lines(std::string(1000, 'y') + "\n\nz", sizes_), ElementsAre("!1", "", "z"));
}

INSTANTIATE_TEST_SUITE_P(BlockSizes, LineReaderTest, ::testing::Values(1, 2, 3, 7, 64, 4096));

TEST(LineReader, HasTheDeclaredLimit) {
  const std::string longest(limits::kInputLineBytesMax, 'x');
  EXPECT_THAT(Lines(longest + "\n" + longest + "x\ny", LineReader::Sizes{}),
              ElementsAre(longest, "!2", "y"));
}

TEST(LineReader, TellsWhyAFileCannotBeRead) {
  EXPECT_EQ(LineReader::Open("/nonexistent/file").status().code(), absl::StatusCode::kNotFound);
  absl::StatusOr<LineReader> directory = LineReader::Open(::testing::TempDir());
  ASSERT_TRUE(directory.ok());
  std::string_view line;
  const absl::Status read = directory->Next(&line).status();
  EXPECT_FALSE(read.ok());
  EXPECT_THAT(std::string(read.message()), ::testing::HasSubstr(::testing::TempDir()));
}

}  // namespace
}  // namespace unirust::text
