#include "workload/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/workload/around.h"

namespace unirust::workload {
namespace {

TEST(Random, GivesTheSameNumbersOnEveryMachine) {
  EXPECT_EQ(Random(1)(2, 3), 17568265102287721480U);
  EXPECT_EQ(Permutation(1000).At(7, 0), 420U);
}

TEST(Random, DiffersBySeedPurposeAndNumber) {
  std::vector<uint64_t> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (uint64_t purpose = 0; purpose < 20; ++purpose) {
      for (uint64_t number = 0; number < 20; ++number)
        seen.push_back(Random(seed)(purpose, number));
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(Below, ReachesAllNumbersAlike) {
  const Random random(1);
  std::map<uint64_t, uint64_t> counts;
  for (uint64_t i = 0; i < 70000; ++i) ++counts[Below(random(0, i), 7)];
  ASSERT_EQ(counts.size(), 7U);
  EXPECT_EQ(counts.rbegin()->first, 6U);
  for (const auto& [number, count] : counts) EXPECT_THAT(count, Around(10000, 500)) << number;
  EXPECT_EQ(Below(~uint64_t{0}, 1), 0U);
  EXPECT_EQ(Below(~uint64_t{0}, uint64_t{1} << 32U), (uint64_t{1} << 32U) - 1);
}

TEST(Skewed, HalvesTheFrequencyWhereRanksDouble) {
  const Random random(1);
  std::vector<uint64_t> counts(15);
  for (uint64_t i = 0; i < 80000; ++i) ++counts.at(Skewed(random(0, i), 4));
  EXPECT_THAT(counts[0], Around(20000, 1000));
  for (size_t rank = 1; rank < 3; ++rank) EXPECT_THAT(counts[rank], Around(10000, 500)) << rank;
  for (size_t rank = 7; rank < 15; ++rank) EXPECT_THAT(counts[rank], Around(2500, 250)) << rank;
}

TEST(Permutation, ReachesEveryIndexOnceWhateverTheSize) {
  std::vector<uint64_t> sizes = {1000, 1023, 1024, 1025, 65537};
  for (uint64_t size = 1; size < 70; ++size) sizes.push_back(size);
  for (const uint64_t size : sizes) {
    const Permutation permutation(size);
    for (const uint64_t key : {uint64_t{0}, ~uint64_t{0}}) {
      std::vector<bool> seen(size);
      for (uint64_t i = 0; i < size; ++i) {
        const uint64_t at = permutation.At(key, i);
        ASSERT_LT(at, size);
        ASSERT_FALSE(seen[at]) << size;
        seen[at] = true;
      }
    }
  }
}

TEST(Permutation, LeavesNoOrder) {
  constexpr uint64_t kSize = 10000;
  const Permutation permutation(kSize);
  uint64_t ascending = 0;
  uint64_t near = 0;
  for (uint64_t i = 1; i < kSize; ++i) {
    const uint64_t before = permutation.At(1, i - 1);
    const uint64_t here = permutation.At(1, i);
    ascending += here > before ? 1 : 0;
    near += std::max(here, before) - std::min(here, before) < 100 ? 1 : 0;
  }
  EXPECT_THAT(ascending, Around(kSize / 2, 500));
  EXPECT_LT(near, 400U);
}

}  // namespace
}  // namespace unirust::workload
