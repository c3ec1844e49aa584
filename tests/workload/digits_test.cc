#include "workload/digits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace unirust::workload {
namespace {

std::string Digits(uint64_t number, uint32_t width) {
  std::string out = "x";
  AppendDigits(number, width, &out);
  return out;
}

std::string Hex(uint64_t number, uint32_t width, HexCase letters) {
  std::string out = "x";
  AppendHex(number, width, letters, &out);
  return out;
}

TEST(AppendDigits, FillsUpWithZerosAndCutsNothing) {
  EXPECT_EQ(Digits(0, 1), "x0");
  EXPECT_EQ(Digits(42, 4), "x0042");
  EXPECT_EQ(Digits(12345, 4), "x12345");
  EXPECT_EQ(Digits(UINT64_MAX, 20), "x18446744073709551615");
  EXPECT_EQ(Digits(7, 20), "x00000000000000000007");
}

TEST(AppendHex, KeepsTheLowestDigits) {
  EXPECT_EQ(Hex(0xABCDEF, 8, HexCase::kUpper), "x00ABCDEF");
  EXPECT_EQ(Hex(0xABCDEF, 2, HexCase::kLower), "xef");
  EXPECT_EQ(Hex(UINT64_MAX, 16, HexCase::kLower), "xffffffffffffffff");
}

}  // namespace
}  // namespace unirust::workload
