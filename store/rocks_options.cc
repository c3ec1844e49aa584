#include "store/rocks_options.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/keys.h"
#include "store/rocks_memtable.h"
#include "store/rocks_reader.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

// Looks after what RocksDB does in the background. Its threads give way to those that answer. Errors end the process:
// RocksDB's own retries could acknowledge later commits without this one.
class Background : public rdb::EventListener {
 public:
  void OnFlushBegin(rdb::DB* /*db*/, const rdb::FlushJobInfo& /*info*/) override {
    GiveWayOnce();
    FaultPoint("flush.begun");
  }
  void OnFlushCompleted(rdb::DB* /*db*/, const rdb::FlushJobInfo& /*info*/) override {
    FaultPoint("flush.done");
  }
  void OnCompactionBegin(rdb::DB* /*db*/, const rdb::CompactionJobInfo& /*info*/) override {
    GiveWayOnce();
    FaultPoint("compaction.begun");
  }
  void OnCompactionCompleted(rdb::DB* /*db*/, const rdb::CompactionJobInfo& /*info*/) override {
    FaultPoint("compaction.done");
  }
  void OnBackgroundError(rdb::BackgroundErrorReason /*reason*/, rdb::Status* status) override {
    if (status->IsCorruption()) {
      Die(kExitDataLoss,
          "stored bytes are damaged: " + status->ToString() + ". Restore a backup");
    }
    Die(kExitStorage,
        "storage failed in the background: " + status->ToString() +
            ". Nothing acknowledged is lost; free space or mend the disk, then start again");
  }

 private:
  static void GiveWayOnce() {
    thread_local bool gives_way = false;
    if (!std::exchange(gives_way, true)) GiveWay();
  }
};

// Filters nothing. Where there is one, RocksDB moves no table to another level as it is when it is told to compact.
class NoFilter : public rdb::CompactionFilterFactory {
 public:
  const char* Name() const override { return "unirust.no_filter"; }
  std::unique_ptr<rdb::CompactionFilter> CreateCompactionFilter(
      const rdb::CompactionFilter::Context& /*context*/) override {
    return nullptr;
  }
};

// What RocksDB has to say goes where the program's own lines go. Its own LOG file, in the data directory, could not be
// written when the disk is full, on which RocksDB 7.8 with assertions aborts.
class OurLog : public rdb::Logger {
 public:
  using rdb::Logger::Logv;
  void LogHeader(const char* /*format*/, va_list /*values*/) override {}  // options, at every opening
  void Logv(rdb::InfoLogLevel level, const char* format, va_list values) override {
    std::array<char, 1000> line{};  // longer ones are cut
    vsnprintf(line.data(), line.size(), format, values);
    Log(Level(level), std::string("rocksdb: ") + line.data());
  }

 private:
  static LogLevel Level(rdb::InfoLogLevel level) {
    // What is an error for us comes as a status, and is told by whoever attempted something.
    if (level >= rdb::InfoLogLevel::ERROR_LEVEL) return LogLevel::kWarning;
    return level == rdb::InfoLogLevel::WARN_LEVEL ? LogLevel::kInfo : LogLevel::kDebug;
  }
};

// Keys of attribute_values by attribute and value: the filter of a file tells whether it has any of a value.
class PostingPrefix : public rdb::SliceTransform {
 public:
  const char* Name() const override { return "unirust.attribute_value"; }
  bool InDomain(const rdb::Slice& key) const override {
    return AttributeValueKey::PrefixBytes(View(key)).has_value();
  }
  rdb::Slice Transform(const rdb::Slice& key) const override {
    return {key.data(), AttributeValueKey::PrefixBytes(View(key)).value_or(key.size())};
  }
};

// True if rows are looked up by their whole key. The others are only ever walked: no filter of keys can help.
bool IsLookedUp(Family family) {
  switch (family) {
    case Family::kAttributeValues:
    case Family::kSources:
    case Family::kTouches:
    case Family::kConflicts:
    case Family::kExpiries:
    case Family::kStretches:
    case Family::kPieces:
    case Family::kRuns:
    case Family::kKids:
    case Family::kDisputes:
      return false;
    default:
      return true;
  }
}

// Sorted runs of a family, of which compaction makes fewer: a look-up asks the filters of all, a walk merges them.
constexpr int kSortedRuns = 8;

// Write buffers are charged to the block cache, but not what our memtables keep to order their rows: a quarter of the
// rows' own bytes (rocks_memtable.h).
uint64_t WriteBufferBytes(uint64_t memory_budget_bytes) { return memory_budget_bytes / 3; }
uint64_t PlaceBytes(uint64_t memory_budget_bytes) {
  return WriteBufferBytes(memory_budget_bytes) / 4;
}

}  // namespace

std::shared_ptr<BlockCache> NewBlockCache(uint64_t memory_budget_bytes, size_t stores) {
  return std::make_shared<BlockCache>(stores *
                                      (memory_budget_bytes - PlaceBytes(memory_budget_bytes)));
}

BlockCache::BlockCache(uint64_t bytes)
    : cache(rdb::NewLRUCache(bytes)), pinned(std::make_shared<PinnedPartitions>(cache)) {}

