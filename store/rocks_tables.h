// Tables that keep the partitions of their index and filters in memory while there is room for that: a look-up asks the
// filters of all sorted runs, and each partition that is not kept is one more search in the block cache. Only for the
// sources of store/.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/table.h>

#include <memory>

namespace unirust::store {

// Files that are opened while less than kPinnedShare of the cache is pinned, with theirs, keep their partitions pinned
// as long as they are open; the others find them in the cache like any block. What is pinned is charged to the cache,
// and so are write buffers. Thread-safe. Cost: opening a file that is kept reads all of its index and filters.
std::shared_ptr<rocksdb::TableFactory> NewPinningTableFactory(
    const rocksdb::BlockBasedTableOptions& options);

// Beside a third of the budget for write buffers half of the cache is left to data.
inline constexpr double kPinnedShare = 0.4;

}  // namespace unirust::store
