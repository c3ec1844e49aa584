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
  Delivery(Part& part, std::string name);
  ~Delivery();  // what is not delivered stays so

  void Send(Epoch epoch);
  // Returns when the part has the epoch; false if StopWaiting came first.
  bool Await(uint64_t epoch);
  void StopWaiting();

 private:
  void Run();
  bool Deliver(const Epoch& epoch);

  Part& part_;
  const std::string name_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Epoch> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t delivered_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace unirust::cluster
