// The calls that a server answers at this moment, and how many may be there at once
// (base/limits.h): by method, so that no method keeps the others out; streams also by kind, since
// each holds pages or chunks; and all together, so that there is always a thread to refuse the next
// one. What is beyond is refused at once rather than late.
//
// A client that leaves an answer unread for limits::kStalledAnswerMsMax is given up: its thread, pages and state of the
// store are for others. Where there is no place left, a new stream gets that of the client that has
// taken nothing for longest, if that is limits::kStalledAnswerFullMsMax. Some places for streams of
// answers are kept for clients that are known to read, one for each connection.
//
// A stream ends when its caller may not make it any more: a token was taken back, or has expired.
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/thread.h"
#include "rpc/admission.h"
#include "rpc/known_readers.h"

struct grpc_call;

namespace unirust::rpc {

enum class CallKind : uint8_t {
  kUnary,
  kAnswers,   // one request, a stream of answers
  kRequests,  // a stream of requests
};

// Who calls a server.
enum class Callers : uint8_t {
  kClients,
  kRouters,  // which limit their clients: there is room for all that one lets in, and for what it has just given up
  kHome,     // of a part: not limited
};

class RunningCalls {
 public:
  explicit RunningCalls(Callers callers) : callers_(callers) {}

  struct Arrival {
    CallKind kind = CallKind::kUnary;
    grpc_call* call = nullptr;
    std::string connection = {};  // its client's end, of a stream of answers; empty: not known
    std::shared_ptr<const Permit> permit = nullptr;  // of a stream; null: everyone may make it
  };

  // One of them, from its arrival until gRPC has done with it.
  class Call {
   public:
    ~Call();
    // An answer is on its way, which ends when the client has room for it. At these times of SteadyClockMicros.
    void Sending(uint64_t now_micros) { sending_since_micros_ = now_micros; }
    void Sent(uint64_t now_micros);
    // Its status is on its way: the client knows soon that it may ask for more.
    void Ends(bool ok);

   private:
    friend class RunningCalls;
    Call(RunningCalls& calls, size_t& of_method, Arrival arrival)
        : calls_(calls), of_method_(of_method), arrival_(std::move(arrival)) {}

    RunningCalls& calls_;
    size_t& of_method_;
    const Arrival arrival_;
    std::atomic<uint64_t> sending_since_micros_ = 0;  // 0: nothing is on its way
    bool slow_ = false;  // an answer was not taken soon
    // Guarded by the lock of calls_, as what follows.
    bool kept_ = false;      // it has one of the places that are kept
    bool ended_ = false;     // its status is on its way
    bool given_up_ = false;  // it has no place any more
    std::list<Call*>::iterator position_;
  };

  // Null if there is no room for it at this time of SteadyClockMicros; then `full` says why.
  // `of_method` counts the calls of its method, and is touched by this alone.
  std::unique_ptr<Call> Enter(Arrival arrival, size_t& of_method, uint64_t now_micros,
                              std::string* full);

  // Cancels those whose client has taken nothing for too long at this time; tells the log of all that were given up.
  void EndStalled(uint64_t now_micros);

  // Cancels streams whose caller may not make them any more, as the gate says.
  void EndForbidden();

  struct Counts {
    size_t running = 0;
    uint64_t refused = 0;
  };
  Counts Of(CallKind kind) const;
  uint64_t stalled() const { return stalled_; }

 private:
  // A place for a call of a kind, or whose it becomes.
  struct Place {
    bool kept = false;
    Call* of = nullptr;  // to be given up; null: nobody's
  };
  std::optional<Place> FindPlace(const Arrival& arrival, uint64_t now_micros) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // So many that are not kept.
  size_t PlacesFor(CallKind kind) const;
  bool MayHaveKept(const Arrival& arrival) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The one of the kind whose client has taken nothing for longest, if that is long enough; else null.
  Call* LongestStalled(CallKind kind, bool or_kept, uint64_t now_micros) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeavePlace(Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Its place is another one's from now on. To be cancelled, without the lock.
  grpc_call* GiveUp(Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CancelStalled(grpc_call* call);

  const Callers callers_;
  mutable Mutex mutex_;
  std::list<Call*> calls_ ABSL_GUARDED_BY(mutex_);
  std::array<Counts, 3> counts_ ABSL_GUARDED_BY(mutex_);
  size_t kept_ ABSL_GUARDED_BY(mutex_) = 0;  // of those that run: have a kept place
  KnownReaders readers_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> stalled_ = 0;
  uint64_t logged_ ABSL_GUARDED_BY(mutex_) = 0;  // of these
};

// Ends calls that may not go on, within some seconds, as long as it lives. `calls` must outlive it.
class CallWatch {
 public:
  explicit CallWatch(RunningCalls& calls);
  ~CallWatch();

 private:
  void Watch();

  RunningCalls& calls_;
  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;  // joined before all else goes
};

}  // namespace unirust::rpc
