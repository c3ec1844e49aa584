#include "text/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace unirust::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Write Parsed(const std::string& line) {
  JsonLinesReader reader;
  Write write;
  const absl::Status status = reader.Parse(line, &write);
  EXPECT_TRUE(status.ok()) << status;
  return write;
}

std::string Fault(const std::string& line) {
  JsonLinesReader reader;
  Write write;
  const absl::Status status = reader.Parse(line, &write);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << line;
  return std::string(status.message());
}

// A line of the identity p/c/1 with these further members.
std::string Line(const std::string& members) {
  return R"({"entity_type": "p", "perspective": "c", "uid": "1", )" + members + "}";
}

std::string WithDescriptor(const std::string& members) {
  return Line("\"descriptors\": [{" + members + "}]");
}

TEST(JsonLinesReader, ReadsAWrite) {
  const Write w = Parsed(
      R"({"entity_type": "person", "perspective": "crm", "uid": "4\u00e92", "version": -7, "op": "upsert",
          "descriptors": [{"attr": "b", "value": "", "start": 5, "end": 9}, {"attr": "a", "value": "\ud83d\ude00"}]})");
  EXPECT_EQ(w.identity, (Identity{"person", "crm",
                                  "4\xC3\xA9"
                                  "2"}));
  EXPECT_EQ(w.version, -7);
  EXPECT_FALSE(w.retract);
  EXPECT_THAT(w.descriptors,
              ElementsAre(Descriptor{"b", "", {5, 9}}, Descriptor{"a", "\xF0\x9F\x98\x80", {}}));
}

TEST(JsonLinesReader, ReadsTheExtremesOfTime) {
  const Write w = Parsed(WithDescriptor(
      R"("attr": "a", "value": "v", "start": -9223372036854775808, "end": 9223372036854775807)"));
  EXPECT_EQ(w.descriptors[0].interval, Interval{});
}

TEST(JsonLinesReader, ReadsRetractionsWithAndWithoutDescriptors) {
  EXPECT_TRUE(Parsed(Line(R"("op": "delete")")).retract);
  const Write w = Parsed(Line(R"("op": "delete", "descriptors": [{"attr": "a", "value": "v"}])"));
  EXPECT_TRUE(w.retract);
  EXPECT_EQ(w.descriptors.size(), 1U);
}

TEST(JsonLinesReader, ForgetsThePreviousLine) {
  JsonLinesReader reader;
  Write write;
  ASSERT_TRUE(
      reader
          .Parse(
              Line(R"("op": "delete", "version": 3, "descriptors": [{"attr": "a", "value": "v"}])"),
              &write)
          .ok());
  ASSERT_TRUE(reader.Parse(Line(R"("descriptors": [])"), &write).ok());
  EXPECT_FALSE(write.retract);
  EXPECT_EQ(write.version, std::nullopt);
  EXPECT_TRUE(write.descriptors.empty());
}

TEST(JsonLinesReader, TakesTheLastOfRepeatedMembers) {
  const Write w = Parsed(
      Line(R"("uid": 5, "uid": "2", "descriptors": [{"attr": 1, "value": "v", "attr": "a"}])"));
  EXPECT_EQ(w.identity.uid, "2");
  EXPECT_EQ(w.descriptors[0].attribute, "a");
}

TEST(JsonLinesReader, IgnoresUnknownMembersOfDescriptors) {
  EXPECT_EQ(Parsed(WithDescriptor(R"("attr": "a", "value": "v", "note": [1.5, {"x": null}])"))
                .descriptors[0],
            (Descriptor{"a", "v", {}}));
}

TEST(JsonLinesReader, NamesTheFieldAtFault) {
  EXPECT_EQ(Fault("[]"), "line: an object is needed, not a list");
  EXPECT_EQ(Fault(R"({"perspective": "c", "uid": "1", "descriptors": []})"),
            "entity_type: a non-empty string is needed, not absent");
  EXPECT_EQ(Fault(Line(R"("uid": "", "descriptors": [])")),
            "uid: a non-empty string is needed, not \"\"");
  EXPECT_EQ(Fault(Line(R"("version": 1.0, "descriptors": [])")),
            "version: a 64-bit integer is needed, not 1.0");
  EXPECT_EQ(Fault(Line(R"("version": null, "descriptors": [])")),
            "version: a 64-bit integer is needed, not null");
  EXPECT_EQ(Fault(Line(R"("op": "retract", "descriptors": [])")),
            "op: \"upsert\" or \"delete\" is needed, not \"retract\"");
  EXPECT_EQ(Fault(Line(R"("descriptors": [], "Version": 1)")), "unknown field \"Version\"");
  EXPECT_EQ(Fault(Line(R"("version": 1)")), "descriptors: missing (an empty list is allowed)");
  EXPECT_EQ(Fault(Line(R"("descriptors": null)")), "descriptors: a list is needed, not null");
  EXPECT_EQ(Fault(Line(R"("descriptors": [{"attr": "a", "value": "v"}, 5])")),
            "descriptors[1]: an object is needed, not 5");
  EXPECT_EQ(Fault(WithDescriptor(R"("value": "v")")),
            "descriptors[0].attr: a non-empty string is needed, not absent");
  EXPECT_EQ(Fault(WithDescriptor(R"("attr": "a")")),
            "descriptors[0].value: a string is needed, not absent");
  EXPECT_EQ(Fault(WithDescriptor(R"("attr": "a", "value": "v", "start": true)")),
            "descriptors[0].start: a 64-bit integer is needed, not true");
  EXPECT_EQ(Fault(WithDescriptor(R"("attr": "a", "value": "v", "end": 9223372036854775808)")),
            "descriptors[0].end: a 64-bit integer is needed, not 9223372036854775808");
}

