#include "workload/order.h"

#include <gtest/gtest.h>

#include <vector>

namespace unirust::workload {
namespace {

TEST(Order, ReachesEveryNumberOnceAndStaysInTheWindow) {
  for (const uint64_t count : {1, 9, 10, 11, 95, 100}) {
    for (const uint64_t window : {1, 10, 100, 1000}) {
      const Order order(count, window, Random(1));
      std::vector<bool> seen(count);
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t at = order.At(i);
        ASSERT_LT(at, count);
        ASSERT_EQ(at / window, i / window);
        ASSERT_FALSE(seen[at]);
        seen[at] = true;
      }
    }
  }
}

TEST(Order, DiffersFromWindowToWindow) {
  const Order order(2000, 1000, Random(1));
  uint64_t same = 0;
  for (uint64_t i = 0; i < 1000; ++i) same += order.At(i) + 1000 == order.At(i + 1000) ? 1 : 0;
  EXPECT_LT(same, 20U);
}

}  // namespace
}  // namespace unirust::workload