RocksOptions::RocksOptions(uint64_t memory_budget_bytes, std::shared_ptr<BlockCache> shared)
    : memory_budget_bytes_(memory_budget_bytes),
      blocks_(shared != nullptr ? std::move(shared) : NewBlockCache(memory_budget_bytes, 1)),
      write_buffers_(std::make_shared<rdb::WriteBufferManager>(
          WriteBufferBytes(memory_budget_bytes), blocks_->cache)),
      statistics_(rdb::CreateDBStatistics()) {
  blocks_->pinned->Add(write_buffers_);
  statistics_->set_stats_level(rdb::StatsLevel::kExceptHistogramOrTimers);
  table_.block_cache = blocks_->cache;
  table_.cache_index_and_filter_blocks = true;
  table_.cache_index_and_filter_blocks_with_high_priority = true;
  // Look-ups go through these in every file: no search in the cache for the small top parts. What is pinned counts as
  // cache.
  table_.metadata_cache_options.top_level_index_pinning = rdb::PinningTier::kAll;
  table_.index_type = rdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table_.format_version = 5;
  // Blocks a little below a size class of the allocator, in which they are cached. Partitions of indexes and filters
  // are few enough that their handles stay in the processor's cache.
  table_.block_size = 7800;
  table_.metadata_block_size = 32000;
}

rdb::Options RocksOptions::Db() const {
  rdb::Options out;
  out.create_if_missing = true;
  out.create_missing_column_families = true;
  out.write_buffer_manager = write_buffers_;
  // Replay ends where the log is damaged or torn. Whether acknowledged commits are missing then: commit_mark.h. Logs
  // stay until the store is accepted.
  out.wal_recovery_mode = rdb::WALRecoveryMode::kPointInTimeRecovery;
  out.avoid_flush_during_recovery = true;
  out.max_background_jobs = 3;  // a flush and, where writes would have to wait, two compactions
  out.allow_concurrent_memtable_write = false;
  out.max_bgerror_resume_count = 0;
  out.listeners.push_back(std::make_shared<Background>());
  out.max_manifest_file_size = kManifestBytesMax;
  out.max_open_files = 512;
  out.skip_stats_update_on_db_open = true;
  out.skip_checking_sst_file_sizes_on_db_open = true;
  out.max_total_wal_size = limits::kLogBytesMax;
  out.info_log = std::make_shared<OurLog>();
  out.statistics = statistics_;
  out.stats_persist_period_sec = 0;  // keeps no history of them
  return out;
}

rdb::Options RocksOptions::ReadOnlyDb() const {
  rdb::Options out = Db();
  out.create_if_missing = false;
  out.create_missing_column_families = false;
  out.write_buffer_manager = std::make_shared<rdb::WriteBufferManager>(0);
  out.max_open_files = -1;
  return out;
}

rdb::ColumnFamilyOptions RocksOptions::Of(Family family) const {
  rdb::BlockBasedTableOptions table = table_;
  rdb::ColumnFamilyOptions out;
  if (IsLookedUp(family)) {  // most look-ups of an ingest are for keys that are not there
    table.filter_policy.reset(rdb::NewBloomFilterPolicy(10));
    table.partition_filters = true;
    table.data_block_index_type = rdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    table.block_size = 3900;
    out.memtable_prefix_bloom_size_ratio = 0.05;
    out.memtable_whole_key_filtering = true;
  }
  if (family == Family::kAttributeValues) {
    out.prefix_extractor = std::make_shared<PostingPrefix>();
    table.filter_policy.reset(rdb::NewBloomFilterPolicy(10));
    table.partition_filters = true;
    table.whole_key_filtering = false;
  }
  out.table_factory = NewPinningTableFactory(table, blocks_->pinned);
  out.compression = rdb::kLZ4Compression;
  out.compaction_filter_factory = std::make_shared<NoFilter>();
  // Keys are hashes: every flush goes all over a family, and levels would be rewritten by each few of them
  // (docs/decisions/0010-universal-compaction.md).
  out.compaction_style = rdb::kCompactionStyleUniversal;
  out.level0_file_num_compaction_trigger = kSortedRuns;
  // Memtables small enough for the processor's cache, several to a file of level 0.
  out.write_buffer_size = WriteBufferBytesOf(family);
  out.min_write_buffer_number_to_merge = 4;
  out.max_write_buffer_number = 10;
  out.memtable_factory = NewSortedMemtableFactory();
  return out;
}

uint64_t RocksOptions::WriteBufferBytesOf(Family family) const {
  if (family == Family::kMeta) return 1U << 20U;
  return std::clamp<uint64_t>(memory_budget_bytes_ / 64, 1U << 20U, 8U << 20U);
}

// If one memtable is flushed in a replay, RocksDB flushes all in the end. So they are as large as half of all write
// buffers, in which any family's part of the logs has room; where the budget is too small for that, as ever.
rdb::ColumnFamilyOptions RocksOptions::OfReplay(Family family) const {
  rdb::ColumnFamilyOptions out = Of(family);
  const uint64_t usual = out.write_buffer_size;
  const uint64_t large = WriteBufferBytes(memory_budget_bytes_) / 2;
  if (large < limits::kLogBytesMax / 4) return out;
  out.write_buffer_size = large;
  out.memtable_prefix_bloom_size_ratio *=
      static_cast<double>(usual) / static_cast<double>(out.write_buffer_size);
  return out;
}

}  // namespace unirust::store
