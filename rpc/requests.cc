#include "rpc/requests.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "rpc/admission.h"
#include "rpc/malformed.h"
#include "rpc/message_fields.h"
#include "rpc/request_id.h"

namespace unirust::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerInterceptorFactoryInterface;
using grpc::experimental::ServerRpcInfo;

constexpr char kOther[] = "other";
constexpr std::string_view kUnixPeer = "unix:";
constexpr std::string_view kReflection = "/grpc.reflection.";
constexpr std::array<const char*, 3> kKindNames = {"unary", "answers", "requests"};

constexpr Metric kRequests{MetricType::kCounter, "unirust_requests_total",
                           "calls that have ended, by service, method and gRPC code"};
constexpr Metric kDurations{MetricType::kSeconds, "unirust_request_duration_seconds",
                            "time from the arrival of a call to its status, by service and method"};

constexpr Metric kRunning{MetricType::kGauge, "unirust_calls_running",
                          "calls that are answered now, by service and kind: unary, answers, "
                          "requests"};
constexpr Metric kRefused{MetricType::kCounter, "unirust_calls_refused_total",
                          "calls that were refused since too many ran, by service and kind"};
constexpr Metric kStalled{MetricType::kCounter, "unirust_calls_stalled_total",
                          "calls that were ended since their client took no answer"};

std::string CodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

// The codes that blame the daemon.
bool IsFault(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNKNOWN || code == grpc::StatusCode::INTERNAL ||
         code == grpc::StatusCode::DATA_LOSS;
}

// One call. gRPC may read and write on two threads, but ends the call after both.
class RequestInterceptor final : public Interceptor {
 public:
  RequestInterceptor(ServerRpcInfo& info, RequestMetrics* metrics, access::Gate* gate)
      : context_(*info.server_context()),
        gate_(gate),
        path_(info.method()),
        type_(info.type()),
        metrics_(metrics),
        method_(metrics == nullptr ? nullptr : &metrics->OfPath(path_)) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    using Hook = InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Hook::POST_RECV_INITIAL_METADATA)) {
      TakeRequestId(*methods->GetRecvInitialMetadata());
      if (admission_.Decide(gate_, path_, context_, *methods->GetRecvInitialMetadata())) {
        TakePlace(*methods->GetRecvInitialMetadata());
      }
    }
    if (methods->QueryInterceptionHookPoint(Hook::POST_RECV_MESSAGE)) {
      Received(methods->GetRecvMessage());
    }
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_MESSAGE)) {
      if (sent_++ == 0) first_answer_micros_ = SteadyClockMicros() - start_micros_;
      if (running_ != nullptr) running_->Sending(SteadyClockMicros());
    }
    if (methods->QueryInterceptionHookPoint(Hook::POST_SEND_MESSAGE) && running_ != nullptr) {
      running_->Sent(SteadyClockMicros());
    }
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_STATUS)) {
      const grpc::Status status = ExplainMalformed(methods->GetSendStatus());
      methods->ModifySendStatus(status);
      methods->GetSendTrailingMetadata()->emplace(kRequestIdKey, request_id_);
      if (no_place_) {
        methods->GetSendTrailingMetadata()->emplace(kRetryAfterKey,
                                                    std::to_string(limits::kRetryAfterMs));
      }
      if (running_ != nullptr) running_->Ends(status.ok());
      End(status);
    }
    methods->Proceed();
  }

 private:
  using Type = ServerRpcInfo::Type;

  // The handler finds the id among the client's metadata, whoever made it.
  void TakeRequestId(std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
    const auto given = metadata.find(kRequestIdKey);
    if (given != metadata.end()) request_id_.assign(given->second.data(), given->second.size());
    if (!IsRequestId(request_id_)) request_id_ = NewRequestId();
    metadata.erase(kRequestIdKey);
    metadata.emplace(kRequestIdKey, request_id_);
  }

  // The client's end of its connection; empty where all have one address, and nobody is told from the others.
  std::string Connection() const {
    const std::string peer = context_.peer();
    return peer.starts_with(kUnixPeer) ? std::string() : peer;
  }

  // Handlers of ours then say why there is none. Reflection asks nobody: it is cut off. Health takes no thread.
  void TakePlace(Admission::Metadata& metadata) {
    if (method_ == nullptr || !metrics_->limited()) return;
    if (!method_->ours && !std::string_view(path_).starts_with(kReflection)) return;
    RunningCalls::Arrival arrival{.kind = method_->kind, .call = context_.c_call()};
    if (arrival.kind == CallKind::kAnswers) arrival.connection = Connection();
    if (arrival.kind != CallKind::kUnary) arrival.permit = admission_.permit();
    std::string full;
    running_ = metrics_->running().Enter(std::move(arrival), method_->running,
                                         SteadyClockMicros(), &full);
    no_place_ = running_ == nullptr;
    if (!no_place_) return;
    admission_.Refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, full, metadata);
    if (!method_->ours) context_.TryCancel();
  }

  // Null at the end of a stream.
  void Received(const void* message) {
    if (message == nullptr) return;
    ++received_;
    const bool alone = type_ == Type::UNARY || type_ == Type::SERVER_STREAMING;
    if (alone && method_ != nullptr && !method_->lists.empty()) {
      MeasureLists(*static_cast<const grpc::ByteBuffer*>(message));
    }
  }

  // The lengths of its lists say how much was asked.
  void MeasureLists(const grpc::ByteBuffer& request) {
    for (const FieldDescriptor* list : method_->lists) lists_.emplace_back(list, 0);
    EachField(request, [&](int number) {
      for (auto& [list, length] : lists_) {
        if (list->number() == number) ++length;
      }
    });
  }

  void End(const grpc::Status& status) const {
    const uint64_t micros = SteadyClockMicros() - start_micros_;
    if (method_ != nullptr) method_->Add(status.error_code(), micros);
    if (IsFault(status.error_code())) {
      LogCall(LogLevel::kError, "request failed", status, micros);
    } else if (IsSlow(Waited(micros))) {
      LogCall(LogLevel::kWarning, "slow request", status, micros);
    } else if (IsLogged(LogLevel::kDebug)) {
      LogCall(LogLevel::kDebug, "request", status, micros);
    }
  }

  // How long the client waited for us; `micros` is the whole time.
  uint64_t Waited(uint64_t micros) const {
    if (type_ == Type::UNARY) return micros;
    if (type_ != Type::SERVER_STREAMING &&
        (method_ == nullptr || method_->kind != CallKind::kAnswers)) {
      return 0;
    }
    return sent_ > 0 ? first_answer_micros_.load() : micros;
  }

  void LogCall(LogLevel level, const char* message, const grpc::Status& status,
               uint64_t micros) const {
    std::vector<LogField> fields = {{"method", std::string(path_ + 1)},
                                    {"request_id", request_id_},
                                    {"code", CodeName(status.error_code())},
                                    {"duration_ms", static_cast<double>(micros) / 1000}};
    for (const auto& [field, length] : lists_) {
      fields.push_back({field->name(), length});
    }
    if (type_ != Type::UNARY) {
      fields.push_back({"messages_received", received_.load()});
      fields.push_back({"messages_sent", sent_.load()});
    }
    // What the client did wrong would quote its records.
    if (level == LogLevel::kError) fields.push_back({"error", status.error_message()});
    Log(level, message, fields);
  }

  grpc::ServerContextBase& context_;
  access::Gate* const gate_;
  const char* const path_;
  const Type type_;
  RequestMetrics* const metrics_;
  RequestMetrics::Method* const method_;
  const uint64_t start_micros_ = SteadyClockMicros();
  std::string request_id_;
  Admission admission_;
  std::unique_ptr<RunningCalls::Call> running_;  // null: it is not limited, or has no place
  bool no_place_ = false;
  std::vector<std::pair<const FieldDescriptor*, uint64_t>> lists_;
  std::atomic<uint64_t> received_ = 0;
  std::atomic<uint64_t> sent_ = 0;
  std::atomic<uint64_t> first_answer_micros_ = 0;
};

