#include "rpc/running_calls.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

namespace unirust::rpc {
namespace {

constexpr uint64_t kLookEveryMicros = 1'000'000;
constexpr std::array<const char*, 3> kNames = {"calls", "streams of answers",
                                               "streams of requests"};

std::string Full(size_t most, const char* what) {
  return "the server answers " + std::to_string(most) + " " + what +
         " already: send again a little later";
}

// gRPC may call back from it, so it comes without a lock. Takes the reference.
void Cancel(grpc_call* call, grpc_status_code code, const std::string& why) {
  grpc_call_cancel_with_status(call, code, why.c_str(), nullptr);
  grpc_call_unref(call);
}

}  // namespace

RunningCalls::Call::~Call() {
  MutexLock lock(calls_.mutex_);
  calls_.calls_.erase(position_);
  --of_method_;
  if (!given_up_) calls_.LeavePlace(*this);
}

void RunningCalls::Call::Sent(uint64_t now_micros) {
  const uint64_t since = sending_since_micros_.exchange(0);
  if (now_micros > since + limits::kPromptAnswerMsMax * 1000) slow_ = true;
}

void RunningCalls::Call::Ends(bool ok) {
  MutexLock lock(calls_.mutex_);
  ended_ = true;
  if (calls_.callers_ != Callers::kClients || arrival_.kind != CallKind::kAnswers) return;
  if (slow_ || given_up_) {
    calls_.readers_.Forget(arrival_.connection);
  } else if (ok && !arrival_.connection.empty()) {
    calls_.readers_.Remember(arrival_.connection);
  }
}

std::unique_ptr<RunningCalls::Call> RunningCalls::Enter(Arrival arrival, size_t& of_method,
                                                        uint64_t now_micros, std::string* full) {
  const CallKind kind = arrival.kind;
  std::unique_ptr<Call> entered;
  grpc_call* given_up = nullptr;
  {
    MutexLock lock(mutex_);
    const std::optional<Place> place = FindPlace(arrival, now_micros);
    if (calls_.size() >= limits::kCallsMax) {
      *full = Full(limits::kCallsMax, "calls");
    } else if (!place) {
      *full = Full(counts_[static_cast<size_t>(kind)].running, kNames[static_cast<size_t>(kind)]);
    } else if (kind == CallKind::kUnary && of_method >= limits::kCallsPerMethodMax) {
      *full = Full(limits::kCallsPerMethodMax, "calls of this method");
    } else {
      if (place->of != nullptr) given_up = GiveUp(*place->of);
      ++counts_[static_cast<size_t>(kind)].running;
      if (place->kept) ++kept_;
      ++of_method;
      entered.reset(new Call(*this, of_method, std::move(arrival)));
      entered->kept_ = place->kept;
      entered->position_ = calls_.insert(calls_.end(), entered.get());
    }
    if (entered == nullptr) ++counts_[static_cast<size_t>(kind)].refused;
  }
  if (given_up != nullptr) CancelStalled(given_up);
  return entered;
}

std::optional<RunningCalls::Place> RunningCalls::FindPlace(const Arrival& arrival,
                                                           uint64_t now_micros) const {
  const CallKind kind = arrival.kind;
  const size_t kept = kind == CallKind::kAnswers ? kept_ : 0;
  if (counts_[static_cast<size_t>(kind)].running - kept < PlacesFor(kind)) return Place{};
  const bool or_kept = kind == CallKind::kAnswers && MayHaveKept(arrival);
  if (or_kept && kept < limits::kAnswerStreamsKept) return Place{.kept = true, .of = nullptr};
  Call* const stalled = LongestStalled(kind, or_kept, now_micros);
  if (stalled == nullptr) return std::nullopt;
  return Place{.kept = stalled->kept_, .of = stalled};
}

size_t RunningCalls::PlacesFor(CallKind kind) const {
  if (kind == CallKind::kUnary) return limits::kCallsMax;
  if (kind == CallKind::kRequests) return limits::kRequestStreamsMax;
  return callers_ == Callers::kClients ? limits::kAnswerStreamsMax - limits::kAnswerStreamsKept
                                       : 2 * limits::kAnswerStreamsMax;
}

bool RunningCalls::MayHaveKept(const Arrival& arrival) const {
  return readers_.Has(arrival.connection) &&
         std::none_of(calls_.begin(), calls_.end(), [&](const Call* call) {
           return call->arrival_.kind == arrival.kind && !call->ended_ && !call->given_up_ &&
                  call->arrival_.connection == arrival.connection;
         });
}

RunningCalls::Call* RunningCalls::LongestStalled(CallKind kind, bool or_kept,
                                                 uint64_t now_micros) const {
  Call* found = nullptr;
  uint64_t longest_since = now_micros;
  for (Call* call : calls_) {
    if (call->arrival_.kind != kind || call->given_up_ || (call->kept_ && !or_kept)) continue;
    const uint64_t since = call->sending_since_micros_;
    const bool may_stay =
        since == 0 || now_micros < since + limits::kStalledAnswerFullMsMax * 1000;
    if (may_stay || since > longest_since) continue;
    longest_since = since;
    found = call;
  }
  return found;
}

void RunningCalls::LeavePlace(Call& call) {
  --counts_[static_cast<size_t>(call.arrival_.kind)].running;
  if (call.kept_) --kept_;
}

grpc_call* RunningCalls::GiveUp(Call& call) {
  call.given_up_ = true;
  LeavePlace(call);
  grpc_call_ref(call.arrival_.call);
  return call.arrival_.call;
}

void RunningCalls::CancelStalled(grpc_call* call) {
  ++stalled_;
  Cancel(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
         "an answer lay unread for too long; go on from the last cursor, or read faster");
}

void RunningCalls::EndStalled(uint64_t now_micros) {
  std::vector<grpc_call*> stalled;
  {
    MutexLock lock(mutex_);
    for (Call* call : calls_) {
      const uint64_t since = call->sending_since_micros_;
      const bool may_stay = since == 0 || now_micros < since + limits::kStalledAnswerMsMax * 1000;
      if (!may_stay && !call->given_up_) stalled.push_back(GiveUp(*call));
    }
  }
  for (grpc_call* call : stalled) CancelStalled(call);
  uint64_t untold = 0;
  {
    MutexLock lock(mutex_);
    untold = stalled_ - logged_;
    logged_ += untold;
  }
  if (untold > 0) {
    Log(LogLevel::kWarning, "calls ended whose clients take no answers", {{"calls", untold}});
  }
}

// The gate may read its file, so it is asked without the lock.
void RunningCalls::EndForbidden() {
  std::vector<std::pair<grpc_call*, std::shared_ptr<const Permit>>> asked;
  {
    MutexLock lock(mutex_);
    for (const Call* call : calls_) {
      if (call->arrival_.permit == nullptr || call->given_up_) continue;
      grpc_call_ref(call->arrival_.call);
      asked.emplace_back(call->arrival_.call, call->arrival_.permit);
    }
  }
  uint64_t ended = 0;
  for (const auto& [call, permit] : asked) {
    const absl::Status status = permit->Ask().status();
    if (status.ok()) {
      grpc_call_unref(call);
    } else {
      Cancel(call, static_cast<grpc_status_code>(status.raw_code()), std::string(status.message()));
      ++ended;
    }
  }
  if (ended > 0) {
    Log(LogLevel::kWarning, "streams ended whose callers may not make them any more",
        {{"streams", ended}});
  }
}

RunningCalls::Counts RunningCalls::Of(CallKind kind) const {
  MutexLock lock(mutex_);
  return counts_[static_cast<size_t>(kind)];
}

CallWatch::CallWatch(RunningCalls& calls)
    : calls_(calls), thread_("call-watch", [this] { Watch(); }) {}

CallWatch::~CallWatch() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.NotifyAll();
}

void CallWatch::Watch() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    stopped_.WaitFor(mutex_, kLookEveryMicros);
    mutex_.Unlock();
    calls_.EndStalled(SteadyClockMicros());
    calls_.EndForbidden();
    mutex_.Lock();
  }
}

}  // namespace unirust::rpc