TEST(JsonLinesReader, ChecksWhatTheModelChecks) {
  EXPECT_THAT(Fault(WithDescriptor(R"("attr": "a", "value": "v", "start": 7, "end": 7)")),
              StartsWith("descriptors[0].end: 7 <= start 7"));
  EXPECT_THAT(Fault(WithDescriptor("\"attr\": \"a\", \"value\": \"" +
                                   std::string(limits::kValueBytesMax + 1, 'v') + "\"")),
              StartsWith("descriptors[0].value"));
  EXPECT_THAT(Fault(Line(R"("op": "delete", "descriptors": [{"attr": "", "value": "v"}])")),
              HasSubstr("attr"));
}

TEST(JsonLinesReader, RefusesWhatIsNotJsonOrNotUtf8) {
  for (const std::string& line :
       {std::string("{"), std::string("{} {}"), Line("\"descriptors\": [],"),
        Line("\"descriptors\": []") + "\xEF\xBB\xBF", "\xEF\xBB\xBF" + Line("\"descriptors\": []"),
        WithDescriptor("\"attr\": \"\xFF\", \"value\": \"\"")}) {
    EXPECT_THAT(Fault(line), StartsWith("not JSON: ")) << line;
  }
  Fault(WithDescriptor(R"("attr": "a", "value": "\ud800")"));
  Fault(WithDescriptor(R"("attr": "a", "value": "\udc00")"));
  EXPECT_EQ(Fault(WithDescriptor(R"("attr": "a", "value": "v", "start": 99999999999999999999)")),
            "not JSON: a number is malformed or too large");
}

TEST(JsonLinesReader, SurvivesDeepNesting) {
  Fault(std::string(1000000, '['));
  Fault(std::string(100000, '[') + std::string(100000, ']'));
}

std::string Printed(const Write& write) {
  std::string line;
  AppendJsonLine(write, &line);
  return line;
}

Write Written(bool retract, std::optional<int64_t> version, std::vector<Descriptor> descriptors) {
  return {.identity = {"p", "c", "1"},
          .version = version,
          .retract = retract,
          .descriptors = std::move(descriptors)};
}

TEST(AppendJsonLine, WritesOnlyWhatDiffersFromItsDefault) {
  EXPECT_EQ(Printed(Written(false, {}, {})),
            R"({"entity_type": "p", "perspective": "c", "uid": "1", "descriptors": []})");
  EXPECT_EQ(
      Printed(Written(true, 0, {})),
      R"({"entity_type": "p", "perspective": "c", "uid": "1", "version": 0, "op": "delete"})");
  EXPECT_EQ(Printed(Written(false, {}, {{"a", "v", {}}, {"b", "", {5, 7}}})),
            R"({"entity_type": "p", "perspective": "c", "uid": "1", "descriptors": )"
            R"([{"attr": "a", "value": "v"}, {"attr": "b", "value": "", "start": 5, "end": 7}]})");
}

TEST(AppendJsonLine, IsReadBackAsTheSameWrite) {
  const std::string odd = "\"\\\n\t\x01 \xC3\xA9\xF0\x9F\x98\x80/%";
  for (const bool retract : {false, true}) {
    for (const std::optional<int64_t> version :
         {std::optional<int64_t>(), {0}, {kMinTime}, {kMaxTime}}) {
      for (const Interval interval :
           {Interval{}, {kMinTime, 0}, {-5, kMaxTime}, {kMaxTime - 1, kMaxTime}}) {
        const Write write{.identity = {odd, odd + "p", odd + "u"},
                          .version = version,
                          .retract = retract,
                          .descriptors = {{odd + "a", odd, interval}, {"a", "", {}}}};
        const Write read = Parsed(Printed(write));
        EXPECT_EQ(read.identity, write.identity);
        EXPECT_EQ(read.version, write.version);
        EXPECT_EQ(read.retract, write.retract);
        EXPECT_EQ(read.descriptors, write.descriptors);
      }
    }
  }
}

}  // namespace
}  // namespace unirust::text
