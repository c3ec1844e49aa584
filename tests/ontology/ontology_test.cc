#include "ontology/ontology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/limits.h"
#include "tests/ontology/sample_ontology.h"

namespace unirust::ontology {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The faults of a document that must be refused.
std::string Faults(const std::string& json) {
  const auto ontology = ParseOntology(json);
  EXPECT_EQ(ontology.status().code(), absl::StatusCode::kInvalidArgument) << json;
  return std::string(ontology.status().message());
}

Ontology Parsed(const std::string& json) {
  auto ontology = ParseOntology(json);
  EXPECT_TRUE(ontology.ok()) << ontology.status();
  return ontology.ok() ? *std::move(ontology) : Ontology{};
}

struct Refusal {
  std::string json;
  std::string faults;
};

Refusal Refused(std::string json, std::string faults) {
  return {std::move(json), std::move(faults)};
}

class ParseOntologyRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(ParseOntologyRefuses, WithThisMessage) {
  EXPECT_EQ(Faults(GetParam().json), GetParam().faults);
}

INSTANTIATE_TEST_SUITE_P(
    Documents, ParseOntologyRefuses,
    ::testing::Values(Refused("[]", "ontology: an object is needed, not a list"),
                      Refused("null", "ontology: an object is needed, not null"),
                      Refused(R"({"keys": []})", "ontology: unknown field \"keys\""),
                      Refused(R"({"golden": 1})", "golden: an object is needed, not 1"),
                      Refused(R"({"identity_keys": {}})",
                              "ontology: identity_keys: a list is needed, not an object"),
                      Refused(R"({"attributes": []})",
                              "ontology: attributes: an object is needed, not a list")));

INSTANTIATE_TEST_SUITE_P(
    IdentityKeys, ParseOntologyRefuses,
    ::testing::Values(
        Refused(R"({"identity_keys": [{}]})",
                "identity_keys[0]: name is missing; identity_keys[0]: attributes is missing"),
        Refused(R"({"identity_keys": ["email"]})",
                "identity_keys[0]: an object is needed, not \"email\""),
        Refused(R"({"identity_keys": [{"name": "", "attributes": []}]})",
                "identity_keys[0]: attributes: the list is empty; "
                "identity_keys[0]: name: a non-empty string is needed, not \"\""),
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a", ""]}]})",
                "identity_keys[0]: attributes: a non-empty string is needed, not \"\""),
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a", "b", "a"]}]})",
                "identity_keys[0]: attributes: \"a\" twice"),
        Refused(
            R"({"identity_keys": [{"name": "k", "attributes": ["a"]}, {"name": "k", "attributes": ["b"]}]})",
            "identity_keys: \"k\" twice"),
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a"], "hold": 1}]})",
                "identity_keys[0]: hold: true or false is needed, not 1"),
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a"], "entity_types": []}]})",
                "identity_keys[0]: entity_types: the list is empty")));

INSTANTIATE_TEST_SUITE_P(
    MaxGroup, ParseOntologyRefuses,
    ::testing::Values(
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": 0}]})",
                "identity_keys[0]: max_group: an integer of at least 1 is needed, not 0"),
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": true}]})",
                "identity_keys[0]: max_group: an integer of at least 1 is needed, not true"),
        Refused(R"({"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": 2.0}]})",
                "identity_keys[0]: max_group: an integer of at least 1 is needed, not 2.0"),
        Refused(
            R"({"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": -99999999999999999999}]})",
            "identity_keys[0]: max_group: an integer of at least 1 is needed, not "
            "-99999999999999999999")));

