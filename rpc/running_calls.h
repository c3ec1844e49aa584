// The calls that a server answers at this moment, and how many may be there at once
// (base/limits.h): by method, so that no method keeps the others out; streams also by kind, since
// each holds pages or chunks; and all together, so that there is always a thread to refuse the next
// one. What is beyond is refused at once rather than late.
//
// A client that leaves an answer unread for limits::kStalledAnswerMsMax is given up, sooner where
// there is no room for another one: its thread, pages and state of the store are for others.
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/thread.h"

struct grpc_call;

namespace unirust::rpc {

enum class CallKind : uint8_t {
  kUnary,
  kAnswers,   // one request, a stream of answers
  kRequests,  // a stream of requests
};

class RunningCalls {
 public:
  // One of them, from its arrival until gRPC has done with it.
  class Call {
   public:
    ~Call();
    void Sending();  // an answer is on its way, which ends when the client has room for it
    void Sent();

   private:
    friend class RunningCalls;
    Call(RunningCalls& calls, CallKind kind, size_t& of_method, grpc_call* call)
        : calls_(calls), kind_(kind), of_method_(of_method), call_(call) {}

    RunningCalls& calls_;
    const CallKind kind_;
    size_t& of_method_;
    grpc_call* const call_;
    std::atomic<uint64_t> sending_since_micros_ = 0;  // 0: nothing is on its way
    std::list<Call*>::iterator place_;
  };

  // Null if there is no room for it; then `full` says why. `of_method` counts the calls of its
  // method, and is touched by this alone.
  std::unique_ptr<Call> Enter(CallKind kind, size_t& of_method, grpc_call* call, std::string* full);

  // Cancels those whose client has taken nothing for too long at this time of SteadyClockMicros.
  void EndStalled(uint64_t now_micros);

  struct Counts {
    size_t running = 0;
    uint64_t refused = 0;
  };
  Counts Of(CallKind kind) const;
  uint64_t stalled() const { return stalled_; }

 private:
  mutable Mutex mutex_;
  std::list<Call*> calls_ ABSL_GUARDED_BY(mutex_);
  std::array<Counts, 3> counts_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> stalled_ = 0;
};

// Ends calls that have stalled as long as it lives. `calls` must outlive it.
class StallWatch {
 public:
  explicit StallWatch(RunningCalls& calls);
  ~StallWatch();

 private:
  void Watch();

  RunningCalls& calls_;
  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;  // joined before all else goes
};

}  // namespace unirust::rpc
