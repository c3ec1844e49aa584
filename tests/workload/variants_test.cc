#include "workload/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "ontology/ontology.h"
#include "tests/workload/around.h"
#include "workload/generator.h"

namespace unirust::workload {
namespace {

// A record's handle and everything else that it says.
struct Told {
  std::string handle;
  std::vector<Descriptor> rest;
};

Told Divide(const Write& write) {
  Told told;
  for (const Descriptor& descriptor : write.descriptors) {
    const std::string& attribute = descriptor.attribute;
    if (attribute == "email" || attribute == "website" || attribute == "hostname") {
      EXPECT_EQ(told.handle, "");
      EXPECT_EQ(descriptor.interval, Interval{});
      told.handle = descriptor.value;
    } else {
      told.rest.push_back(descriptor);
    }
  }
  EXPECT_NE(told.handle, "");
  return told;
}

std::string HandleOf(const World& world, EntityType type, uint64_t entity) {
  constexpr std::array kHandles = {Attribute::kEmail, Attribute::kWebsite, Attribute::kHostname};
  std::string handle;
  world.AppendValue(type, entity, kHandles.at(static_cast<size_t>(type)), /*after=*/false, &handle);
  return handle;
}

// Of the group's twenty entities, the one that has the handle; kEntitiesPerGroup if none has.
uint64_t OwnerInGroup(const World& world, const Subject& subject, const std::string& handle) {
  const uint64_t first = subject.entity / kEntitiesPerGroup * kEntitiesPerGroup;
  uint64_t i = 0;
  while (i < kEntitiesPerGroup && HandleOf(world, subject.type, first + i) != handle) ++i;
  return i;
}

TEST(HotKeys, IsPeopleWithOneOfTenAccountsForEachEntity) {
  const Options options{.records = 22000, .seed = 1};
  const Generator people(options);
  const HotKeys hot(options);
  ASSERT_EQ(hot.writes(), people.writes());
  std::map<std::string, uint64_t> accounts;
  std::map<std::string, std::string> account_of;  // by tax id or serial
  uint64_t told = 0;
  for (uint64_t i = 0; i < hot.writes(); ++i) {
    Write expected;
    Write write;
    people.Make(i, &expected);
    hot.Make(i, &write);
    ASSERT_EQ(write.retract, expected.retract);
    if (!write.retract) {
      const Descriptor account = write.descriptors.back();
      write.descriptors.pop_back();
      ASSERT_EQ(account.attribute, "account");
      ASSERT_EQ(account.interval, Interval{});
      ++accounts[account.value];
      ++told;
      const Descriptor& first = write.descriptors.front();
      if (first.attribute == "tax_id" || first.attribute == "serial") {
        const auto [known, added] = account_of.try_emplace(first.value, account.value);
        ASSERT_EQ(known->second, account.value);
      }
    }
    ASSERT_EQ(write.identity, expected.identity);
    ASSERT_EQ(write.version, expected.version);
    ASSERT_EQ(write.descriptors, expected.descriptors);
  }
  EXPECT_EQ(accounts.size(), HotKeys::kHotValues);
  for (const auto& [account, count] : accounts) EXPECT_THAT(count, Around(told / 10, told / 100));
}

TEST(HotKeys, HasTheRulesOfPeopleAndTheAccountAsTheLastKeyOfAllTypes) {
  const auto people = ontology::ParseOntology(Ontology());
  auto hot = ontology::ParseOntology(HotKeys({}).ontology());
  ASSERT_TRUE(people.ok() && hot.ok()) << hot.status();
  const ontology::IdentityKey key = hot->identity_keys.back();
  EXPECT_EQ(key.attributes, std::vector<std::string>{"account"});
  EXPECT_TRUE(key.entity_types.empty());
  EXPECT_FALSE(key.hold);
  EXPECT_FALSE(key.max_group.has_value());
  hot->identity_keys.pop_back();
  EXPECT_EQ(*hot, *people);
}

TEST(Contested, ClaimsTheHandleOfAnotherEntityOfItsGroupInEverySecondRecord) {
  const Options options{.records = 22000, .seed = 1};
  const Population population(options);
  const Generator people(options);
  const Contested contested(options);
  ASSERT_EQ(contested.writes(), people.writes());
  std::map<uint64_t, std::string> handles;  // by record
  uint64_t claims = 0;
  uint64_t own_again = 0;                             // of those that are contested in people
  std::array<uint64_t, kEntitiesPerGroup> further{};  // from the entity to the one it claims from
  for (uint64_t i = 0; i < contested.writes(); ++i) {
    Write expected;
    Write write;
    people.Make(i, &expected);
    contested.Make(i, &write);
    ASSERT_EQ(write.identity, expected.identity);
    ASSERT_EQ(write.version, expected.version);
    ASSERT_EQ(write.retract, expected.retract);
    if (write.retract) continue;
    const Told told = Divide(write);
    ASSERT_EQ(told.rest, Divide(expected).rest);
    const Subject subject = population.SubjectOf(population.plan().At(i).record);
    const auto [known, added] = handles.try_emplace(subject.record, told.handle);
    ASSERT_EQ(known->second, told.handle) << "both writes of a record claim the same";
    if (!added) continue;
    const uint64_t owner = OwnerInGroup(population.world(), subject, told.handle);
    ASSERT_LT(owner, kEntitiesPerGroup);
    const uint64_t own = subject.entity % kEntitiesPerGroup;
    claims += owner != own ? 1 : 0;
    own_again += owner == own && subject.event == Event::kContested ? 1 : 0;
    ++further[(owner + kEntitiesPerGroup - own) % kEntitiesPerGroup];
  }
  EXPECT_THAT(claims, Around(handles.size() / 2, handles.size() / 50));
  EXPECT_THAT(own_again, Around(handles.size() / 200, handles.size() / 500));
  for (size_t i = 1; i < further.size(); ++i) {
    EXPECT_THAT(further[i], Around(claims / 19, claims / 95)) << i;
  }
}

TEST(Rewrites, WritesEachRecordOnceAndAFifthOfAllWritesAgain) {
  for (const uint64_t records : {1, 3, 4, 5, 7, 8, 1000, 20000}) {
    const Options options{.records = records, .seed = 1, .window = 6000};
    const Rewrites rewrites(options);
    EXPECT_EQ(rewrites.writes(), records + records / 4);
    std::map<Identity, int64_t> last;
    uint64_t again = 0;
    for (uint64_t i = 0; i < rewrites.writes(); ++i) {
      Write write;
      rewrites.Make(i, &write);
      ASSERT_FALSE(write.retract);
      const auto [known, added] = last.try_emplace(write.identity, *write.version);
      ASSERT_EQ(*write.version, added ? 1 : 2) << "at " << i << " of " << records;
      if (added) continue;
      ASSERT_EQ(known->second, 1) << "rewritten once";
      known->second = 2;
      ++again;
    }
    EXPECT_EQ(last.size(), records);
    EXPECT_EQ(again, records / 4);
  }
}

TEST(Rewrites, TellsTheRecordsOfPeople) {
  const Options options{.records = 5500, .seed = 1};
  const Population population(options);
  const Rewrites rewrites(options);
  std::map<Identity, Told> people;
  for (uint64_t record = 0; record < options.records; ++record) {
    Write write;
    population.Make(population.SubjectOf(record), WriteKind::kRecord, &write);
    people[write.identity] = Divide(write);
  }
  for (uint64_t i = 0; i < rewrites.writes(); ++i) {
    Write write;
    rewrites.Make(i, &write);
    const Told told = Divide(write);
    const Told& expected = people.at(write.identity);
    ASSERT_EQ(told.rest, expected.rest);
    ASSERT_EQ(told.handle == expected.handle, write.version == 1);
  }
}

TEST(Rewrites, SpreadsNewWritesOverTheWindow) {
  constexpr uint64_t kWindow = 6000;
  const Options options{.records = 20000, .seed = 1, .window = kWindow};
  const Population population(options);
  std::map<std::string, uint64_t> records;  // by uid
  for (uint64_t record = 0; record < options.records; ++record) {
    std::string uid;
    population.world().AppendUid(record, &uid);
    records[uid] = record;
  }
  const Rewrites rewrites(options);
  uint64_t ascending = 0;
  uint64_t before = 0;
  for (uint64_t i = 0; i < rewrites.writes(); ++i) {
    Write write;
    rewrites.Make(i, &write);
    if (write.version != 1) continue;
    const uint64_t record = records.at(write.identity.uid);
    ASSERT_EQ(record / kWindow, (i - i / 5) / kWindow);
    ascending += record > before ? 1 : 0;
    before = record;
  }
  EXPECT_THAT(ascending, Around(options.records / 2, options.records / 50));
}

TEST(Rewrites, MovesToAnotherEntityOfTheGroupOrToANewHandle) {
  const Options options{.records = 11000, .seed = 1};
  const Population population(options);
  const World& world = population.world();
  std::map<std::string, Subject> subjects;  // by uid
  for (uint64_t record = 0; record < options.records; ++record) {
    std::string uid;
    world.AppendUid(record, &uid);
    subjects[uid] = population.SubjectOf(record);
  }
  const Rewrites rewrites(options);
  uint64_t moved = 0;
  std::set<std::string> fresh;
  std::set<uint64_t> owners;
  for (uint64_t i = 4; i < rewrites.writes(); i += 5) {
    Write write;
    rewrites.Make(i, &write);
    const Subject& subject = subjects.at(write.identity.uid);
    const std::string handle = Divide(write).handle;
    const uint64_t owner = OwnerInGroup(world, subject, handle);
    ASSERT_NE(owner, subject.claimed % kEntitiesPerGroup);
    if (owner < kEntitiesPerGroup) {
      ++moved;
      owners.insert(owner);
      continue;
    }
    // No entity has a number as high.
    ASSERT_EQ(handle, HandleOf(world, subject.type, limits::kWorkloadRecordsMax + subject.record));
    ASSERT_TRUE(fresh.insert(handle).second);
  }
  EXPECT_THAT(moved, Around(options.records / 8, options.records / 100));
  EXPECT_THAT(fresh.size(), Around(options.records / 8, options.records / 100));
  EXPECT_EQ(owners.size(), kEntitiesPerGroup);
}

TEST(Rewrites, ComesSoonOrLateButWithinAHundredThousand) {
  constexpr uint64_t kRecords = 120000;
  const Rewrites rewrites({.records = kRecords, .seed = 1});
  std::map<Identity, uint64_t> written;
  std::vector<uint64_t> distances;  // where there are 50,000 writes before
  for (uint64_t i = 0; i < rewrites.writes(); ++i) {
    Write write;
    rewrites.Make(i, &write);
    const auto [known, added] = written.try_emplace(write.identity, i);
    if (!added && i >= 50000) distances.push_back(i - known->second);
  }
  ASSERT_EQ(distances.size(), 20000U);
  const auto within = [&](uint64_t low, uint64_t high) {
    return static_cast<uint64_t>(std::count_if(distances.begin(), distances.end(),
                                               [&](uint64_t d) { return low <= d && d < high; }));
  };
  EXPECT_THAT(within(4, 5), Around(5000, 250));
  EXPECT_THAT(within(5, 200), Around(5250, 300));
  EXPECT_THAT(within(200, 4500), Around(5000, 400));
  EXPECT_THAT(within(4500, 100000), Around(4750, 300));
  EXPECT_EQ(within(1, 100000), distances.size());
  EXPECT_GT(within(80000, 100000), 100U);
}

}  // namespace
}  // namespace unirust::workload
