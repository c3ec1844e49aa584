// What must not happen while the parts of a store are copied, one after the other (docs/cluster.md, 6).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>

#include "base/mutex.h"

namespace unirust::cluster {

// Thread-safe.
class CopyHolds {
 public:
  // While it is there, epochs after that which was the last published one stay in the outbox: a copy of home that is
  // made later has what earlier copies of other parts lack.
  class Outbox {
   public:
    Outbox(CopyHolds& holds, const std::function<uint64_t()>& published) : holds_(holds) {
      MutexLock lock(holds_.mutex_);
      upto_ = holds_.upto_.insert(published());
    }
    ~Outbox() {
      MutexLock lock(holds_.mutex_);
      holds_.upto_.erase(upto_);
    }
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

   private:
    CopyHolds& holds_;
    std::multiset<uint64_t>::iterator upto_;
  };

  // While it is there, no Change is: home is copied. Waits for the end of one.
  class Home {
   public:
    explicit Home(CopyHolds& holds) : holds_(holds) {
      MutexLock lock(holds_.mutex_);
      while (holds_.changing_) holds_.changed_.Wait(holds_.mutex_);
      ++holds_.homes_;
    }
    ~Home() {
      MutexLock lock(holds_.mutex_);
      --holds_.homes_;
      holds_.changed_.NotifyAll();
    }
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;

   private:
    CopyHolds& holds_;
  };

  // Around what makes earlier copies of other parts useless to home: another generation, another part. One at a time.
  // Waits while home is copied.
  class Change {
   public:
    explicit Change(CopyHolds& holds) : holds_(holds) {
      MutexLock lock(holds_.mutex_);
      while (holds_.homes_ > 0) holds_.changed_.Wait(holds_.mutex_);
      holds_.changing_ = true;
    }
    ~Change() {
      MutexLock lock(holds_.mutex_);
      holds_.changing_ = false;
      holds_.changed_.NotifyAll();
    }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    CopyHolds& holds_;
  };

  // Up to which epoch the outbox may be emptied, where all parts have those up to `published`.
  uint64_t Upto(uint64_t published) const {
    MutexLock lock(mutex_);
    return upto_.empty() ? published : std::min(published, *upto_.begin());
  }
  bool HoldsOutbox() const {
    MutexLock lock(mutex_);
    return !upto_.empty();
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::multiset<uint64_t> upto_ ABSL_GUARDED_BY(mutex_);
  size_t homes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool changing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unirust::cluster
