#include "resolve/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Interval kAlways{kMinTime, kMaxTime};

// One claim: perspective, value, interval. Each is a record of its own.
struct Said {
  std::string perspective;
  std::string value;
  Interval interval = kAlways;
};

std::vector<GoldenValue> GoldenOf(const std::string& strategies, const std::vector<Said>& said,
                                  const std::string& attributes = "{}") {
  Compiled compiled(R"({"golden": {"default": )" + strategies + R"(}, "attributes": )" +
                    attributes + R"(, "perspective_weights": {"crm": 2, "erp": 2, "web": -1}})");
  std::vector<store::RecordRow> rows;
  rows.reserve(said.size());
  for (const Said& s : said)
    rows.push_back(compiled.Record(s.perspective, {{"name", s.value, s.interval}}));
  std::vector<const store::RecordRow*> records;
  for (const store::RecordRow& row : rows) records.push_back(&row);
  Names names(compiled.interner);
  const std::vector<GoldenValue> golden = Golden(records, compiled.rules, names);
  EXPECT_TRUE(names.status().ok());
  return golden;
}

// The value that is golden always; "" if none is.
std::string Winner(const std::string& strategies, const std::vector<Said>& said) {
  const std::vector<GoldenValue> golden = GoldenOf(strategies, said);
  if (golden.empty()) return "";
  EXPECT_THAT(golden, ElementsAre(Descriptor{"name", golden[0].value, kAlways}));
  return golden[0].value;
}

struct Case {
  const char* what;
  const char* strategies;
  std::vector<Said> said;
  const char* winner;
};

TEST(Golden, StrategiesChooseAsTheTableSays) {
  const std::vector<Case> cases = {
      {"one value needs no strategy", "[]", {{"crm", "a"}, {"web", "a"}}, "a"},
      {"two without a strategy: none", "[]", {{"crm", "a"}, {"web", "b"}}, ""},
      {"priority: highest weight", R"(["priority"])", {{"web", "a"}, {"crm", "b"}}, "b"},
      {"priority: absent weight is 0", R"(["priority"])", {{"web", "a"}, {"other", "b"}}, "b"},
      {"priority: a value's best voice counts",
       R"(["priority"])",
       {{"web", "a"}, {"crm", "a"}, {"other", "b"}},
       "a"},
      {"priority: a tie stays", R"(["priority"])", {{"crm", "a"}, {"erp", "b"}, {"web", "c"}}, ""},
      {"a tie goes to the next strategy",
       R"(["priority", "smallest"])",
       {{"erp", "b"}, {"crm", "d"}, {"web", "a"}},
       "b"},
      {"majority: most perspectives",
       R"(["majority"])",
       {{"crm", "a"}, {"erp", "b"}, {"web", "b"}},
       "b"},
      {"majority: records of one perspective count once",
       R"(["majority"])",
       {{"crm", "a"}, {"crm", "a"}, {"erp", "b"}, {"web", "b"}},
       "b"},
      {"majority counts voices of what is left only",
       R"(["priority", "majority"])",
       {{"crm", "a"}, {"erp", "b"}, {"other", "b"}, {"web", "c"}},
       "b"},
      {"smallest: bytewise", R"(["smallest"])", {{"crm", "\xC3\xA9"}, {"erp", "z"}}, "z"},
      {"empty values count as absent", R"(["smallest"])", {{"crm", ""}, {"erp", "z"}}, "z"},
  };
  for (const Case& c : cases) EXPECT_EQ(Winner(c.strategies, c.said), c.winner) << c.what;
}

TEST(Golden, LatestLooksAtTheStartOfTheClaimsThatHold) {
  EXPECT_THAT(
      GoldenOf(R"(["latest"])", {{"crm", "a", {0, 9}}, {"erp", "b", {5, 7}}, {"web", "a", {8, 9}}}),
      ElementsAre(Descriptor{"name", "a", {0, 5}}, Descriptor{"name", "a", {7, 9}},
                  Descriptor{"name", "b", {5, 7}}));
  EXPECT_THAT(GoldenOf(R"(["latest"])", {{"crm", "a"}, {"erp", "b", {kMinTime, 0}}}),
              ElementsAre(Descriptor{"name", "a", {0, kMaxTime}}))
      << "both start at the beginning of time";
}

TEST(Golden, IsCutAtEveryBoundaryAndCoalesced) {
  EXPECT_THAT(GoldenOf("[]", {{"crm", "a", {0, 5}}, {"erp", "a", {5, 8}}, {"web", "b", {6, 7}}}),
              ElementsAre(Descriptor{"name", "a", {0, 6}}, Descriptor{"name", "a", {7, 8}}));
}

