#include "store/rocks_metrics.h"

#include <rocksdb/statistics.h>
#include <rocksdb/write_buffer_manager.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

namespace unirust::store {
namespace {

namespace rdb = rocksdb;
namespace fs = std::filesystem;
using Properties = rdb::DB::Properties;

// 0 for a property that cannot be told now. Of the whole database, or of its default family.
uint64_t Property(rdb::DB& db, const std::string& name) {
  uint64_t value = 0;
  return db.GetIntProperty(name, &value) ? value : 0;
}

uint64_t SumOfFamilies(rdb::DB& db, const std::string& name) {
  uint64_t value = 0;
  return db.GetAggregatedIntProperty(name, &value) ? value : 0;
}

void ReadMemory(rdb::DB& db, const RocksOptions& options, StorageMetrics* out) {
  out->block_cache_capacity_bytes = options.cache().GetCapacity();
  out->block_cache_usage_bytes = options.cache().GetUsage();
  out->block_cache_pinned_bytes = options.cache().GetPinnedUsage();
  const rdb::WriteBufferManager& buffers = *db.GetDBOptions().write_buffer_manager;
  out->write_buffers_capacity_bytes = buffers.buffer_size();
  out->write_buffers_usage_bytes = buffers.memory_usage();
  out->memtable_bytes = SumOfFamilies(db, Properties::kSizeAllMemTables);
  out->immutable_memtables = SumOfFamilies(db, Properties::kNumImmutableMemTable);
}

void ReadTotals(const rdb::Statistics& statistics, StorageMetrics* out) {
  out->block_cache_hits = statistics.getTickerCount(rdb::BLOCK_CACHE_HIT);
  out->block_cache_misses = statistics.getTickerCount(rdb::BLOCK_CACHE_MISS);
  out->wal_written_bytes = statistics.getTickerCount(rdb::WAL_FILE_BYTES);
  out->wal_syncs = statistics.getTickerCount(rdb::WAL_FILE_SYNCED);
  out->flush_written_bytes = statistics.getTickerCount(rdb::FLUSH_WRITE_BYTES);
  out->compaction_read_bytes = statistics.getTickerCount(rdb::COMPACT_READ_BYTES);
  out->compaction_written_bytes = statistics.getTickerCount(rdb::COMPACT_WRITE_BYTES);
  out->stall_micros = statistics.getTickerCount(rdb::STALL_MICROS);
}

void ReadWork(rdb::DB& db, StorageMetrics* out) {
  out->running_compactions = Property(db, Properties::kNumRunningCompactions);
  out->running_flushes = Property(db, Properties::kNumRunningFlushes);
  out->pending_compaction_bytes = SumOfFamilies(db, Properties::kEstimatePendingCompactionBytes);
  out->delayed_write_bytes_per_second = Property(db, Properties::kActualDelayedWriteRate);
  out->writes_stopped = Property(db, Properties::kIsWriteStopped) != 0;
}

uint64_t FreeBytes(const std::string& dir) {
  std::error_code error;
  const fs::space_info space = fs::space(dir, error);
  return error ? 0 : space.available;
}

// The number in a text like "123.000000".
uint64_t WholeNumber(const std::string& text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void ReadLevels(rdb::DB& db, const std::vector<std::shared_ptr<Families>>& generations,
                StorageMetrics* out) {
  std::set<rdb::ColumnFamilyHandle*> seen;  // generations share what is not derived
  std::map<std::pair<size_t, uint32_t>, StorageMetrics::Level> levels;
  for (const std::shared_ptr<Families>& generation : generations) {
    for (size_t family = 0; family < kFamilies; ++family) {
      rdb::ColumnFamilyHandle* const handle = generation->handles[family];
      std::map<std::string, std::string> stats;
      if (!seen.insert(handle).second || !db.GetMapProperty(handle, Properties::kCFStats, &stats)) {
        continue;
      }
      for (uint32_t level = 0; level < static_cast<uint32_t>(db.NumberLevels(handle)); ++level) {
        const std::string prefix = "compaction.L" + std::to_string(level) + ".";
        const uint64_t files = WholeNumber(stats[prefix + "NumFiles"]);
        if (files == 0) continue;
        StorageMetrics::Level& sum = levels[{family, level}];
        sum.family = FamilyName(static_cast<Family>(family));
        sum.level = level;
        sum.files += files;
        sum.bytes += WholeNumber(stats[prefix + "SizeBytes"]);
      }
    }
  }
  for (auto& [position, level] : levels) out->levels.push_back(std::move(level));
}

}  // namespace

StorageMetrics ReadMetrics(rdb::DB& db, const RocksOptions& options, const std::string& dir,
                           const std::vector<std::shared_ptr<Families>>& generations) {
  StorageMetrics out;
  ReadMemory(db, options, &out);
  ReadTotals(options.statistics(), &out);
  ReadWork(db, &out);
  out.wal_bytes = LogBytes(dir);
  out.disk_free_bytes = FreeBytes(dir);
  ReadLevels(db, generations, &out);
  return out;
}

// Files that vanish meanwhile do not count.
uint64_t LogBytes(const std::string& dir) {
  uint64_t out = 0;
  std::error_code error;
  for (fs::directory_iterator file(dir, error), end; !error && file != end; file.increment(error)) {
    if (file->path().extension() != ".log") continue;
    std::error_code gone;
    const uint64_t bytes = file->file_size(gone);
    if (!gone) out += bytes;
  }
  return out;
}

}  // namespace unirust::store
