#include "text/csv_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace unirust::text {
namespace {

using ::testing::HasSubstr;

std::string Fault(const std::string& json) {
  const auto mapping = ParseCsvMapping(json);
  EXPECT_EQ(mapping.status().code(), absl::StatusCode::kInvalidArgument) << json;
  return std::string(mapping.status().message());
}

constexpr char kIdentity[] = R"("entity_type": "t", "perspective": "p", "uid": "u")";

std::string Mapping(const std::string& members) {
  return std::string("{") + kIdentity + ", " + members + "}";
}

TEST(ParseCsvMapping, ReadsEverything) {
  const auto mapping = ParseCsvMapping(
      R"({"entity_type": {"constant": "person"}, "perspective": "Source", "uid": "No",
          "version": "Rev", "op": "Op",
          "start": "From", "end": "To", "empty": "keep",
          "attributes": {"E-Mail": "email",
                         "Phone": {"attribute": "phone", "start": "PF", "end": "PT", "empty": "skip"},
                         "Fax": {"attribute": "phone"}}})");
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(*mapping, (CsvMapping{{"", "person"},
                                  {"Source", ""},
                                  {"No", ""},
                                  "Rev",
                                  "Op",
                                  {{"E-Mail", "email", "From", "To", true},
                                   {"Phone", "phone", "PF", "PT", false},
                                   {"Fax", "phone", "From", "To", true}}}));
}

TEST(ParseCsvMapping, FillsInDefaults) {
  const auto mapping = ParseCsvMapping(Mapping(R"("attributes": {"A": "a"})"));
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(*mapping,
            (CsvMapping{{"t", ""}, {"p", ""}, {"u", ""}, "", "", {{"A", "a", "", "", false}}}));
}

TEST(ParseCsvMapping, NamesTheFieldAtFault) {
  EXPECT_THAT(Fault("{"), HasSubstr("not JSON"));
  EXPECT_EQ(Fault("[]"), "mapping: an object is needed, not a list");
  EXPECT_EQ(Fault(R"({"attributes": {}})"),
            "entity_type: a non-empty string is needed, not absent");
  EXPECT_EQ(Fault(R"({"entity_type": {"column": "x"}})"), "entity_type: unknown field \"column\"");
  EXPECT_EQ(Fault(R"({"entity_type": {}})"),
            "entity_type.constant: a non-empty string is needed, not absent");
  EXPECT_EQ(Fault(Mapping(R"("attributes": {}, "delimiter": ";")")),
            "mapping: unknown field \"delimiter\"");
  EXPECT_EQ(Fault(Mapping(R"("version": 1)")), "version: a non-empty string is needed, not 1");
  EXPECT_EQ(Fault(Mapping(R"("empty": "drop")")),
            "empty: \"skip\" or \"keep\" is needed, not \"drop\"");
  EXPECT_EQ(Fault(Mapping(R"("start": "s")")),
            "attributes: an object from column to attribute is needed, not absent");
  EXPECT_EQ(Fault(Mapping(R"("attributes": {"A": ""})")),
            "attributes.A: a non-empty string is needed, not \"\"");
  EXPECT_EQ(Fault(Mapping(R"("attributes": {"A": {"start": "s"}})")),
            "attributes.A.attribute: a non-empty string is needed, not absent");
  EXPECT_EQ(Fault(Mapping(R"("attributes": {"A": {"attribute": "a", "end": null}})")),
            "attributes.A.end: a non-empty string is needed, not null");
}

TEST(ParseCsvMapping, RefusesTextOverTheLimit) {
  std::string json = Mapping("\"attributes\": {}");
  json.resize(limits::kCsvMappingBytesMax, ' ');
  EXPECT_TRUE(ParseCsvMapping(json).ok());
  EXPECT_THAT(Fault(json + " "), HasSubstr("1048576"));
}

}  // namespace
}  // namespace unirust::text