TEST(Golden, HoldsAllValuesOfAMultiValuedAttribute) {
  EXPECT_THAT(GoldenOf(R"(["smallest"])",
                       {{"crm", "b", {0, 5}}, {"erp", "a", {3, 8}}, {"web", "b", {5, 6}}},
                       R"({"name": {"multi_valued": true}})"),
              ElementsAre(Descriptor{"name", "a", {3, 8}}, Descriptor{"name", "b", {0, 6}}));
}

TEST(Golden, LeavesIgnoredValuesOut) {
  EXPECT_THAT(
      GoldenOf("[]", {{"crm", "n/a"}, {"erp", "z"}}, R"({"name": {"ignored_values": ["n/a"]}})"),
      ElementsAre(Descriptor{"name", "z", kAlways}));
  EXPECT_THAT(GoldenOf("[]", {{"crm", "n/a"}}, R"({"name": {"ignored_values": ["n/a"]}})"),
              IsEmpty());
}

TEST(Golden, AnAttributesOwnStrategiesReplaceTheDefaultEvenIfEmpty) {
  Compiled compiled(R"({"golden": {"default": ["smallest"], "attributes": {"name": []}}})");
  const auto a = compiled.Record("crm", {{"name", "a", kAlways}, {"town", "a", kAlways}});
  const auto b = compiled.Record("erp", {{"name", "b", kAlways}, {"town", "b", kAlways}});
  Names names(compiled.interner);
  EXPECT_THAT(Golden({&a, &b}, compiled.rules, names),
              ElementsAre(Descriptor{"town", "a", kAlways}));
}

TEST(Clipped, KeepsWhatHoldsInTheInterval) {
  const std::vector<GoldenValue> golden = {
      {"a", "x", {0, 5}}, {"a", "y", {5, 9}}, {"b", "z", kAlways}};
  EXPECT_THAT(Clipped(golden, {3, 5}),
              ElementsAre(Descriptor{"a", "x", {3, 5}}, Descriptor{"b", "z", {3, 5}}));
  EXPECT_EQ(Clipped(golden, kAlways), golden);
}

// The values that semantics.md, 7.2, leaves at one time, taken literally: each strategy looks only at the claims on the
// values that are left.
std::set<std::string> LeftAt(const Interval& piece, const std::vector<std::string>& strategies,
                             const std::vector<Said>& said) {
  std::vector<Said> holding;
  std::set<std::string> left;
  for (const Said& s : said) {
    if (!Covers(s.interval, piece)) continue;
    holding.push_back(s);
    left.insert(s.value);
  }
  for (const std::string& strategy : strategies) {
    std::map<std::string, double> score;
    for (const std::string& value : left) {
      std::set<std::string> voices;
      double best = -1e300;
      for (const Said& s : holding) {
        if (s.value != value) continue;
        voices.insert(s.perspective);
        const double own = strategy == "priority" ? (s.perspective == "web" ? -1 : 2)
                                                  : static_cast<double>(s.interval.start);
        best = std::max(best, own);
      }
      score[value] = strategy == "majority" ? static_cast<double>(voices.size()) : best;
    }
    if (strategy == "smallest") {
      if (!left.empty()) left = {*left.begin()};
      continue;
    }
    double top = -1e300;
    for (const auto& [value, own] : score) top = std::max(top, own);
    std::erase_if(left, [&](const std::string& value) { return score[value] < top; });
  }
  return left;
}

RC_GTEST_PROP(Golden, IsWhatTheStrategiesLeaveAtEachTime, ()) {
  std::vector<std::string> strategies;
  for (const char* strategy : {"priority", "majority", "latest", "smallest"}) {
    if (*rc::gen::arbitrary<bool>()) {
      strategies.insert(strategies.begin() + *rc::gen::inRange<ptrdiff_t>(0, std::ssize(strategies) + 1),
                        strategy);
    }
  }
  std::vector<Said> said;
  std::vector<Interval> intervals;
  for (int i = *rc::gen::inRange(0, 9); i > 0; --i) {
    const auto start = *rc::gen::inRange<Instant>(0, 8);
    const Interval interval{start, start + *rc::gen::inRange<Instant>(1, 6)};
    said.push_back({*rc::gen::element<std::string>("crm", "erp", "web"),
                    *rc::gen::element<std::string>("a", "b", "c"), interval});
    intervals.push_back(interval);
  }
  std::string json;
  for (const std::string& strategy : strategies) {
    json += (json.empty() ? "\"" : ", \"") + strategy + "\"";
  }
  const std::vector<GoldenValue> golden = GoldenOf("[" + json + "]", said);
  for (const Interval& piece : ElementaryIntervals(intervals)) {
    const std::set<std::string> left = LeftAt(piece, strategies, said);
    std::set<std::string> found;
    for (const GoldenValue& value : golden) {
      if (Overlaps(value.interval, piece)) found.insert(value.value);
    }
    RC_CLASSIFY(left.size() > 1, "several left");
    RC_ASSERT(found == (left.size() == 1 ? left : std::set<std::string>()));
  }
}

}  // namespace
}  // namespace unirust::resolve