class Factory final : public ServerInterceptorFactoryInterface {
 public:
  Factory(RequestMetrics* metrics, access::Gate* gate) : metrics_(metrics), gate_(gate) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new RequestInterceptor(*info, metrics_, gate_);
  }

 private:
  RequestMetrics* const metrics_;
  access::Gate* const gate_;
};

}  // namespace

RequestMetrics::RequestMetrics(const std::string& service, Callers callers, Served served)
    : service_(service.substr(service.rfind('.') + 1)),
      prefix_("/" + service + "/"),
      callers_(callers),
      running_(callers) {
  const google::protobuf::ServiceDescriptor* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  for (int i = 0; i < descriptor->method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *descriptor->method(i);
    Method& added = methods_[method.name()];
    added.kind = method.client_streaming()   ? CallKind::kRequests
                 : method.server_streaming() ? CallKind::kAnswers
                                             : CallKind::kUnary;
    if (served != Served::kAsBytes) continue;
    for (int field = 0; field < method.input_type()->field_count(); ++field) {
      if (!method.input_type()->field(field)->is_repeated()) continue;
      added.lists.push_back(method.input_type()->field(field));
    }
  }
  methods_[kOther].ours = false;
  methods_[kOther].kind = CallKind::kRequests;  // of those that are limited
}

void RequestMetrics::Method::Add(grpc::StatusCode code, uint64_t micros) {
  ++codes[std::min(static_cast<size_t>(code), codes.size() - 1)];
  durations.Add(micros);
}

RequestMetrics::Method& RequestMetrics::OfPath(std::string_view path) {
  if (path.starts_with(prefix_)) {
    const auto found = methods_.find(path.substr(prefix_.size()));
    if (found != methods_.end()) return found->second;
  }
  return methods_.at(kOther);
}

void RequestMetrics::AddTo(MetricFamilies& families) const {
  families.Declare(kRequests);
  families.Declare(kDurations);
  for (const auto& [name, method] : methods_) {
    uint64_t calls = 0;
    for (size_t code = 0; code < method.codes.size(); ++code) {
      const uint64_t count = method.codes[code];
      calls += count;
      if (count == 0) continue;
      families.Add(kRequests, static_cast<double>(count),
                   {{"service", service_},
                    {"method", name},
                    {"code", CodeName(static_cast<grpc::StatusCode>(code))}});
    }
    if (calls == 0) continue;
    families.Add(kDurations, method.durations, {{"service", service_}, {"method", name}});
  }
  if (!limited()) return;
  for (size_t kind = 0; kind < kKindNames.size(); ++kind) {
    const RunningCalls::Counts counts = running_.Of(static_cast<CallKind>(kind));
    const MetricLabels labels = {{"service", service_}, {"kind", kKindNames[kind]}};
    families.Add(kRunning, static_cast<double>(counts.running), labels);
    families.Add(kRefused, static_cast<double>(counts.refused), labels);
  }
  families.Add(kStalled, static_cast<double>(running_.stalled()), {{"service", service_}});
}

std::unique_ptr<ServerInterceptorFactoryInterface> MakeRequestInterceptor(RequestMetrics* metrics,
                                                                          access::Gate* gate) {
  return std::make_unique<Factory>(metrics, gate);
}

}  // namespace unirust::rpc
