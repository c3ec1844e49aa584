// A step that is done again and again, in a thread of its own.
//
//   Periodic purges("purge", 0, [&](const Periodic::Stopping& stopping) {
//     PurgeIfDue(engine, stopping);
//     return 60'000'000;
//   });
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "base/thread.h"

namespace unirust {

class Periodic {
 public:
  using Stopping = std::function<bool()>;  // whether the step is to be given up
  // Returns for how many microseconds nothing is to be done.
  using Step = std::function<uint64_t(const Stopping& stopping)>;

  // `wait_micros`: before the first step.
  Periodic(const std::string& name, uint64_t wait_micros, Step step);
  ~Periodic();  // ends a step that is under way, and waits for it
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

 private:
  void Run(uint64_t wait_micros);
  bool Await(uint64_t micros);

  const Step step_;
  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace unirust
