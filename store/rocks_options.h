// How the store sets up RocksDB: memory, files, filters, memtables. Only for the sources of store/.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <cstdint>
#include <memory>

#include "store/batch.h"
#include "store/rocks_tables.h"

namespace unirust::store {

// A MANIFEST that has grown to this is replaced by one of what is there now. It names every table: thousands have room.
inline constexpr uint64_t kManifestBytesMax = 8U << 20U;

class BlockCache {
 public:
  explicit BlockCache(uint64_t bytes);
  const std::shared_ptr<rocksdb::Cache> cache;
  const std::shared_ptr<PinnedPartitions> pinned;
};

// Of one store. Immutable.
class RocksOptions {
 public:
  // The store has write buffers by its own budget. `shared`: null for a cache of its own.
  RocksOptions(uint64_t memory_budget_bytes, std::shared_ptr<BlockCache> shared);

  rocksdb::Options Db() const;
  rocksdb::Options ReadOnlyDb() const;  // every file stays open; memtables do not count as cache, for none is flushed
  rocksdb::ColumnFamilyOptions Of(Family family) const;
  // The same for an opening that has much to replay: memtables take in what the logs hold, and none is flushed.
  // Afterwards write_buffer_size is to be set to WriteBufferBytesOf.
  rocksdb::ColumnFamilyOptions OfReplay(Family family) const;
  uint64_t WriteBufferBytesOf(Family family) const;
  const rocksdb::Cache& cache() const { return *blocks_->cache; }
  const rocksdb::Statistics& statistics() const { return *statistics_; }

 private:
  uint64_t memory_budget_bytes_;
  std::shared_ptr<BlockCache> blocks_;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
  std::shared_ptr<rocksdb::Statistics> statistics_;  // counters only: timers would cost
  rocksdb::BlockBasedTableOptions table_;
};

}  // namespace unirust::store
