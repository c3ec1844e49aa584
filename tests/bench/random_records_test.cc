#include "bench/random_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace unirust::bench {
namespace {

std::string Bytes(const RandomRecords& source, uint64_t number) {
  proto::RecordInput record;
  source.Make(number, &record);
  return record.SerializeAsString();
}

TEST(RandomRecords, AreEqualForEqualSeedAndNumber) {
  const RandomRecords one(1);
  const RandomRecords two(2);
  EXPECT_EQ(Bytes(one, 12345), Bytes(RandomRecords(1), 12345));
  EXPECT_NE(Bytes(one, 12345), Bytes(two, 12345));
}

TEST(RandomRecords, HaveTheirOwnIdentitiesAndSharedEmails) {
  constexpr uint64_t kBlock = 220000;
  const RandomRecords source(1);
  std::set<std::string> identities;
  std::set<std::string> taxes;
  size_t contested = 0;
  for (uint64_t number = 0; number < kBlock; ++number) {
    proto::RecordInput record;
    source.Make(number, &record);
    ASSERT_EQ(record.descriptors_size(), 5);
    identities.insert(record.identity().SerializeAsString());
    taxes.insert(record.descriptors(1).value());
    const std::string own = "e" + record.identity().uid() + "@example.org";
    EXPECT_EQ(record.descriptors(0).value(), source.EmailOf(number));
    contested += source.EmailOf(number) != own ? 1 : 0;
  }
  EXPECT_EQ(identities.size(), kBlock);
  EXPECT_EQ(taxes.size(), 100000U);  // 2.2 records an entity
  EXPECT_GT(contested, kBlock / 120);
  EXPECT_LT(contested, kBlock / 80);
}

}  // namespace
}  // namespace unirust::bench
