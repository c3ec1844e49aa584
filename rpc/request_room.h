// Room for requests from their arrival until their answer, or commit, by the bytes that they take in
// memory, decoded (docs/operations.md, "Memory"). Thread-safe.
#pragma once

#include <cstdint>
#include <utility>

#include "base/mutex.h"

namespace unirust::rpc {

class RequestRoom {
 public:
  explicit RequestRoom(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // What a request has of it. Must not outlive the room.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept { *this = std::move(other); }
    Share& operator=(Share&& other) noexcept {
      std::swap(room_, other.room_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (room_ != nullptr) room_->GiveBack(bytes_);
    }
    bool taken() const { return room_ != nullptr; }

   private:
    friend class RequestRoom;
    Share(RequestRoom& room, uint64_t bytes) : room_(&room), bytes_(bytes) {}
    RequestRoom* room_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // None is taken where there is no room. An empty one has room for any request.
  Share Try(uint64_t bytes) {
    MutexLock lock(mutex_);
    return HasRoom(bytes) ? Take(bytes) : Share();
  }
  // Waits for it.
  Share Wait(uint64_t bytes) {
    MutexLock lock(mutex_);
    while (!HasRoom(bytes)) changed_.Wait(mutex_);
    return Take(bytes);
  }

 private:
  bool HasRoom(uint64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return taken_ == 0 || taken_ + bytes <= bytes_max_;
  }
  Share Take(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    taken_ += bytes;
    return {*this, bytes};
  }
  void GiveBack(uint64_t bytes) {
    MutexLock lock(mutex_);
    taken_ -= bytes;
    changed_.NotifyAll();
  }

  const uint64_t bytes_max_;
  Mutex mutex_;
  CondVar changed_;
  uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace unirust::rpc
