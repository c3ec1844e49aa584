#include "bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace unirust::bench {
namespace {

TEST(Figures, TellQuantiles) {
  Figures figures;
  std::vector<uint64_t> micros(101);
  std::iota(micros.rbegin(), micros.rend(), 0);  // descending
  figures.AddLatencies("call", micros);
  EXPECT_EQ(figures.Find("call_p50_micros"), 50);
  EXPECT_EQ(figures.Find("call_p99_micros"), 99);
  EXPECT_EQ(figures.Find("call_max_micros"), 100);
  EXPECT_EQ(figures.Find("call"), std::nullopt);
}

TEST(Figures, TellOneValueThreeTimesAndNoneNotAtAll) {
  Figures figures;
  figures.AddLatencies("one", {7});
  figures.AddLatencies("none", {});
  EXPECT_EQ(figures.Find("one_p50_micros"), 7);
  EXPECT_EQ(figures.Find("one_p99_micros"), 7);
  EXPECT_EQ(figures.list().size(), 3U);
}

TEST(Figures, LeaveOutWhatIsNoNumber) {
  Figures figures;
  figures.Add("rate", std::numeric_limits<double>::infinity());
  figures.Add("ratio", std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(figures.list().empty());
}

}  // namespace
}  // namespace unirust::bench
