// GET /metrics over HTTP, in the text format of Prometheus.
//
//   UNIRUST_ASSIGN_OR_RETURN(const auto endpoint, MetricsEndpoint::Start("127.0.0.1:0", {source}));
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/exit_codes.h"
#include "rpc/metrics.h"

namespace prometheus {
class Exposer;
}

namespace unirust::rpc {

class MetricsEndpoint {
 public:
  // Adds what it knows. Called by several threads at once, once for each scrape.
  using Source = std::function<void(MetricFamilies&)>;

  // Answers on `listen` (host:port, port 0 for a free one) from the sources, and tells the address in
  // the log; null where `listen` is empty. INVALID_ARGUMENT if it is no address, UNAVAILABLE if it
  // cannot be had. What the sources use must outlive the endpoint.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& listen,
                                                                std::vector<Source> sources);
  ~MetricsEndpoint();  // when running scrapes have ended

 private:
  class Scrape;
  MetricsEndpoint(std::shared_ptr<Scrape> scrape, std::unique_ptr<prometheus::Exposer> exposer);

  const std::shared_ptr<Scrape> scrape_;  // known to the exposer weakly
  const std::unique_ptr<prometheus::Exposer> exposer_;
};

// The exit code of a program whose endpoint did not start.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace unirust::rpc