INSTANTIATE_TEST_SUITE_P(
    OtherSections, ParseOntologyRefuses,
    ::testing::Values(
        Refused(R"({"strong_identifiers": [""]})",
                "strong_identifiers[0]: attribute: a non-empty string is needed, not \"\""),
        Refused(R"({"strong_identifiers": [7, {}]})",
                "strong_identifiers[0]: an object is needed, not 7; "
                "strong_identifiers[1]: attribute is missing"),
        Refused(R"({"strong_identifiers": ["ssn", {"attribute": "ssn", "scope": "global"}]})",
                "strong_identifiers: \"ssn\" twice"),
        Refused(
            R"({"strong_identifiers": [{"attribute": "ssn", "scope": "world"}]})",
            "strong_identifiers[0]: scope: one of perspective, global is needed, not \"world\""),
        Refused(
            R"({"constraints": [{"name": "c", "attribute": "a", "kind": null}]})",
            "constraints[0]: kind: one of unique, unique_within_perspective is needed, not null"),
        Refused(R"({"constraints": [{"name": "c"}]})", "constraints[0]: attribute is missing"),
        Refused(
            R"({"constraints": [{"name": "c", "attribute": "a"}, {"name": "c", "attribute": "b"}]})",
            "constraints: \"c\" twice"),
        Refused(R"({"attributes": {"a": {"multivalued": true}}})",
                "attributes.a: unknown field \"multivalued\""),
        Refused(R"({"attributes": {"a": {"ignored_values": ["", 0]}}})",
                "attributes.a: ignored_values: a string is needed, not 0"),
        Refused(R"({"perspective_weights": {"crm": "1"}})",
                "ontology: perspective_weights: crm: a finite number is needed, not \"1\""),
        Refused(R"({"golden": {"default": ["oldest"]}})",
                "golden: default: one of priority, majority, latest, smallest is needed, not "
                "\"oldest\""),
        Refused(R"({"golden": {"attributes": {"a": "latest"}}})",
                "golden: attributes: a: a list is needed, not \"latest\"")));

INSTANTIATE_TEST_SUITE_P(
    Retention, ParseOntologyRefuses,
    ::testing::Values(
        Refused(R"({"retention": {}})", "ontology: retention: a list is needed, not an object"),
        Refused(R"({"retention": [{}, 5]})",
                "retention[0]: ended_before is missing; "
                "retention[1]: an object is needed, not 5"),
        Refused(R"({"retention": [{"ended_before": -1}]})",
                "retention[0]: ended_before: an integer from 0 to 9223372036854775807 is needed, "
                "not -1"),
        Refused(R"({"retention": [{"ended_before": 9223372036854775808}]})",
                "retention[0]: ended_before: an integer from 0 to 9223372036854775807 is needed, "
                "not 9223372036854775808"),
        Refused(R"({"retention": [{"ended_before": 1.0}]})",
                "retention[0]: ended_before: an integer from 0 to 9223372036854775807 is needed, "
                "not 1.0"),
        Refused(R"({"retention": [{"ended_before": 1, "name": "", "entity_types": [],
                                   "perspectives": [""]}]})",
                "retention[0]: entity_types: the list is empty; "
                "retention[0]: name: a non-empty string is needed, not \"\"; "
                "retention[0]: perspectives: a non-empty string is needed, not \"\""),
        Refused(R"({"retention": [{"ended_before": 1, "name": "a"}, {"ended_before": 2, "name": "a"}]})",
                "retention: \"a\" twice"),
        Refused(R"({"retention": [{"ended_before": 1, "entity_type": "person"}]})",
                "retention[0]: unknown field \"entity_type\"")));

TEST(ParseOntology, ReadsRetentionRules) {
  const Ontology o = Parsed(R"({"retention": [
      {"ended_before": 0},
      {"name": "leavers", "entity_types": ["person"], "perspectives": ["hr", "erp"],
       "ended_before": 9223372036854775807},
      {"ended_before": 7}]})");
  const std::vector<RetentionRule> expected = {
      {.name = "", .entity_types = {}, .perspectives = {}, .ended_before = 0},
      {.name = "leavers",
       .entity_types = {"person"},
       .perspectives = {"hr", "erp"},
       .ended_before = std::numeric_limits<int64_t>::max()},
      {.name = "", .entity_types = {}, .perspectives = {}, .ended_before = 7}};
  EXPECT_EQ(o.retention, expected);
}

