#include "text/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/text/temp_file.h"

namespace unirust::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Rows as "line:cell|cell"; "line!message" for a fault.
std::vector<std::string> Rows(std::string_view content) {
  const TempFile file(content);
  CsvReader reader(*LineReader::Open(file.path()));
  std::vector<std::string> rows;
  CsvRow row;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&row);
    if (!more.ok()) {
      EXPECT_EQ(more.status().code(), absl::StatusCode::kInvalidArgument);
      rows.push_back(std::to_string(row.line) + "!" + std::string(more.status().message()));
      continue;
    }
    if (!*more) return rows;
    std::string text = std::to_string(row.line) + ":";
    for (size_t i = 0; i < row.cells.size(); ++i) text += (i > 0 ? "|" : "") + row.cells[i];
    rows.push_back(text);
  }
}

TEST(CsvReader, SplitsCells) {
  EXPECT_THAT(Rows(""), IsEmpty());
  EXPECT_THAT(Rows("a"), ElementsAre("1:a"));
  EXPECT_THAT(Rows("a,b,c\n1,,\n,,3"), ElementsAre("1:a|b|c", "2:1||", "3:||3"));
  EXPECT_THAT(Rows(" a , b "), ElementsAre("1: a | b "));
}

TEST(CsvReader, TakesBothLineEnds) {
  EXPECT_THAT(Rows("a,b\r\n1,2\n3,\r\n"), ElementsAre("1:a|b", "2:1|2", "3:3|"));
}

TEST(CsvReader, UnquotesCells) {
  EXPECT_THAT(Rows("\"a\",\"\",\"b\"\"c\"\r\n\"\""), ElementsAre("1:a||b\"c", "2:"));
  EXPECT_THAT(Rows("\"x,y\",z"), ElementsAre("1:x,y|z"));
  EXPECT_THAT(Rows("\"\"\"\""), ElementsAre("1:\""));
}

TEST(CsvReader, KeepsLineEndsInQuotes) {
  EXPECT_THAT(Rows("\"a\nb\",\"\r\n\"\nc,d\n\"\n\n\"\ne"),
              ElementsAre("1:a\nb|\r\n", "4:c|d", "5:\n\n", "8:e"));
}

TEST(CsvReader, SkipsAByteOrderMarkAndEmptyLines) {
  EXPECT_THAT(Rows("\xEF\xBB\xBF\"a\"\n\n\r\nb\n\n"), ElementsAre("1:a", "4:b"));
}

TEST(CsvReader, GoesOnAfterAFault) {
  EXPECT_THAT(Rows("\"a\"x,1\nb\"c\n\"d\"\"\ne\"f\ng"),
              ElementsAre("1!text after a closing quote", "2!a quote within an unquoted cell",
                          "3!text after a closing quote", "5:g"));
}

TEST(CsvReader, RefusesAQuoteThatIsNeverClosed) {
  EXPECT_THAT(Rows("a\nb,\"c\nd\n"), ElementsAre("1:a", "2!a quote is opened and never closed"));
}

TEST(CsvReader, RefusesARowOverTheLimit) {
  const std::string half(limits::kInputLineBytesMax / 2, 'x');
  EXPECT_EQ(Rows("\"" + half + "\n" + half + "\"\ny\n")[0].substr(0, 22), "1!the row is longer th");
  EXPECT_EQ(Rows("\"" + half + "\n" + half.substr(4) + "\"\ny\n").size(), 2U);
}

}  // namespace
}  // namespace unirust::text
