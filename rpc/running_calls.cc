#include "rpc/running_calls.h"

#include <grpc/grpc.h>

#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

namespace unirust::rpc {
namespace {

constexpr uint64_t kLookEveryMicros = 1'000'000;

struct KindLimit {
  size_t most;
  const char* what;
};
constexpr std::array<KindLimit, 3> kKindLimits = {
    KindLimit{limits::kCallsMax, "calls"},
    KindLimit{limits::kAnswerStreamsMax, "streams of answers"},
    KindLimit{limits::kRequestStreamsMax, "streams of requests"}};

std::string Full(size_t most, const char* what) {
  return "the server answers " + std::to_string(most) + " " + what +
         " already: send again a little later";
}

}  // namespace

RunningCalls::Call::~Call() {
  MutexLock lock(calls_.mutex_);
  calls_.calls_.erase(place_);
  --of_method_;
  --calls_.counts_[static_cast<size_t>(kind_)].running;
}

void RunningCalls::Call::Sending() { sending_since_micros_ = SteadyClockMicros(); }

void RunningCalls::Call::Sent() { sending_since_micros_ = 0; }

std::unique_ptr<RunningCalls::Call> RunningCalls::Enter(CallKind kind, size_t& of_method,
                                                        grpc_call* call, std::string* full) {
  MutexLock lock(mutex_);
  Counts& counts = counts_[static_cast<size_t>(kind)];
  const KindLimit& of_kind = kKindLimits[static_cast<size_t>(kind)];
  if (calls_.size() >= limits::kCallsMax) {
    *full = Full(limits::kCallsMax, "calls");
  } else if (counts.running >= of_kind.most) {
    *full = Full(of_kind.most, of_kind.what);
  } else if (kind == CallKind::kUnary && of_method >= limits::kCallsPerMethodMax) {
    *full = Full(limits::kCallsPerMethodMax, "calls of this method");
  } else {
    ++counts.running;
    ++of_method;
    std::unique_ptr<Call> entered(new Call(*this, kind, of_method, call));
    entered->place_ = calls_.insert(calls_.end(), entered.get());
    return entered;
  }
  ++counts.refused;
  return nullptr;
}

// gRPC may call back from a cancellation, so it comes when the lock is given back.
void RunningCalls::EndStalled(uint64_t now_micros) {
  std::vector<grpc_call*> stalled;
  {
    MutexLock lock(mutex_);
    for (Call* call : calls_) {
      const uint64_t since = call->sending_since_micros_;
      const auto kind = static_cast<size_t>(call->kind_);
      const bool full = counts_[kind].running >= kKindLimits[kind].most;
      const uint64_t most_ms = full ? limits::kStalledAnswerFullMsMax : limits::kStalledAnswerMsMax;
      if (since == 0 || now_micros < since + most_ms * 1000) continue;
      call->Sent();
      grpc_call_ref(call->call_);
      stalled.push_back(call->call_);
    }
  }
  stalled_ += stalled.size();
  for (grpc_call* call : stalled) {
    grpc_call_cancel_with_status(
        call, GRPC_STATUS_RESOURCE_EXHAUSTED,
        "an answer lay unread for too long; go on from the last cursor, or read faster", nullptr);
    grpc_call_unref(call);
  }
  if (!stalled.empty()) {
    Log(LogLevel::kWarning, "calls ended whose clients take no answers",
        {{"calls", uint64_t{stalled.size()}}});
  }
}

RunningCalls::Counts RunningCalls::Of(CallKind kind) const {
  MutexLock lock(mutex_);
  return counts_[static_cast<size_t>(kind)];
}

StallWatch::StallWatch(RunningCalls& calls)
    : calls_(calls), thread_("stalls", [this] { Watch(); }) {}

StallWatch::~StallWatch() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.NotifyAll();
}

void StallWatch::Watch() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    stopped_.WaitFor(mutex_, kLookEveryMicros);
    mutex_.Unlock();
    calls_.EndStalled(SteadyClockMicros());
    mutex_.Lock();
  }
}

}  // namespace unirust::rpc
