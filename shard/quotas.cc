#include "shard/quotas.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "shard/retry_delay.h"

namespace unirust::shard {
namespace {

constexpr uint64_t kRequest = 1'000'000;  // in tokens: a rate of 1 makes one in a microsecond

}  // namespace

Quotas::Quotas(const config::TenantQuotas& limits, uint64_t now_micros)
    : limits_(limits), tokens_(limits.burst * kRequest), filled_micros_(now_micros) {}

void Quotas::Change(const config::TenantQuotas& limits, uint64_t now_micros) {
  MutexLock lock(mutex_);
  const bool had_rate = limits_.requests_per_second.has_value();
  Fill(now_micros);
  limits_ = limits;
  const uint64_t full = limits.burst * kRequest;
  tokens_ = had_rate ? std::min(tokens_, full) : full;
  filled_micros_ = std::max(filled_micros_, now_micros);
  room_made_.NotifyAll();
}

absl::StatusOr<Quotas::Room> Quotas::Begin(uint64_t bytes, uint64_t now_micros) {
  MutexLock lock(mutex_);
  const std::optional<Shortage> shortage = Take(bytes, now_micros);
  if (!shortage) return Room(this, bytes);
  ++(shortage->of_bytes ? refusals_.bytes : refusals_.requests);
  const std::string what =
      shortage->of_bytes
          ? "the quota of " + std::to_string(*limits_.bytes_in_flight) + " bytes in flight"
          : "the quota of " + std::to_string(*limits_.requests_per_second) + " requests per second";
  return Busy(what + " is used up: send again a little later",
              (shortage->delay_micros + 999) / 1000);
}

absl::StatusOr<Quotas::Room> Quotas::AwaitBegin(uint64_t bytes, absl::FunctionRef<bool()> stop) {
  MutexLock lock(mutex_);
  while (const std::optional<Shortage> shortage = Take(bytes, SteadyClockMicros())) {
    if (stop()) return absl::CancelledError("the client has gone");
    room_made_.WaitFor(mutex_,
                       std::min(shortage->delay_micros, limits::kRetryAfterMs * 1000));
  }
  return Room(this, bytes);
}

std::optional<Quotas::Shortage> Quotas::Take(uint64_t bytes, uint64_t now_micros) {
  if (limits_.bytes_in_flight && bytes_in_flight_ + bytes > *limits_.bytes_in_flight) {
    return Shortage{.of_bytes = true, .delay_micros = limits::kRetryAfterMs * 1000};
  }
  if (limits_.requests_per_second) {
    Fill(now_micros);
    if (tokens_ < kRequest) {
      const uint64_t rate = *limits_.requests_per_second;
      return Shortage{.of_bytes = false, .delay_micros = (kRequest - tokens_ + rate - 1) / rate};
    }
    tokens_ -= kRequest;
  }
  bytes_in_flight_ += bytes;
  return std::nullopt;
}

// Threads come with their times in any order.
void Quotas::Fill(uint64_t now_micros) {
  if (!limits_.requests_per_second || now_micros <= filled_micros_) return;
  const uint64_t full = limits_.burst * kRequest;
  const uint64_t rate = *limits_.requests_per_second;
  const uint64_t micros = std::min(now_micros - filled_micros_, full / rate + 1);
  tokens_ = std::min(full, tokens_ + micros * rate);
  filled_micros_ = now_micros;
}

void Quotas::End(uint64_t bytes) {
  MutexLock lock(mutex_);
  bytes_in_flight_ -= bytes;
  if (bytes > 0) room_made_.NotifyAll();
}

bool Quotas::BoundsBytes() const {
  MutexLock lock(mutex_);
  return limits_.bytes_in_flight.has_value();
}

Quotas::Refusals Quotas::refusals() const {
  MutexLock lock(mutex_);
  return refusals_;
}

}  // namespace unirust::shard
