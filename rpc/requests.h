// What becomes of the calls of a server: each gets a request id, may go on or not, is counted when its status is sent
// and has a line in the log: a warning if it was slow (base/log.h, SetSlowMillis), an error if the
// daemon is to blame, else for debugging.
//
// Slow is a unary call by the time until its end, a stream of answers by the time until the first
// one; how long a stream of requests lasts is up to its client.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/histogram.h"
#include "rpc/metrics.h"

namespace unirust::access {
class Gate;
}

namespace unirust::rpc {

// Calls of one service by method and code, with their times. Methods of other services of the
// server (health, reflection) and unknown ones count as method "other". Thread-safe.
class RequestMetrics {
 public:
  // `service` is the full name: "unirust.ShardService".
  explicit RequestMetrics(const std::string& service);

  struct Method {
    void Add(grpc::StatusCode code, uint64_t micros);
    bool ours = true;  // of the service
    // One request, a stream of answers by the contract, whatever form the service serves them in.
    bool streams_answers = false;
    std::array<std::atomic<uint64_t>, 17> codes{};
    Histogram durations;  // microseconds
  };
  Method& OfPath(std::string_view path);  // "/unirust.ShardService/GetStats"
  const Method& OfName(const std::string& name) const { return methods_.at(name); }  // "GetStats"

  void AddTo(MetricFamilies& families) const;

 private:
  const std::string service_;  // without the package
  const std::string prefix_;   // of the paths of its methods
  std::map<std::string, Method, std::less<>> methods_;  // none is ever added
};

// `metrics` may be null: nothing is counted then. So may `gate`: everyone may do everything then (admission.h).
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRequestInterceptor(
    RequestMetrics* metrics, access::Gate* gate);

}  // namespace unirust::rpc
