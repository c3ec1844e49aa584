#include "rpc/metrics.h"

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace unirust::rpc {
namespace {

constexpr Metric kResidentMemory{MetricType::kGauge, "process_resident_memory_bytes",
                                 "resident memory of the process"};
constexpr Metric kProcessorTime{MetricType::kCounter, "process_cpu_seconds_total",
                                "processor time of the process, user and system"};
constexpr Metric kOpenFiles{MetricType::kGauge, "process_open_fds", "open file descriptors"};

// Buckets of a histogram end at powers of two of what it counts.
struct Buckets {
  size_t first_power;
  size_t last_power;
  double unit;  // what 1 of a histogram is called
};
constexpr Buckets kMicros{4, 26, 1e-6};
constexpr Buckets kWhole{0, 20, 1};

prometheus::MetricType TypeOf(const Metric& metric) {
  switch (metric.type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kSeconds:
    case MetricType::kSizes:
      break;
  }
  return prometheus::MetricType::Histogram;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

MetricFamilies::MetricFamilies() = default;
MetricFamilies::~MetricFamilies() = default;

void MetricFamilies::Declare(const Metric& metric) {
  prometheus::MetricFamily& family = families_[metric.name];
  family.name = metric.name;
  family.help = metric.help;
  family.type = TypeOf(metric);
}

prometheus::ClientMetric& MetricFamilies::NewSample(const Metric& metric,
                                                    const MetricLabels& labels) {
  Declare(metric);
  prometheus::ClientMetric& sample = families_[metric.name].metric.emplace_back();
  for (const auto& [name, value] : labels) sample.label.push_back({name, value});
  return sample;
}

void MetricFamilies::Add(const Metric& metric, double value, const MetricLabels& labels) {
  prometheus::ClientMetric& sample = NewSample(metric, labels);
  (metric.type == MetricType::kCounter ? sample.counter.value : sample.gauge.value) = value;
}

void MetricFamilies::Add(const Metric& metric, const Histogram& histogram,
                         const MetricLabels& labels) {
  const Buckets buckets = metric.type == MetricType::kSeconds ? kMicros : kWhole;
  const Histogram::Counts counts = histogram.counts();
  prometheus::ClientMetric::Histogram& out = NewSample(metric, labels).histogram;
  out.sample_count = counts.total();
  out.sample_sum = static_cast<double>(counts.sum()) * buckets.unit;
  for (size_t power = buckets.first_power; power <= buckets.last_power; ++power) {
    const double end = static_cast<double>(uint64_t{1} << power) * buckets.unit;
    out.bucket.push_back({counts.AtMost(power), end});
  }
}

std::vector<prometheus::MetricFamily> MetricFamilies::Take() {
  std::vector<prometheus::MetricFamily> out;
  for (auto& [name, family] : families_) out.push_back(std::move(family));
  families_.clear();
  return out;
}

void AddProcessMetrics(MetricFamilies& families) {
  uint64_t pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident_pages;
  families.Add(kResidentMemory,
               static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  families.Add(kProcessorTime, Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  families.Add(kOpenFiles, static_cast<double>(std::distance(begin(files), end(files))));
}

}  // namespace unirust::rpc
