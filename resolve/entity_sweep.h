// All entities of a store, with their records, one after the other. Not thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "resolve/entity_batch.h"
#include "resolve/entity_join.h"

namespace unirust::resolve {

// In the order of the names of their blocks. The first few come soon: their records are looked up. All others are
// joined with their records through temporary files. While the entities of one batch are used, a thread of its own
// reads the next one; not yet for the first few.
class EntitySweep {
 public:
  // `after`: the position() to go on behind, or empty. Stands on the first entity.
  EntitySweep(const ReadContext& context, std::string_view after);
  ~EntitySweep() { leaving_ = true; }
  EntitySweep(const EntitySweep&) = delete;
  EntitySweep& operator=(const EntitySweep&) = delete;

  // False at the end and on an error.
  bool Valid() const { return entity_ != nullptr; }
  void Next();
  // Waits until the next entity is there, or that long; returns whether it is. Next waits as long as it takes: for the
  // first of those that are joined, until all of them are.
  bool AwaitNext(uint64_t micros);

  // Without its `ref`; until Next.
  const Entity& entity() const { return *entity_; }
  std::string position() const { return store::NameKey{entity_->name}.Encode(); }
  Names& names() { return *names_; }  // until Next
  const absl::Status& status() const { return status_; }

 private:
  // Goes to the next batch.
  absl::Status Turn();
  void ReadAhead();
  // Reads the next entities, as many as there is memory for, into next_; none at the end.
  absl::Status Read();
  absl::Status ReadFew();

  const ReadContext& context_;
  std::unique_ptr<EntityBatch> batch_;
  std::optional<Names> names_;  // as old as what the batch holds
  size_t index_ = 0;            // in it
  const Entity* entity_ = nullptr;
  absl::Status status_;

  // --- of reading
  std::unique_ptr<EntityBatch> next_;
  std::optional<EntityWalk> walk_;
  std::string walked_;        // its position
  bool walked_all_ = false;
  uint64_t records_at_once_;  // grows as long as memory allows
  uint64_t records_max_ = 0;  // of a batch, as far as that is known
  bool joins_next_ = false;   // so many were read at once, and there are more
  std::unique_ptr<EntityJoin> join_;
  absl::Status read_;
  std::atomic<bool> leaving_ = false;
  bool ahead_ = false;  // reader_ reads next_, and what is above is its own until it is joined
  Mutex mutex_;
  CondVar read_changed_;
  bool has_read_ ABSL_GUARDED_BY(mutex_) = false;
  Thread reader_;
};

}  // namespace unirust::resolve
