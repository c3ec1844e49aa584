#include "base/histogram.h"

#include <gtest/gtest.h>

#include <limits>

namespace unirust {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.counts().total(), 0U);
  EXPECT_EQ(histogram.counts().Quantile(99), 0U);
  EXPECT_EQ(histogram.counts().AtMost(63), 0U);
}

TEST(Histogram, HasQuantilesAtMostAFifthTooHigh) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 1000; ++value) histogram.Add(value);
  const Histogram::Counts counts = histogram.counts();
  EXPECT_EQ(counts.total(), 1000U);
  EXPECT_EQ(counts.sum(), 500500U);
  EXPECT_EQ(counts.max(), 1000U);
  for (const uint64_t percent : {1U, 10U, 50U, 90U, 99U}) {
    EXPECT_GE(counts.Quantile(percent), percent * 10);
    EXPECT_LE(counts.Quantile(percent), percent * 12);
  }
  EXPECT_EQ(counts.Quantile(100), 1000U);
}

TEST(Histogram, CountsUpToPowersOfTwoInclusive) {
  Histogram histogram;
  for (uint64_t value = 0; value <= 1000; ++value) histogram.Add(value);
  const Histogram::Counts counts = histogram.counts();
  for (size_t power = 0; power <= 9; ++power) {
    EXPECT_EQ(counts.AtMost(power), (uint64_t{1} << power) + 1) << power;
  }
  EXPECT_EQ(counts.AtMost(10), 1001U);
  EXPECT_EQ(counts.AtMost(63), 1001U);
}

TEST(Histogram, TakesTheLargestNumbers) {
  Histogram histogram;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  histogram.Add(kMax);
  histogram.Add(uint64_t{1} << 63U);
  const Histogram::Counts counts = histogram.counts();
  EXPECT_EQ(counts.AtMost(63), 1U);
  EXPECT_EQ(counts.max(), kMax);
  EXPECT_EQ(counts.Quantile(50), uint64_t{1} << 63U);
  EXPECT_EQ(counts.Quantile(100), kMax);
}

TEST(Histogram, TimesAScope) {
  Histogram histogram;
  { const Histogram::Timer timer(histogram); }
  EXPECT_EQ(histogram.counts().total(), 1U);
}

}  // namespace
}  // namespace unirust
