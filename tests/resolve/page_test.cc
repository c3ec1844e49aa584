#include "resolve/page.h"

#include <gtest/gtest.h>

namespace unirust::resolve {
namespace {

constexpr size_t kMax = limits::kPageBytesMax;

TEST(PageBudget, TakesAsManyItemsAsWereAskedFor) {
  PageBudget budget(2);
  EXPECT_TRUE(budget.Take(1));
  EXPECT_FALSE(budget.full());
  EXPECT_TRUE(budget.Take(1));
  EXPECT_TRUE(budget.full());
  EXPECT_FALSE(budget.Take(0));
}

TEST(PageBudget, TakesNoItemThatWouldMakeThePageTooLarge) {
  PageBudget budget(1000);
  EXPECT_TRUE(budget.Take(kMax - 10));
  EXPECT_FALSE(budget.Take(11));
  EXPECT_TRUE(budget.Take(10));
  EXPECT_TRUE(budget.full());
}

TEST(PageBudget, TakesTheFirstItemWhateverItsSize) {
  PageBudget budget(1000);
  EXPECT_TRUE(budget.Take(100 * kMax));
  EXPECT_FALSE(budget.Take(1));
}

TEST(PageBudget, TakesItemsThatBelongTogetherAllOrNone) {
  PageBudget budget(10);
  EXPECT_TRUE(budget.TakeAll(7, 70));
  EXPECT_TRUE(budget.TakeAll(7, 70));
  EXPECT_FALSE(budget.TakeAll(1, 1));
}

TEST(PageBudget, IsSpentWhenEnoughWasRead) {
  PageBudget rows(10);
  for (size_t i = 0; i < limits::kPageRowsReadMax; ++i) {
    EXPECT_FALSE(rows.Spent());
    rows.Read(1);
  }
  EXPECT_TRUE(rows.Spent());
  PageBudget bytes(10);
  bytes.Read(limits::kPageBytesReadMax - 1);
  EXPECT_FALSE(bytes.Spent());
  bytes.Read(1);
  EXPECT_TRUE(bytes.Spent());
}

}  // namespace
}  // namespace unirust::resolve
