#include "workload/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/workload/around.h"

namespace unirust::workload {
namespace {

constexpr uint64_t kWrites = 400'000;  // 18,000 that repeat nothing of the rarest type
constexpr uint64_t kSeedsPerType = 10'000;
constexpr Instant kFirstStart = 1'704'067'200;
constexpr Instant kDay = 86'400;

template <typename Function>
void ForEachEvent(uint64_t writes, Function function) {
  const Events events({.records = writes, .seed = 1});
  Write write;
  for (uint64_t i = 0; i < events.writes(); ++i) {
    events.Make(i, &write);
    function(i, write);
  }
}

const std::string& ValueOf(const Write& write, std::string_view attribute) {
  static const std::string kNone;
  for (const Descriptor& descriptor : write.descriptors) {
    if (descriptor.attribute == attribute) return descriptor.value;
  }
  return kNone;
}

TEST(Events, HasTheSharesOfTypesInEveryPart) {
  const std::map<std::string, uint64_t> shares = {
      {"user", 15},  {"session", 20},      {"process", 25}, {"network_connection", 15},
      {"asset", 10}, {"vulnerability", 5}, {"alert", 5},    {"file", 5}};
  std::map<std::string, uint64_t> counts;
  ForEachEvent(kWrites, [&](uint64_t position, const Write& write) {
    ++counts[write.identity.entity_type];
    if ((position + 1) % 20000 != 0) return;
    ASSERT_EQ(counts.size(), shares.size());
    for (const auto& [type, count] : counts) ASSERT_EQ(count, shares.at(type) * 200) << type;
    counts.clear();
  });
}

TEST(Events, MixesTypesWithoutAPattern) {
  std::map<std::string, uint64_t> after;  // an asset comes
  std::string before;
  ForEachEvent(20000, [&](uint64_t, const Write& write) {
    if (before == "asset") ++after[write.identity.entity_type];
    before = write.identity.entity_type;
  });
  EXPECT_EQ(after.size(), 8U);
  EXPECT_THAT(after["process"], Around(520, 70));
}

TEST(Events, TellsFourToSixAttributesFromTwoOrThreePerspectives) {
  std::map<std::string, std::vector<std::string>> attributes;
  std::map<std::string, std::map<std::string, uint64_t>> perspectives;
  std::map<std::string, uint64_t> counts;
  ForEachEvent(40000, [&](uint64_t, const Write& write) {
    std::vector<std::string> told;
    for (const Descriptor& descriptor : write.descriptors) told.push_back(descriptor.attribute);
    const std::string& type = write.identity.entity_type;
    ASSERT_EQ(attributes.try_emplace(type, told).first->second, told);
    ++perspectives[type][write.identity.perspective];
    ++counts[type];
  });
  for (const auto& [type, told] : attributes) {
    EXPECT_THAT(told.size(), testing::AllOf(testing::Ge(4U), testing::Le(6U))) << type;
    EXPECT_EQ(std::set<std::string>(told.begin(), told.end()).size(), told.size()) << type;
  }
  for (const auto& [type, by_perspective] : perspectives) {
    const uint64_t several = by_perspective.size();
    EXPECT_THAT(several, testing::AnyOf(2U, 3U)) << type;
    for (const auto& [perspective, count] : by_perspective) {
      EXPECT_THAT(count, Around(counts[type] / several, counts[type] / 25)) << type << perspective;
    }
  }
}

TEST(Events, HasOneIntervalARecordOfAMinuteToADayInThirtyDays) {
  std::vector<uint64_t> starts(30);  // by day
  Instant shortest = kDay;
  Instant longest = 0;
  double total = 0;
  ForEachEvent(kWrites, [&](uint64_t, const Write& write) {
    const Interval interval = write.descriptors.front().interval;
    for (const Descriptor& descriptor : write.descriptors) {
      ASSERT_EQ(descriptor.interval, interval);
    }
    ASSERT_GE(interval.start, kFirstStart);
    ++starts.at(static_cast<size_t>((interval.start - kFirstStart) / kDay));
    shortest = std::min(shortest, interval.end - interval.start);
    longest = std::max(longest, interval.end - interval.start);
    total += static_cast<double>(interval.end - interval.start);
    if (write.identity.entity_type == "session") {
      ASSERT_EQ(ValueOf(write, "login_time"), std::to_string(interval.start));
    }
  });
  for (const uint64_t count : starts) EXPECT_THAT(count, Around(kWrites / 30, kWrites / 600));
  EXPECT_EQ(shortest, 60);
  EXPECT_EQ(longest, kDay);
  EXPECT_NEAR(total / kWrites, (60 + kDay) / 2.0, 200);
}

// What of a record tells what it is.
const std::map<std::string, std::vector<std::string>>& Telling() {
  static const std::map<std::string, std::vector<std::string>> kTelling = {
      {"user", {"user_sid", "user_upn", "employee_id", "department"}},
      {"session", {"session_id"}},
      {"process", {"process_hash", "process_id", "asset_id"}},
      {"network_connection", {"flow_id"}},
      {"asset", {"asset_id", "hostname", "ip_address", "os_type"}},
      {"vulnerability", {"cve_id", "asset_id"}},
      {"alert", {"alert_id"}},
      {"file", {"file_hash"}}};
  return kTelling;
}

std::vector<std::string> Told(const Write& write) {
  std::vector<std::string> told = {write.identity.entity_type};
  for (const auto& attribute : Telling().at(write.identity.entity_type)) {
    told.push_back(ValueOf(write, attribute));
    EXPECT_NE(told.back(), "") << attribute;
  }
  return told;
}

TEST(Events, RepeatsInATenthOfTheRecordsOneOfTheFirstTenThousandOfTheType) {
  std::map<std::string, std::vector<std::string>> told;           // by uid
  std::map<std::string, std::map<std::string, uint64_t>> writes;  // by type and uid
  std::map<std::string, uint64_t> counts;
  std::map<std::string, std::set<std::string>> firsts;  // values of the first descriptor, by type
  ForEachEvent(kWrites, [&](uint64_t, const Write& write) {
    firsts[write.identity.entity_type].insert(write.descriptors.front().value);
    const std::string& uid = write.identity.uid;
    ASSERT_EQ(uid.size(), 12U);
    ASSERT_EQ(told.try_emplace(uid, Told(write)).first->second, Told(write));
    ++writes[write.identity.entity_type][uid];
    ++counts[write.identity.entity_type];
  });
  EXPECT_EQ(told.size(), kWrites * 9 / 10);
  for (const auto& [type, by_uid] : writes) {
    EXPECT_EQ(by_uid.size(), counts[type] * 9 / 10) << type;
    EXPECT_THAT(firsts[type].size(), Around(by_uid.size(), by_uid.size() / 40)) << type;
    uint64_t rank = 0;
    uint64_t last_repeated = 0;
    uint64_t most = 0;
    for (const auto& [uid, times] : by_uid) {  // in the order of the counter
      if (times > 1) last_repeated = rank;
      most = std::max(most, times);
      ++rank;
    }
    EXPECT_LT(last_repeated, kSeedsPerType) << type;
    EXPECT_GT(last_repeated, kSeedsPerType * 95 / 100) << type;
    EXPECT_LT(most, 40U) << type;  // the earliest seeds are repeated the most often
  }
}

TEST(Events, ReplacesARecordOrIsAnotherOneWhenItRepeats) {
  std::map<std::string, std::set<std::string>> perspectives;  // by uid
  std::set<Identity> identities;
  ForEachEvent(kWrites, [&](uint64_t, const Write& write) {
    perspectives[write.identity.uid].insert(write.identity.perspective);
    identities.insert(write.identity);
  });
  const uint64_t others = identities.size() - perspectives.size();
  const uint64_t replaced = kWrites - identities.size();
  EXPECT_EQ(others + replaced, kWrites / 10);
  EXPECT_GT(others, kWrites / 30);
  EXPECT_GT(replaced, kWrites / 30);
}

TEST(Events, CountsUidsAndVersionsInTheOrderOfArrival) {
  uint64_t fresh = 0;
  ForEachEvent(20000, [&](uint64_t position, const Write& write) {
    ASSERT_TRUE(write.version.has_value());  // so early, all are seeds or repeat one
    ASSERT_NEAR(static_cast<double>(*write.version), static_cast<double>(position), 20);
    const int64_t uid = std::stoll(write.identity.uid);
    if (uid <= *write.version) return;  // a seed's, that came before
    ASSERT_EQ(uid, *write.version + 1);
    ++fresh;
  });
  EXPECT_EQ(fresh, 18000U);
}

TEST(Events, LeavesTheVersionAwayWhereNothingRepeatsARecord) {
  std::map<std::string, std::pair<uint64_t, bool>> writes;  // by uid: how many, all without version
  ForEachEvent(kWrites, [&](uint64_t, const Write& write) {
    auto& [times, plain] = writes.try_emplace(write.identity.uid, 0, true).first->second;
    ++times;
    plain = plain && !write.version;
  });
  uint64_t plain_ones = 0;
  for (const auto& [uid, entry] : writes) {
    if (!entry.second) continue;
    ++plain_ones;
    ASSERT_EQ(entry.first, 1U) << uid;
  }
  EXPECT_EQ(plain_ones, kWrites * 9 / 10 - 8 * kSeedsPerType);
}

TEST(Events, SpeaksOfUsersAndAssetsThatHaveArrived) {
  const std::map<std::string, std::string> mentions = {// an attribute, and whose it is
                                                       {"user_ref", "user_sid"},
                                                       {"asset_ref", "asset_id"},
                                                       {"asset_id", "asset_id"}};
  std::map<std::string, std::set<std::string>> arrived;
  std::map<std::string, std::set<std::string>> mentioned;
  ForEachEvent(100000, [&](uint64_t position, const Write& write) {
    const std::string& type = write.identity.entity_type;
    for (const Descriptor& descriptor : write.descriptors) {
      const std::string& attribute = descriptor.attribute;
      if ((type == "user" && attribute == "user_sid") ||
          (type == "asset" && attribute == "asset_id")) {
        arrived[attribute].insert(descriptor.value);
      } else if (position >= 20 && mentions.contains(attribute)) {
        mentioned[attribute].insert(descriptor.value);
        ASSERT_TRUE(arrived[mentions.at(attribute)].contains(descriptor.value))
            << attribute << " of " << type << " at " << position;
      }
    }
  });
  for (const auto& [attribute, values] : mentioned) EXPECT_GT(values.size(), 4000U) << attribute;
}

}  // namespace
}  // namespace unirust::workload
