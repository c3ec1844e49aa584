#include "rpc/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/exit_codes.h"
#include "base/log.h"
#include "rpc/metrics_endpoint.h"

namespace unirust::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr Metric kCalls{MetricType::kCounter, "calls_total", "calls by name"};
constexpr Metric kDepth{MetricType::kGauge, "depth", "how deep"};
constexpr Metric kTime{MetricType::kSeconds, "time_seconds", "how long"};
constexpr Metric kSize{MetricType::kSizes, "size", "how large"};

std::string Text(MetricFamilies& families) {
  return prometheus::TextSerializer().Serialize(families.Take());
}

TEST(MetricFamilies, GatherSamplesOfOneNameByLabels) {
  MetricFamilies families;
  families.Add(kCalls, 3, {{"name", "a \"b\"\n"}, {"code", "OK"}});
  families.Add(kDepth, -1.5);
  families.Add(kCalls, 4);
  EXPECT_EQ(Text(families),
            "# HELP calls_total calls by name\n"
            "# TYPE calls_total counter\n"
            "calls_total{name=\"a \\\"b\\\"\\n\",code=\"OK\"} 3\n"
            "calls_total 4\n"
            "# HELP depth how deep\n"
            "# TYPE depth gauge\n"
            "depth -1.5\n");
  EXPECT_EQ(Text(families), "");
}

TEST(MetricFamilies, AreThereWithoutSamples) {
  MetricFamilies families;
  families.Declare(kDepth);
  EXPECT_EQ(Text(families), "# HELP depth how deep\n# TYPE depth gauge\n");
}

TEST(MetricFamilies, TellMicrosecondsInSeconds) {
  Histogram micros;
  for (const uint64_t value : {16U, 17U, 1'000'000U, 100'000'000U}) micros.Add(value);
  MetricFamilies families;
  families.Add(kTime, micros, {{"stage", "a"}});
  EXPECT_THAT(Text(families), AllOf(HasSubstr("time_seconds_count{stage=\"a\"} 4\n"),
                                    HasSubstr("time_seconds_sum{stage=\"a\"} 101.000033\n"),
                                    HasSubstr("{stage=\"a\",le=\"1.6e-05\"} 1\n"),
                                    HasSubstr("{stage=\"a\",le=\"3.2e-05\"} 2\n"),
                                    HasSubstr("{stage=\"a\",le=\"1.048576\"} 3\n"),
                                    HasSubstr("{stage=\"a\",le=\"67.108864\"} 3\n"),
                                    HasSubstr("{stage=\"a\",le=\"+Inf\"} 4\n")));
}

TEST(MetricFamilies, TellSizesAsTheyAre) {
  Histogram sizes;
  for (const uint64_t value : {1U, 2U, 5000U, 2'000'000U}) sizes.Add(value);
  MetricFamilies families;
  families.Add(kSize, sizes);
  EXPECT_THAT(Text(families),
              AllOf(HasSubstr("size_sum 2005003\n"), HasSubstr("{le=\"1\"} 1\n"),
                    HasSubstr("{le=\"2\"} 2\n"), HasSubstr("{le=\"4096\"} 2\n"),
                    HasSubstr("{le=\"8192\"} 3\n"), HasSubstr("{le=\"+Inf\"} 4\n")));
}

TEST(ProcessMetrics, TellOfThisProcess) {
  MetricFamilies families;
  AddProcessMetrics(families);
  for (const prometheus::MetricFamily& family : families.Take()) {
    ASSERT_EQ(family.metric.size(), 1U) << family.name;
    EXPECT_GT(family.metric[0].counter.value + family.metric[0].gauge.value, 0) << family.name;
  }
}

std::string Log(const std::string& listen, std::unique_ptr<MetricsEndpoint>* endpoint) {
  ::testing::internal::CaptureStderr();
  auto started = MetricsEndpoint::Start(listen, {});
  EXPECT_TRUE(started.ok()) << started.status();
  *endpoint = *std::move(started);
  return ::testing::internal::GetCapturedStderr();
}

TEST(MetricsEndpoint, IsNoneWithoutAnAddress) {
  std::unique_ptr<MetricsEndpoint> endpoint;
  EXPECT_EQ(Log("", &endpoint), "");
  EXPECT_EQ(endpoint, nullptr);
}

TEST(MetricsEndpoint, TellsItsPortAndDoesNotShareIt) {
  std::unique_ptr<MetricsEndpoint> endpoint;
  const std::string log = Log("127.0.0.1:0", &endpoint);
  const std::string key = "address=";
  ASSERT_THAT(log, ::testing::ContainsRegex("metrics address=127\\.0\\.0\\.1:[1-9][0-9]*\n"));
  const size_t begin = log.find(key) + key.size();
  const std::string address = log.substr(begin, log.find('\n') - begin);
  const absl::Status status = MetricsEndpoint::Start(address, {}).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(ExitCodeOf(status), kExitUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(address));
}

TEST(MetricsEndpoint, RefusesAddressesThatAreNone) {
  for (const char* const listen :
       {"nowhere", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:0s", "unix:/tmp/x",
        ":9100", "127.0.0.1:1,127.0.0.1:2"}) {
    const absl::Status status = MetricsEndpoint::Start(listen, {}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << listen << ": " << status;
    EXPECT_EQ(ExitCodeOf(status), kExitUsage);
  }
}

}  // namespace
}  // namespace unirust::rpc