TEST(ParseOntology, RefusesWhatIsNotJson) {
  for (const std::string json :
       {"", "{", "{} {}", "{'a': 1}", "{\"golden\": NaN}", "\xEF\xBB\xBF{}", "// x\n{}"}) {
    EXPECT_THAT(Faults(json), StartsWith("not JSON: ")) << json;
  }
  EXPECT_THAT(Faults(std::string("{}\0x", 4)), HasSubstr("NUL"));
}

TEST(ParseOntology, RefusesStringsThatAreNotUtf8) {
  Faults("{\"attributes\": {\"\xFF\": {}}}");
  Faults(R"({"attributes": {"\ud800": {}}})");
  Faults("{\"attributes\": {\"\xED\xA0\x80\": {}}}");  // a surrogate spelled in bytes
}

TEST(ParseOntology, RefusesNumbersBeyondADouble) {
  Faults(R"({"perspective_weights": {"crm": 1e400}})");
  Faults(R"({"perspective_weights": {"crm": )" + std::string(400, '9') + "}}");
}

TEST(ParseOntology, RefusesTextOverTheLimit) {
  const std::string document = "{}";
  EXPECT_TRUE(ParseOntology(document + std::string(limits::kOntologyBytesMax - 2, ' ')).ok());
  EXPECT_THAT(Faults(document + std::string(limits::kOntologyBytesMax - 1, ' ')),
              HasSubstr("1048576"));
}

TEST(ParseOntology, RefusesTooLongNames) {
  const auto document = [](size_t bytes) {
    return R"({"constraints": [{"name": ")" + std::string(bytes, 'n') +
           R"(", "attribute": "a", "kind": "unique"}]})";
  };
  EXPECT_TRUE(ParseOntology(document(limits::kOntologyNameBytesMax)).ok());
  EXPECT_EQ(Faults(document(limits::kOntologyNameBytesMax + 1)),
            "constraints[0]: name: 1025 bytes, at most 1024 are allowed");
}

TEST(ParseOntology, SurvivesDeepNesting) {
  const size_t depth = limits::kOntologyBytesMax / 2 - 20;
  Faults(std::string(depth, '['));
  EXPECT_EQ(Faults("{\"golden\":" + std::string(depth, '[') + std::string(depth, ']') + "}"),
            "golden: an object is needed, not a list");
}

TEST(ParseOntology, ShowsOnlyTheBeginningOfALongValue) {
  const std::string faults =
      Faults("{\"golden\": \"" + std::string(40, 'x') + std::string(5000, '\xC3') + "\"}");
  EXPECT_THAT(faults, StartsWith("not JSON"));
  std::string accents;
  for (int i = 0; i < 5000; ++i) accents += "\xC3\xA9";
  EXPECT_LT(Faults("{\"golden\": \"" + accents + "\"}").size(), 120U);
}

TEST(ParseOntology, TakesTheLastOfRepeatedMembers) {
  const Ontology o = Parsed(R"({"golden": 5, "golden": {"default": ["latest"], "default": []}})");
  EXPECT_EQ(o, Ontology{});
}

TEST(ParseOntology, FillsInDefaults) {
  const Ontology o = Parsed(R"({"identity_keys": [{"name": "k", "attributes": ["a"]}],
      "strong_identifiers": ["s"], "constraints": [{"name": "c", "attribute": "a"}], "attributes": {"a": {}}})");
  EXPECT_EQ(o.identity_keys[0], (IdentityKey{"k", {"a"}, {}, false, {}}));
  EXPECT_EQ(o.strong_identifiers[0], (StrongIdentifier{"s", Scope::kPerspective, {}}));
  EXPECT_EQ(o.constraints[0], (Constraint{"c", "a", ConstraintKind::kUnique, {}}));
  EXPECT_EQ(o.attributes.at("a"), AttributeRule{});
}

TEST(ParseOntology, TakesIntegersOfAnySize) {
  const Ontology o = Parsed(
      R"({"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": 99999999999999999999}],
      "perspective_weights": {"a": 99999999999999999999, "b": -9223372036854775808, "c": -0.0}})");
  EXPECT_EQ(o.identity_keys[0].max_group, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(o.perspective_weights.at("a"), 1e20);
  EXPECT_EQ(o.perspective_weights.at("b"), -9223372036854775808.0);
  EXPECT_FALSE(std::signbit(o.perspective_weights.at("c")));
}

