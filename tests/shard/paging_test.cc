#include "shard/page_size.h"

#include <gtest/gtest.h>

namespace unirust::shard {
namespace {

TEST(PageSize, IsTheDefaultWhereNothingIsAskedFor) {
  EXPECT_EQ(PageSize(0), limits::kPageItemsDefault);
}

TEST(PageSize, IsNeverMoreThanTheLimitOrTheRequest) {
  EXPECT_EQ(PageSize(3), 3U);
  EXPECT_EQ(PageSize(limits::kPageItemsMax), limits::kPageItemsMax);
  EXPECT_EQ(PageSize(1'000'000'000), limits::kPageItemsMax);
}

}  // namespace
}  // namespace unirust::shard
