// Room for requests from their arrival until their answer, or commit, by the bytes that they take in
// memory, decoded (docs/operations.md, "Memory"). Half of it is for those that are refused where there
// is none, unary ones, and half for those that wait, of streams: who waits would have it last, as
// those that are refused come again. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/mutex.h"
#include "base/waiting_line.h"

namespace unirust::rpc {

class RequestRoom {
 public:
  explicit RequestRoom(uint64_t bytes_max) : half_bytes_max_(bytes_max / 2) {}

  // What a request has of it. Must not outlive the room.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept { *this = std::move(other); }
    Share& operator=(Share&& other) noexcept {
      std::swap(room_, other.room_);
      std::swap(half_, other.half_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (room_ != nullptr) room_->GiveBack(half_, bytes_);
    }
    bool taken() const { return room_ != nullptr; }

   private:
    friend class RequestRoom;
    Share(RequestRoom& room, size_t half, uint64_t bytes)
        : room_(&room), half_(half), bytes_(bytes) {}
    RequestRoom* room_ = nullptr;
    size_t half_ = 0;
    uint64_t bytes_ = 0;
  };

  // None is taken where there is no room. An empty half has room for any request.
  Share Try(uint64_t bytes) {
    MutexLock lock(mutex_);
    return HasRoom(kUnary, bytes) ? Take(kUnary, bytes) : Share();
  }
  // Waits for it, and for those that came before: a large request comes in between small ones, too.
  Share Wait(uint64_t bytes) {
    MutexLock lock(mutex_);
    const uint64_t number = line_.Join();
    while (!line_.IsFirst(number) || !HasRoom(kStreams, bytes)) changed_.Wait(mutex_);
    line_.Leave();
    changed_.NotifyAll();
    return Take(kStreams, bytes);
  }

  // How many wait now.
  uint64_t waiting() const {
    MutexLock lock(mutex_);
    return line_.length();
  }

 private:
  static constexpr size_t kUnary = 0;
  static constexpr size_t kStreams = 1;

  bool HasRoom(size_t half, uint64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return taken_[half] == 0 || taken_[half] + bytes <= half_bytes_max_;
  }
  Share Take(size_t half, uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    taken_[half] += bytes;
    return {*this, half, bytes};
  }
  void GiveBack(size_t half, uint64_t bytes) {
    MutexLock lock(mutex_);
    taken_[half] -= bytes;
    changed_.NotifyAll();
  }

  const uint64_t half_bytes_max_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::array<uint64_t, 2> taken_ ABSL_GUARDED_BY(mutex_) = {};
  WaitingLine line_ ABSL_GUARDED_BY(mutex_);  // of streams
};

}  // namespace unirust::rpc
