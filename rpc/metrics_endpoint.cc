#include "rpc/metrics_endpoint.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <utility>

#include "base/exit_codes.h"
#include "base/limits.h"
#include "base/log.h"
#include "rpc/channel.h"

namespace unirust::rpc {
namespace {

// The HTTP server would take a list, and ports with letters for redirection and TLS.
bool IsHttpAddress(const std::string& listen) {
  return IsAddress(listen) && !listen.starts_with("unix:") &&
         listen.find(',') == std::string::npos;
}

}  // namespace

// All of an endpoint at once: a name may come from several sources but stands in one place.
class MetricsEndpoint::Scrape final : public prometheus::Collectable {
 public:
  explicit Scrape(std::vector<Source> sources) : sources_(std::move(sources)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    MetricFamilies families;
    AddProcessMetrics(families);
    for (const Source& source : sources_) source(families);
    return families.Take();
  }

 private:
  const std::vector<Source> sources_;
};

MetricsEndpoint::MetricsEndpoint(std::shared_ptr<Scrape> scrape,
                                 std::unique_ptr<prometheus::Exposer> exposer)
    : scrape_(std::move(scrape)), exposer_(std::move(exposer)) {}

MetricsEndpoint::~MetricsEndpoint() = default;

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& listen, std::vector<Source> sources) {
  if (listen.empty()) return nullptr;
  if (!IsHttpAddress(listen)) {
    return absl::InvalidArgumentError("--metrics-listen: '" + listen + "' is not host:port");
  }
  auto scrape = std::make_shared<Scrape>(std::move(sources));
  std::unique_ptr<prometheus::Exposer> exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", listen,
                                 "num_threads", std::to_string(limits::kScrapesMax),
                                 "request_timeout_ms",
                                 std::to_string(limits::kScrapeRequestMsMax)});
  } catch (const std::exception&) {  // it does not say why
    return absl::UnavailableError("--metrics-listen: cannot listen on '" + listen +
                                  "': not an address of this machine, or in use");
  }
  exposer->RegisterCollectable(scrape);
  const std::string host = listen.substr(0, listen.rfind(':'));
  Log(LogLevel::kInfo, "metrics",
      {{"address", host + ":" + std::to_string(exposer->GetListeningPorts().front())}});
  return std::unique_ptr<MetricsEndpoint>(
      new MetricsEndpoint(std::move(scrape), std::move(exposer)));
}

ExitCode ExitCodeOf(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitUnavailable;
}

}  // namespace unirust::rpc
