// Figures as Prometheus reads them: families of one name each, samples told apart by labels.
//
//   inline constexpr Metric kCommits{MetricType::kCounter, "unirust_commits_total", "commits"};
//   families.Add(kCommits, commits);
//
// Counters live where they are counted; a family is filled from them when it is asked for. Not
// thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/histogram.h"

namespace prometheus {
struct ClientMetric;
struct MetricFamily;
}  // namespace prometheus

namespace unirust::rpc {

enum class MetricType {
  kCounter,
  kGauge,
  kSeconds,  // a histogram of microseconds, told in seconds: 16 us to 67 s, doubling
  kSizes,    // a histogram of whole numbers: 1 to a million, doubling
};

// Literals. docs/operations.md has a row of each.
struct Metric {
  MetricType type;
  const char* name;
  const char* help;
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class MetricFamilies {
 public:
  MetricFamilies();
  ~MetricFamilies();

  // The family is there, if without a sample.
  void Declare(const Metric& metric);
  void Add(const Metric& metric, double value, const MetricLabels& labels = {});
  void Add(const Metric& metric, const Histogram& histogram, const MetricLabels& labels = {});

  // Ascending by name. Nothing is left.
  std::vector<prometheus::MetricFamily> Take();

 private:
  prometheus::ClientMetric& NewSample(const Metric& metric, const MetricLabels& labels);
  std::map<std::string, prometheus::MetricFamily> families_;
};

// Memory, processor time and open files of this process, by the names that every exporter uses.
void AddProcessMetrics(MetricFamilies& families);

}  // namespace unirust::rpc
