#include "cluster/delivery.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/limits.h"
#include "base/log.h"

namespace unirust::cluster {

Delivery::Delivery(Part& part, std::string name, uint64_t has)
    : part_(part), name_(std::move(name)), delivered_(has), thread_("deliver", [this] { Run(); }) {}

Delivery::~Delivery() {
  {
    MutexLock lock(mutex_);
    stopping_ = ending_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

void Delivery::Send(Epoch epoch) {
  MutexLock lock(mutex_);
  queue_.push_back(std::move(epoch));
  changed_.NotifyAll();
}

void Delivery::Await(uint64_t epoch, Patience patience) {
  MutexLock lock(mutex_);
  while (delivered_ < epoch && !gave_up_) {
    const bool failing = patience == Patience::kSome && failing_since_micros_ > 0;
    const uint64_t failed_micros = failing ? SteadyClockMicros() - failing_since_micros_ : 0;
    if (failed_micros >= limits::kPartPatienceMs * 1000) return;
    if (failing) {
      changed_.WaitFor(mutex_, limits::kPartPatienceMs * 1000 - failed_micros);
    } else {
      changed_.Wait(mutex_);
    }
  }
}

uint64_t Delivery::delivered() const {
  MutexLock lock(mutex_);
  return delivered_;
}

void Delivery::StopWaiting() {
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

void Delivery::Run() {
  MutexLock lock(mutex_);
  while (true) {
    while (queue_.empty() && !ending_) changed_.Wait(mutex_);
    if (queue_.empty()) return;
    const Epoch epoch = std::move(queue_.front());
    queue_.pop_front();
    mutex_.Unlock();
    const bool delivered = Deliver(epoch);
    mutex_.Lock();
    if (!delivered) {  // the later ones cannot be applied without it
      gave_up_ = true;
      changed_.NotifyAll();
      return;
    }
    FaultPoint("epoch.delivered");
    delivered_ = epoch.id.number;
    if (failing_since_micros_ > 0) Log(LogLevel::kInfo, name_ + " takes epochs again");
    failing_since_micros_ = 0;
    changed_.NotifyAll();
  }
}

bool Delivery::Deliver(const Epoch& epoch) {
  uint64_t wait_ms = limits::kDeliveryRetryMsMin;
  while (true) {
    const absl::Status status = part_.Apply(epoch);
    if (status.ok()) return true;
    if (absl::IsAborted(status)) {
      Die(kExitDataDir, name_ + " takes no more epochs: " + std::string(status.message()) +
                            ". Nothing acknowledged is lost; start the store once");
    }
    if (absl::IsFailedPrecondition(status) || absl::IsDataLoss(status)) {
      Die(kExitDataLoss, name_ + " cannot take epoch " + std::to_string(epoch.id.number) + ": " +
                             std::string(status.message()) +
                             ". Nothing acknowledged is lost; restore that part's directory, then "
                             "start again");
    }
    MutexLock lock(mutex_);
    if (failing_since_micros_ == 0) {
      failing_since_micros_ = SteadyClockMicros();
      Log(LogLevel::kWarning, name_ + " does not take an epoch; all requests wait for it: " +
                                  std::string(status.message()));
      changed_.NotifyAll();
    }
    if (!stopping_) changed_.WaitFor(mutex_, wait_ms * 1000);
    if (stopping_) return false;
    wait_ms = std::min(2 * wait_ms, limits::kDeliveryRetryMsMax);
  }
}

}  // namespace unirust::cluster
