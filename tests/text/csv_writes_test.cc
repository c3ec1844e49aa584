#include "text/csv_writes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/text/temp_file.h"

namespace unirust::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMapping[] =
    R"({"entity_type": {"constant": "person"}, "perspective": {"constant": "crm"}, "uid": "id",
        "version": "v", "op": "op",
        "start": "from", "end": "to", "attributes": {"name": "name",
        "mail": {"attribute": "email", "empty": "keep"}}})";
constexpr char kHeader[] = "id,v,op,from,to,name,mail\n";

absl::StatusOr<std::unique_ptr<CsvWrites>> Open(const TempFile& file) {
  return CsvWrites::Create(*LineReader::Open(file.path()), *ParseCsvMapping(kMapping));
}

std::string Show(const Write& write) {
  std::string out = write.identity.uid;
  if (write.version) out += " v" + std::to_string(*write.version);
  if (write.retract) out += " delete";
  for (const Descriptor& d : write.descriptors) {
    out += " " + d.attribute + "=" + d.value;
    if (d.interval.start != kMinTime) out += "@" + std::to_string(d.interval.start);
    if (d.interval.end != kMaxTime) out += "-" + std::to_string(d.interval.end);
  }
  return out;
}

// What a file with kHeader and these rows gives: "line: write" or "line! fault".
std::vector<std::string> Items(const std::string& rows) {
  const TempFile file(kHeader + rows);
  auto writes = Open(file);
  EXPECT_TRUE(writes.ok()) << writes.status();
  std::vector<std::string> items;
  Write write;
  uint64_t line = 0;
  while (true) {
    const absl::StatusOr<bool> more = (*writes)->Next(&write, &line);
    if (more.ok() && !*more) return items;
    const std::string number = std::to_string(line);
    items.push_back(more.ok() ? number + ": " + Show(write)
                              : number + "! " + std::string(more.status().message()));
  }
}

TEST(CsvWrites, MapsCells) {
  EXPECT_THAT(Items("1,,,,,Ann,a@x\n2,-5,delete,3,9,Bob,b@x\n3,,upsert,,7,Cid,\n"),
              ElementsAre("2: 1 name=Ann email=a@x", "3: 2 v-5 delete name=Bob@3-9 email=b@x@3-9",
                          "4: 3 name=Cid-7 email=-7"));
}

TEST(CsvWrites, SkipsOrKeepsEmptyCells) {
  EXPECT_THAT(Items("1,,,,,,\n"), ElementsAre("2: 1 email="));
}

TEST(CsvWrites, GathersRowsOfOneIdentity) {
  EXPECT_THAT(Items("1,,,0,5,Ann,a\n1,,,5,,Anna,a\n2,,,,,Bob,b\n1,,,,,Late,l\n"),
              ElementsAre("2: 1 name=Ann@0-5 email=a@0-5 name=Anna@5 email=a@5",
                          "4: 2 name=Bob email=b", "5: 1 name=Late email=l"));
}

TEST(CsvWrites, KeepsVersionsAndOpsApart) {
  EXPECT_THAT(Items("1,1,,,,A,a\n1,2,,,,B,b\n1,2,delete,,,C,c\n1,,,,,D,d\n").size(), 4U);
}

TEST(CsvWrites, GivesNothingForAHeaderAlone) { EXPECT_THAT(Items(""), IsEmpty()); }

TEST(CsvWrites, ReportsABadRowAndGoesOn) {
  EXPECT_THAT(Items("1,,,x,,A,a\n2,,,,,B,b\n3,,,9,9,C,c\n,,,,,D,d\n4,,,,,E,e\n"),
              ElementsAre("2! column from: a 64-bit integer is needed, not \"x\"",
                          "3: 2 name=B email=b", HasSubstr("4! descriptors[0].end: 9 <= start 9"),
                          HasSubstr("5! uid"), "6: 4 name=E email=e"));
}

TEST(CsvWrites, LeavesOutAWriteThatHasABadRow) {
  EXPECT_THAT(Items("1,,,0,5,A,a\n1,,,5,?,B,b\n1,,,9,,C,c\n2,,,,,D,d\n"),
              ElementsAre(HasSubstr("3! column to"),
                          "2! person/crm/1 is left out, because line 3 belongs to it",
                          "5: 2 name=D email=d"));
}

TEST(CsvWrites, LeavesOutAWriteThatAnUnreadableRowInterrupts) {
  EXPECT_THAT(Items("1,,,0,5,A,a\n1,,\n1,,,9,,C,c\n"),
              ElementsAre("3! 3 cells, the header has 7",
                          "2! person/crm/1 is left out, because line 3 belongs to it"));
}

TEST(CsvWrites, KeepsTheWritesAroundAnUnreadableRow) {
  EXPECT_THAT(
      Items("1,,,,,A,a\n?,?\n2,,,,,B,b\n"),
      ElementsAre("3! 2 cells, the header has 7", "2: 1 name=A email=a", "4: 2 name=B email=b"));
  EXPECT_THAT(Items("1,,,,,A,a\n2,z,,,,B,b\n3,,undo,,,C,c\n\"x\"y\n"),
              ElementsAre("3! column v: a 64-bit integer is needed, not \"z\"",
                          "4! column op: upsert, delete or nothing is needed, not \"undo\"",
                          "5! text after a closing quote", "2: 1 name=A email=a"));
}

TEST(CsvWrites, BoundsTheRowsOfOneWrite) {
  std::string rows;
  for (size_t i = 0; i <= limits::kDescriptorsPerRecordMax / 2; ++i) rows += "1,,,,,A,a\n";
  const std::vector<std::string> items = Items(rows + "2,,,,,B,b\n");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_THAT(items[0], HasSubstr("too many rows of person/crm/1"));
  EXPECT_THAT(items[1], HasSubstr("is left out"));
  EXPECT_EQ(items[2].substr(items[2].find(' ')), " 2 name=B email=b");
}

TEST(CsvWrites, RefusesAHeaderThatDoesNotFit) {
  const TempFile empty("");
  EXPECT_THAT(std::string(Open(empty).status().message()), HasSubstr("no header"));
  const TempFile twice("id,v,op,from,to,name,mail,id\n");
  EXPECT_THAT(std::string(Open(twice).status().message()),
              HasSubstr("two columns are named \"id\""));
  const TempFile short_of_two("id,v,op,from,to\n");
  EXPECT_THAT(std::string(Open(short_of_two).status().message()), HasSubstr("\"name\", \"mail\""));
}

}  // namespace
}  // namespace unirust::text
