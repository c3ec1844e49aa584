#include "shard/paging.h"

#include <gtest/gtest.h>

namespace unirust::shard {
namespace {

constexpr size_t kMax = limits::kUnaryAnswerBytesMax;

TEST(PageSize, StartsSmallAndGrowsToWhatWasAskedFor) {
  PageSize size(0);
  EXPECT_LT(size.items(), limits::kPageItemsDefault);
  EXPECT_TRUE(size.Accept(1));
  EXPECT_EQ(size.items(), limits::kPageItemsDefault);
}

TEST(PageSize, IsNeverMoreThanTheLimitOrTheRequest) {
  PageSize huge(1'000'000);
  EXPECT_TRUE(huge.Accept(0));
  EXPECT_EQ(huge.items(), limits::kPageItemsMax);
  PageSize three(3);
  EXPECT_EQ(three.items(), 3U);
  EXPECT_TRUE(three.Accept(1));
  EXPECT_EQ(three.items(), 3U);
}

TEST(PageSize, ShrinksWhenAMessageIsTooLarge) {
  PageSize size(100);
  EXPECT_TRUE(size.Accept(kMax));
  EXPECT_EQ(size.items(), 50U);  // half full
  EXPECT_FALSE(size.Accept(kMax + 1));
  EXPECT_EQ(size.items(), 24U);
  EXPECT_FALSE(size.Accept(100 * kMax));
  EXPECT_EQ(size.items(), 1U);
}

TEST(PageSize, SendsOneItemWhateverItsSize) {
  PageSize size(1);
  EXPECT_TRUE(size.Accept(10 * kMax));
  EXPECT_EQ(size.items(), 1U);
}

}  // namespace
}  // namespace unirust::shard