TEST(Check, AcceptsTheEmptyOntology) { EXPECT_TRUE(Check(Ontology{}).ok()); }

TEST(Check, RefusesWhatCodePutTogetherWrongly) {
  Ontology o;
  o.identity_keys = {
      {.name = "k", .attributes = {}, .max_group = {}, .hold = false, .entity_types = {}}};
  EXPECT_THAT(std::string(Check(o).message()), HasSubstr("identity_keys[0]: attributes"));
  o = {};
  o.perspective_weights["crm"] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Check(o).code(), absl::StatusCode::kInvalidArgument);
  o = {};
  o.attributes["\xFF"] = {};
  EXPECT_THAT(std::string(Check(o).message()), HasSubstr("UTF-8"));
}

TEST(ToJson, WritesOneRuleALineWithoutDefaults) {
  Ontology o = SampleOntologyV1();
  o.identity_keys.pop_back();
  o.identity_keys[1].attributes = {"a"};
  o.identity_keys[1].entity_types = {};
  o.golden_default.resize(1);
  o.retention = SampleOntologyV2().retention;
  EXPECT_EQ(ToJson(o), R"({
  "identity_keys": [
    {"name": "tax", "attributes": ["tax_number"]},
    {"name": "name+phone", "attributes": ["a"], "max_group": 18446744073709551615, "hold": true}
  ],
  "strong_identifiers": [
    {"attribute": "tax_number", "scope": "global", "entity_types": ["person"]},
    "passport"
  ],
  "constraints": [
    {"name": "one_email", "attribute": "email"},
    {"name": "one_role", "attribute": "role", "kind": "unique_within_perspective", "entity_types": ["firm"]}
  ],
  "attributes": {
    "": {},
    "email": {"multi_valued": true},
    "phone": {"ignored_values": ["", "n/a"]}
  },
  "perspective_weights": {"crm": 0.1, "erp": -1e+300, "web": 5e-324, "zero": 0},
  "golden": {"default": ["priority"], "attributes": {"email": [], "name": ["smallest", "smallest"]}},
  "retention": [
    {"name": "leavers", "entity_types": ["person"], "perspectives": ["hr", "a b"], "ended_before": 90},
    {"ended_before": 9223372036854775807}
  ]
}
)");
}

TEST(ToJson, IsReadBackAsTheSameOntology) {
  EXPECT_EQ(Parsed(ToJson(SampleOntologyV2())), SampleOntologyV2());
  EXPECT_EQ(Parsed(ToJson(Ontology{})), Ontology{});
}

TEST(Applies, HoldsForAllTypesWhenNoneIsNamed) {
  EXPECT_TRUE(Applies({}, "person"));
  EXPECT_TRUE(Applies({"firm", "person"}, "person"));
  EXPECT_FALSE(Applies({"firm"}, "person"));
}

TEST(Version, DependsOnContentAndNotOnSpelling) {
  const Ontology a =
      Parsed(R"({"attributes": {"b": {}, "a": {}}, "perspective_weights": {"x": 1.0, "y": 0}})");
  const Ontology b = Parsed(
      R"( {"perspective_weights": {"y": -0.0, "x": 1}, "constraints": [],
           "attributes": {"a": {"multi_valued": false}, "\u0062": {}}})");
  EXPECT_EQ(Version(a), Version(b));
  EXPECT_NE(Version(a), Version(Ontology{}));
}

TEST(Version, DependsOnTheOrderOfKeys) {
  Ontology o = SampleOntologyV1();
  std::swap(o.identity_keys[0], o.identity_keys[1]);
  EXPECT_NE(Version(o), Version(SampleOntologyV1()));
}

TEST(Version, DependsOnRetention) {
  EXPECT_NE(Version(SampleOntologyV2()), Version(SampleOntologyV1()));
}

TEST(Version, StaysAsClientsKnowIt) { EXPECT_EQ(Version(SampleOntologyV1()), "4b18a7af510d47bc"); }

}  // namespace
}  // namespace unirust::ontology
