// Brings epochs to one part, in order, until it has them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/mutex.h"
#include "base/thread.h"
#include "cluster/part.h"

namespace unirust::cluster {

// Thread-safe. A part that cannot be reached is asked again and again; one that refuses an epoch ends the process: what
// was decided could never become true there (base/log.h, Die).
class Delivery {
 public:
  enum class Patience {
    kSome,     // until the part has failed for limits::kPartPatienceMs
    kForever,
  };

  // `has`: the last epoch that the part has.
  Delivery(Part& part, std::string name, uint64_t has);
  ~Delivery();  // what is not delivered stays so

  void Send(Epoch epoch);
  // Returns when the part has the epoch, or the patience is at an end.
  void Await(uint64_t epoch, Patience patience);
  uint64_t delivered() const;  // the last epoch that the part has
  void StopWaiting();  // from now on a part that fails is given up

 private:
  void Run();
  bool Deliver(const Epoch& epoch);

  Part& part_;
  const std::string name_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Epoch> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t delivered_ ABSL_GUARDED_BY(mutex_);
  uint64_t failing_since_micros_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: the last call did not fail
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;  // no patience any more
  bool gave_up_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace unirust::cluster
