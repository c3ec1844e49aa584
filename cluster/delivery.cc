#include "cluster/delivery.h"

#include <algorithm>
#include <utility>

#include "base/exit_codes.h"
#include "base/limits.h"
#include "base/log.h"

namespace unirust::cluster {

Delivery::Delivery(Part& part, std::string name)
    : part_(part), name_(std::move(name)), thread_("deliver", [this] { Run(); }) {}

Delivery::~Delivery() {
  StopWaiting();
  thread_.Join();
}

void Delivery::Send(Epoch epoch) {
  MutexLock lock(mutex_);
  queue_.push_back(std::move(epoch));
  changed_.NotifyAll();
}

bool Delivery::Await(uint64_t epoch) {
  MutexLock lock(mutex_);
  while (delivered_ < epoch && !stopping_) changed_.Wait(mutex_);
  return delivered_ >= epoch;
}

void Delivery::StopWaiting() {
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

void Delivery::Run() {
  MutexLock lock(mutex_);
  while (true) {
    while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
    if (queue_.empty()) return;
    const Epoch epoch = std::move(queue_.front());
    queue_.pop_front();
    mutex_.Unlock();
    const bool delivered = Deliver(epoch);
    mutex_.Lock();
    if (!delivered) return;  // the later ones cannot be applied without it
    delivered_ = epoch.number;
    changed_.NotifyAll();
  }
}

bool Delivery::Deliver(const Epoch& epoch) {
  uint64_t wait_ms = limits::kDeliveryRetryMsMin;
  while (true) {
    const absl::Status status = part_.Apply(epoch);
    if (status.ok()) return true;
    if (absl::IsFailedPrecondition(status) || absl::IsDataLoss(status)) {
      Die(kExitDataLoss, name_ + " cannot take epoch " + std::to_string(epoch.number) + ": " +
                             std::string(status.message()) +
                             ". Nothing acknowledged is lost; restore that part's directory, then "
                             "start again");
    }
    Log(LogLevel::kWarning, name_ + " does not take an epoch; writes wait for it: " +
                                std::string(status.message()));
    MutexLock lock(mutex_);
    if (!stopping_) changed_.WaitFor(mutex_, wait_ms * 1000);
    if (stopping_) return false;
    wait_ms = std::min(2 * wait_ms, limits::kDeliveryRetryMsMax);
  }
}

}  // namespace unirust::cluster
