#include "resolve/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kLongest = std::numeric_limits<int64_t>::max();

TEST(DueAt, IsTheEndAndTheTimeSinceThen) {
  EXPECT_EQ(DueAt({0, 10}, 5), 15);
  EXPECT_EQ(DueAt({0, 10}, 0), 10);
  EXPECT_EQ(DueAt({kMinTime, -10}, 3), -7) << "instants before zero";
  EXPECT_EQ(DueAt({kMinTime, kMinTime + 1}, 0), kMinTime + 1);
  EXPECT_EQ(DueAt({kMinTime, kMinTime + 1}, kLongest), 0);
}

TEST(DueAt, SaturatesAtNever) {
  EXPECT_EQ(DueAt({0, 10}, kLongest), kMaxTime);
  EXPECT_EQ(DueAt({0, kMaxTime - 5}, 5), kMaxTime);
  EXPECT_EQ(DueAt({0, kMaxTime - 5}, 4), kMaxTime - 1);
  EXPECT_EQ(DueAt({0, 1}, kLongest - 1), kMaxTime);
  EXPECT_EQ(DueAt({0, -1}, kLongest), kMaxTime - 1);
}

TEST(DueAt, IsNeverWithoutAnEnd) {
  EXPECT_EQ(DueAt({0, kMaxTime}, 0), kMaxTime);
  EXPECT_EQ(DueAt({kMinTime, kMaxTime}, kLongest), kMaxTime);
}

constexpr char kRules[] = R"({"retention": [
    {"entity_types": ["person", "firm"], "perspectives": ["crm", "web"], "ended_before": 100},
    {"perspectives": ["web"], "ended_before": 10},
    {"entity_types": ["device"], "ended_before": 0}]})";

TEST(Rules, OfRetentionTheShortestCounts) {
  Compiled c(kRules);
  const auto ended_before = [&](const char* type, const char* perspective) {
    return c.rules.EndedBefore(c.Symbol(type), c.Symbol(perspective));
  };
  EXPECT_TRUE(c.rules.HasRetention());
  EXPECT_EQ(ended_before("person", "crm"), 100);
  EXPECT_EQ(ended_before("firm", "crm"), 100);
  EXPECT_EQ(ended_before("person", "web"), 10);
  EXPECT_EQ(ended_before("other", "web"), 10);
  EXPECT_EQ(ended_before("device", "web"), 0);
  EXPECT_EQ(ended_before("device", "crm"), 0);
  EXPECT_EQ(ended_before("person", "erp"), std::nullopt);
  EXPECT_FALSE(Compiled("{}").rules.HasRetention());
}

TEST(DueInstants, AreDistinctAndAscending) {
  Compiled c(kRules);
  const store::RecordRow record = c.Record("web", {{"a", "1", {0, 50}},
                                                   {"b", "1", {-20, -10}},
                                                   {"b", "2", {-30, -10}},
                                                   {"c", "1", {0, kMaxTime}}});
  EXPECT_THAT(DueInstants(record, c.rules), ElementsAre(0, 60));
  EXPECT_THAT(DueInstants(c.Record("erp", {{"a", "1", {0, 50}}}), c.rules), IsEmpty());
}

TEST(RemoveExpired, TakesWhatWasDueBefore) {
  Compiled c(kRules);
  const store::RecordRow record =
      c.Record("web", {{"a", "1", {0, 50}}, {"a", "2", {0, 51}}, {"a", "3", {0, kMaxTime}}});
  const auto left = [&](Instant now) {
    auto descriptors = record.descriptors;
    const size_t removed =
        RemoveExpired(record.entity_type, record.perspective, c.rules, now, &descriptors);
    EXPECT_EQ(removed + descriptors.size(), record.descriptors.size());
    return descriptors.size();
  };
  EXPECT_EQ(left(kMinTime), 3U);
  EXPECT_EQ(left(60), 3U) << "due at 60: still there";
  EXPECT_EQ(left(61), 2U);
  EXPECT_EQ(left(62), 1U);
  EXPECT_EQ(left(kMaxTime), 1U) << "without an end it never expires";
}

TEST(RemoveExpired, LeavesRecordsThatNoRuleIsFor) {
  Compiled c(kRules);
  store::RecordRow record = c.Record("erp", {{"a", "1", {0, 50}}});
  EXPECT_EQ(RemoveExpired(record.entity_type, record.perspective, c.rules, kMaxTime,
                          &record.descriptors),
            0U);
  EXPECT_EQ(record.descriptors.size(), 1U);
}

}  // namespace
}  // namespace unirust::resolve
