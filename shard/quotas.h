// What the requests of one tenant may take (docs/tenants.md): so many a second, by a bucket of
// tokens, and so many bytes that are not answered yet. The quota of records is the engine's
// (Engine::SetRecordsMax).
//
//   UNIRUST_ASSIGN_OR_RETURN(const Quotas::Room room, quotas.Begin(bytes, SteadyClockMicros()));
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "config/tenants.h"

namespace unirust::shard {

class Quotas {
 public:
  // The bucket is full at first.
  explicit Quotas(const config::TenantQuotas& limits, uint64_t now_micros = SteadyClockMicros());

  // Other limits from now on, for what begins then.
  void Change(const config::TenantQuotas& limits, uint64_t now_micros = SteadyClockMicros());

  // The room of a request that has begun, given back when it ends. Must not outlive the Quotas.
  class Room {
   public:
    Room() = default;
    Room(Room&& other) noexcept
        : quotas_(std::exchange(other.quotas_, nullptr)), bytes_(other.bytes_) {}
    Room& operator=(Room&& other) noexcept {
      std::swap(quotas_, other.quotas_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Room() {
      if (quotas_ != nullptr) quotas_->End(bytes_);
    }

   private:
    friend class Quotas;
    Room(Quotas* quotas, uint64_t bytes) : quotas_(quotas), bytes_(bytes) {}
    Quotas* quotas_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // A request begins. RESOURCE_EXHAUSTED with a delay (retry_delay.h) if a quota is used up;
  // nothing is taken then.
  absl::StatusOr<Room> Begin(uint64_t bytes, uint64_t now_micros);

  // Waits instead. Asks `stop` now and then whether to give up: CANCELLED.
  absl::StatusOr<Room> AwaitBegin(uint64_t bytes, absl::FunctionRef<bool()> stop);

  // Whether the bytes of a request matter to Begin.
  bool BoundsBytes() const;

  // Refused by Begin so far.
  struct Refusals {
    uint64_t requests = 0;
    uint64_t bytes = 0;
  };
  Refusals refusals() const;

 private:
  // What is used up, and for how long; nothing if the request has begun.
  struct Shortage {
    bool of_bytes = false;
    uint64_t delay_micros = 0;
  };
  std::optional<Shortage> Take(uint64_t bytes, uint64_t now_micros)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fill(uint64_t now_micros) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(uint64_t bytes);

  mutable Mutex mutex_;
  CondVar room_made_;
  config::TenantQuotas limits_ ABSL_GUARDED_BY(mutex_);
  uint64_t tokens_ ABSL_GUARDED_BY(mutex_) = 0;  // in millionths of a request
  uint64_t filled_micros_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  Refusals refusals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unirust::shard
