// A matcher of whole numbers that random choices bring about.
#pragma once

#include <gmock/gmock.h>

#include <cstdint>

namespace unirust::workload {

inline auto Around(uint64_t expected, uint64_t tolerance) {
  return testing::AllOf(testing::Ge(expected - tolerance), testing::Le(expected + tolerance));
}

}  // namespace unirust::workload
