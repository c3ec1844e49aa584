// What becomes of the calls of a server: each gets a request id, may go on or not (admission.h, running_calls.h), is
// counted when its status is sent
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
#include <vector>

#include "base/histogram.h"
#include "rpc/metrics.h"
#include "rpc/running_calls.h"

namespace google::protobuf {
class FieldDescriptor;
}

namespace unirust::access {
class Gate;
}

namespace unirust::rpc {

// Where a refused client is told how many milliseconds to wait.
inline constexpr char kRetryAfterKey[] = "retry-after-ms";

// What the server gives the service, and sees itself, of unary requests and those for streams of answers.
enum class Served {
  kAsMessages,  // of protobuf
  kAsBytes,     // byte_service.h: how long their lists are is logged
};

// Calls of one service by method and code, with their times. Methods of other services of the
// server (health, reflection) and unknown ones count as method "other". Thread-safe.
class RequestMetrics {
 public:
  // `service` is the full name: "unirust.ShardService".
  RequestMetrics(const std::string& service, Callers callers, Served served = Served::kAsMessages);

  struct Method {
    void Add(grpc::StatusCode code, uint64_t micros);
    bool ours = true;  // of the service
    std::vector<const google::protobuf::FieldDescriptor*> lists;  // of its requests, if served as bytes
    CallKind kind = CallKind::kUnary;  // by the contract, whatever form the service serves them in
    size_t running = 0;                // RunningCalls counts here
    std::array<std::atomic<uint64_t>, 17> codes{};
    Histogram durations;  // microseconds
  };
  Method& OfPath(std::string_view path);  // "/unirust.ShardService/GetStats"
  const Method& OfName(const std::string& name) const { return methods_.at(name); }  // "GetStats"
  bool limited() const { return callers_ != Callers::kHome; }
  RunningCalls& running() { return running_; }

  void AddTo(MetricFamilies& families) const;

 private:
  const std::string service_;  // without the package
  const std::string prefix_;   // of the paths of its methods
  const Callers callers_;
  RunningCalls running_;
  std::map<std::string, Method, std::less<>> methods_;  // none is ever added
};

// `metrics` may be null: nothing is counted, or limited, then. So may `gate`: everyone may do everything then
// (admission.h).
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRequestInterceptor(
    RequestMetrics* metrics, access::Gate* gate);

}  // namespace unirust::rpc
