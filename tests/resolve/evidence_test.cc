#include "resolve/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Interval kAlways{kMinTime, kMaxTime};

constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_name", "attributes": ["given", "family", "town"]}],
  "strong_identifiers": ["tax", {"attribute": "vat", "scope": "global"},
                         {"attribute": "isbn", "entity_types": ["book"]}],
  "attributes": {"given": {"ignored_values": ["n/a"]}, "tax": {"ignored_values": ["0"]}}})";

std::vector<Descriptor> AnyDescriptors(const std::vector<std::string>& attributes,
                                       const std::vector<std::string>& values) {
  std::vector<Descriptor> out;
  for (const Interval& interval : *gen::AnyIntervals()) {
    out.push_back({*rc::gen::elementOf(attributes), *rc::gen::elementOf(values), interval});
  }
  return out;
}

// The times of each counting value of one attribute.
std::map<std::string, IntervalSet> ValuesOf(const std::vector<Descriptor>& descriptors,
                                            const std::string& attribute,
                                            const std::string& ignored) {
  std::map<std::string, std::vector<Interval>> times;
  for (const Descriptor& d : descriptors) {
    if (d.attribute == attribute && !d.value.empty() && d.value != ignored)
      times[d.value].push_back(d.interval);
  }
  std::map<std::string, IntervalSet> out;
  for (const auto& [value, intervals] : times) out[value] = Coalesce(intervals);
  return out;
}

using Instances = std::map<std::vector<std::string>, IntervalSet>;

RC_GTEST_PROP(KeyInstances, AreTheChoicesWhoseTimesIntersect, ()) {
  Compiled compiled(kOntology);
  const auto descriptors =
      AnyDescriptors({"given", "family", "town", "tax"}, {"", "n/a", "a", "b"});
  Instances expected;
  for (const auto& [given, given_times] : ValuesOf(descriptors, "given", "n/a")) {
    for (const auto& [family, family_times] : ValuesOf(descriptors, "family", "")) {
      for (const auto& [town, town_times] : ValuesOf(descriptors, "town", "")) {
        const IntervalSet all = Intersect(Intersect(given_times, family_times), town_times);
        if (!all.empty()) expected[{given, family, town}] = all;
      }
    }
  }
  const auto record = compiled.Record("crm", descriptors);
  const auto instances = KeyInstances(compiled.rules.keys()[0], record.descriptors, compiled.rules);
  RC_ASSERT(instances.ok());
  Instances found;
  for (const KeyInstance& instance : *instances) {
    RC_ASSERT(found
                  .emplace(std::vector<std::string>(instance.values.begin(), instance.values.end()),
                           instance.time)
                  .second);
  }
  RC_ASSERT(found == expected);
}

// `counts[i]` values of the key's i-th attribute, all held always.
absl::StatusOr<std::vector<KeyInstance>> WithCounts(const std::vector<size_t>& counts) {
  static Compiled compiled(kOntology);
  static store::RecordRow record;
  std::vector<Descriptor> descriptors;
  const std::vector<std::string> attributes = {"given", "family", "town"};
  for (size_t i = 0; i < counts.size(); ++i) {
    for (size_t n = 0; n < counts[i]; ++n)
      descriptors.push_back({attributes[i], "v" + std::to_string(n), kAlways});
  }
  record = compiled.Record("crm", descriptors);
  return KeyInstances(compiled.rules.keys()[0], record.descriptors, compiled.rules);
}

TEST(KeyInstances, MayBe1024) {
  EXPECT_EQ(WithCounts({32, 32, 1})->size(), limits::kKeyInstancesMax);
  EXPECT_EQ(WithCounts({1024, 1, 1})->size(), limits::kKeyInstancesMax);
  EXPECT_THAT(*WithCounts({1024, 1}), IsEmpty()) << "no town, no instance";
}

TEST(KeyInstances, BeyondThatAreRefusedAlsoOfTheFirstAttributesAlone) {
  for (const std::vector<size_t>& counts : std::vector<std::vector<size_t>>{{1025, 1, 1},
                                                                            {41, 25, 1},
                                                                            {1025},
                                                                            {1025, 0, 1},
                                                                            {41, 25},
                                                                            {32, 32, 2},
                                                                            {2000, 2000, 2000}}) {
    const auto instances = WithCounts(counts);
    EXPECT_EQ(instances.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(instances.status().message()),
                HasSubstr("more than 1024 instances of key by_name"));
  }
}

TEST(KeyInstances, ThatNeverMeetInTimeDoNotCount) {
  Compiled compiled(kOntology);
  std::vector<Descriptor> descriptors;
  for (int i = 0; i < 1000; ++i) {
    for (const char* attribute : {"given", "family", "town"}) {
      descriptors.push_back({attribute, "v" + std::to_string(i), {i, i + 1}});
    }
  }
  const auto record = compiled.Record("crm", descriptors);
  EXPECT_EQ(KeyInstances(compiled.rules.keys()[0], record.descriptors, compiled.rules)->size(),
            1000U);
}

// --- signatures ----------------------------------------------------------------------------------

TEST(SignatureOf, PutsValuesOfAPerspectiveOrOfAllIntoTheirDomain) {
  Compiled compiled(kOntology);
  const auto record = compiled.Record("crm", {{"tax", "7", {0, 5}},
                                              {"tax", "8", {3, 9}},
                                              {"vat", "x", kAlways},
                                              {"isbn", "1", kAlways},
                                              {"tax", "0", kAlways}});
  EXPECT_THAT(SignatureOf(record, compiled.rules),
              ElementsAre(StrongRow{0, compiled.Symbol("crm"), {0, 3}, {"7"}},
                          StrongRow{0, compiled.Symbol("crm"), {3, 5}, {"7", "8"}},
                          StrongRow{0, compiled.Symbol("crm"), {5, 9}, {"8"}},
                          StrongRow{1, SymbolId(), kAlways, {"x"}}));
}

RC_GTEST_PROP(SignatureOf, HoldsAtEachInstantAllCountingValues, ()) {
  Compiled compiled(kOntology);
  const auto descriptors = AnyDescriptors({"tax", "vat", "isbn"}, {"", "0", "a", "b", "c"});
  const Signature signature = SignatureOf(compiled.Record("crm", descriptors), compiled.rules);
  Signature again = signature;
  Normalize(again);
  RC_ASSERT(again == signature);
  std::vector<Interval> intervals;
  for (const Descriptor& d : descriptors) intervals.push_back(d.interval);
  for (const Instant t : gen::Probes(intervals)) {
    for (uint16_t identifier = 0; identifier < 3; ++identifier) {
      std::vector<std::string> expected;
      const auto held = identifier == 2   ? std::map<std::string, IntervalSet>()  // not for persons
                        : identifier == 1 ? ValuesOf(descriptors, "vat", "")
                                          : ValuesOf(descriptors, "tax", "0");
      for (const auto& [value, times] : held) {
        if (gen::Holds(times, t)) expected.push_back(value);
      }
      std::vector<std::string> found;
      for (const StrongRow& row : signature) {
        if (row.identifier == identifier && gen::Holds({row.interval}, t)) found = row.values;
      }
      RC_ASSERT(found == expected);
    }
  }
}

}  // namespace
}  // namespace unirust::resolve
