// The store's memtables: sorted runs instead of RocksDB's skip list. A commit's keys arrive sorted, so most of them are
// only appended. Only for the sources of store/.
#pragma once

#include <rocksdb/memtablerep.h>

#include <memory>

namespace unirust::store {

// One thread inserts (`allow_concurrent_memtable_write` must be off), any number reads meanwhile. For families with
// bytewise order. Cost: an insertion in order appends 16 bytes; one out of order begins a run, and runs of like length
// are merged, so that n entries are in at most log2(n) + 2 runs, each of which a search has to look at.
std::shared_ptr<rocksdb::MemTableRepFactory> NewSortedMemtableFactory();

}  // namespace unirust::store
