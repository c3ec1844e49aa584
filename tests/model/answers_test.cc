#include "model/answers.h"

#include <gtest/gtest.h>

namespace unirust {
namespace {

// Conflicts are listed in the order of their kinds' names, and the enum's order stands for it.
TEST(ConflictKind, IsOrderedByName) {
  EXPECT_STREQ(ConflictKindName(ConflictKind::kConstraintViolation), "constraint_violation");
  EXPECT_STREQ(ConflictKindName(ConflictKind::kDirect), "direct");
  EXPECT_STREQ(ConflictKindName(ConflictKind::kIndirect), "indirect");
  EXPECT_LT(ConflictKind::kConstraintViolation, ConflictKind::kDirect);
  EXPECT_LT(ConflictKind::kDirect, ConflictKind::kIndirect);
}

}  // namespace
}  // namespace unirust
