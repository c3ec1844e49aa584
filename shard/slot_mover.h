// Moves slots between the parts of a store, in the background.
#pragma once

#include "base/mutex.h"
#include "base/thread.h"

namespace unirust::shard {

class Engine;

// Makes the steps of moves that are to be made (Engine::MoveStep), in a thread of its own, from
// construction to destruction: after each it rests for as long as the step took, half a second at
// most, so that clients have their turn. What fails is logged and tried again. The engine must outlive it,
// and waits for no part after it.
class SlotMover {
 public:
  explicit SlotMover(Engine& engine);
  ~SlotMover();

 private:
  void Run();

  Engine& engine_;
  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace unirust::shard
