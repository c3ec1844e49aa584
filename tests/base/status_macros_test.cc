#include "base/status_macros.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace unirust {
namespace {

absl::Status Both(const absl::Status& first, bool* reached) {
  UNIRUST_RETURN_IF_ERROR(first);
  *reached = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Sum(absl::StatusOr<std::unique_ptr<int>> a, absl::StatusOr<int> b) {
  UNIRUST_ASSIGN_OR_RETURN(const std::unique_ptr<int> left, std::move(a));
  UNIRUST_ASSIGN_OR_RETURN(const int right, b);
  return *left + right;
}

TEST(StatusMacros, ReturnIfErrorPassesErrorsOnAndNothingElse) {
  bool reached = false;
  EXPECT_EQ(Both(absl::NotFoundError("x"), &reached), absl::NotFoundError("x"));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(Both(absl::OkStatus(), &reached).ok());
  EXPECT_TRUE(reached);
}

TEST(StatusMacros, AssignOrReturnMovesTheValueOrPassesTheErrorOn) {
  EXPECT_EQ(Sum(std::make_unique<int>(2), 3).value(), 5);
  EXPECT_EQ(Sum(std::make_unique<int>(2), absl::DataLossError("b")).status(),
            absl::DataLossError("b"));
  EXPECT_EQ(Sum(absl::AbortedError("a"), 3).status(), absl::AbortedError("a"));
}

}  // namespace
}  // namespace unirust
