// Tables that keep the partitions of their index and filters in memory while there is room for that: a look-up asks the
// filters of all sorted runs, and each partition that is not kept is one more search in the block cache. Only for the
// sources of store/.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace unirust::store {

// How much of the block cache partitions may pin, of all stores and families together. Thread-safe.
class PinnedPartitions {
 public:
  // Of the cache. Beside write buffers, which may be another 36 % of it, the rest is left to data.
  static constexpr double kShare = 0.25;

  explicit PinnedPartitions(std::shared_ptr<rocksdb::Cache> cache) : cache_(std::move(cache)) {}

  // These are charged to the cache too.
  void Add(std::shared_ptr<rocksdb::WriteBufferManager> write_buffers);

  // A file of that size is to be opened: whether it may pin its partitions. Ended must be called when it is open.
  bool Begin(uint64_t file_size);
  void Ended(uint64_t file_size);

 private:
  const std::shared_ptr<rocksdb::Cache> cache_;
  Mutex mutex_;
  std::vector<std::shared_ptr<rocksdb::WriteBufferManager>> write_buffers_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> opening_ = 0;  // bytes that files which are not open yet may pin
};

// Files keep their partitions pinned, as long as they are open, if there was room when they were opened, and young ones
// always; the others find them in the cache like any block. What is pinned is charged to the cache. Thread-safe. Cost:
// opening a file that is kept reads all of its index and filters.
std::shared_ptr<rocksdb::TableFactory> NewPinningTableFactory(
    const rocksdb::BlockBasedTableOptions& options, std::shared_ptr<PinnedPartitions> pinned);

}  // namespace unirust::store
