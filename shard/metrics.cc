#include "shard/metrics.h"

#include "cluster/placement.h"
#include "shard/engine.h"

namespace unirust::shard {
namespace {

using rpc::Metric;
using rpc::MetricFamilies;
using rpc::MetricType;

double Number(uint64_t number) { return static_cast<double>(number); }

constexpr MetricType kCounter = MetricType::kCounter;
constexpr MetricType kGauge = MetricType::kGauge;
constexpr MetricType kSeconds = MetricType::kSeconds;
constexpr MetricType kSizes = MetricType::kSizes;

// --- ingest --------------------------------------------------------------------------------------

constexpr Metric kIngest{kSeconds, "unirust_ingest_duration_seconds",
                         "time that an ingest request or chunk takes until its commit"};
constexpr Metric kStage{kSeconds, "unirust_ingest_stage_duration_seconds",
                        "time by stage: decode, queue, answer of a request or chunk; resolve, "
                        "handover, write of a commit"};
constexpr Metric kIngested{kCounter, "unirust_ingest_records_total",
                           "writes that were acknowledged"};
constexpr Metric kQueued{kGauge, "unirust_ingest_queue_records", "writes that wait for a commit"};
constexpr Metric kCommitRecords{kSizes, "unirust_commit_records", "writes in a commit"};
constexpr Metric kEntityRecords{kSizes, "unirust_commit_entity_records",
                                "records of each entity with a write in a commit"};
constexpr Metric kGroupPieces{kSizes, "unirust_commit_group_pieces",
                              "times at which a record holds the key value, of each group that a "
                              "commit changed"};
constexpr Metric kContested{kCounter, "unirust_commit_contested_groups_total",
                            "groups that a commit changed and left contested"};
constexpr Metric kGeneric{kCounter, "unirust_commit_generic_groups_total",
                          "groups that a commit changed and left with a generic value"};

void AddIngest(const Engine& engine, MetricFamilies& families) {
  const Metrics& metrics = engine.metrics();
  families.Add(kIngest, metrics.ingest);
  families.Add(kStage, metrics.decode, {{"stage", "decode"}});
  families.Add(kStage, metrics.queue, {{"stage", "queue"}});
  families.Add(kStage, metrics.resolve, {{"stage", "resolve"}});
  families.Add(kStage, metrics.handover, {{"stage", "handover"}});
  families.Add(kStage, metrics.write, {{"stage", "write"}});
  families.Add(kStage, metrics.answer, {{"stage", "answer"}});
  families.Add(kIngested, Number(metrics.ingested_records));
  families.Add(kQueued, Number(engine.QueuedRecords()));
  families.Add(kCommitRecords, metrics.commit_records);
  families.Add(kEntityRecords, metrics.entity_records);
  families.Add(kGroupPieces, metrics.group_pieces);
  families.Add(kContested, Number(metrics.contested_groups));
  families.Add(kGeneric, Number(metrics.generic_groups));
}

// --- what is stored ------------------------------------------------------------------------------

constexpr Metric kRecords{kGauge, "unirust_records", "live records"};
constexpr Metric kEntities{kGauge, "unirust_entities", "entities"};
constexpr Metric kConflicts{kGauge, "unirust_conflicts", "conflicts of all kinds"};
constexpr Metric kEdges{kGauge, "unirust_graph_edges",
                        "edges of the graph: member_of, same_as and conflicts_with"};

constexpr Metric kViews{kGauge, "unirust_open_views",
                        "states of the store that are read from now: streams and calls under way"};

// Without samples where the counters cannot be read: whoever asks for them hears why.
void AddStats(const Engine& engine, MetricFamilies& families) {
  families.Add(kViews, Number(engine.metrics().open_views));
  for (const Metric& metric : {kRecords, kEntities, kConflicts, kEdges}) families.Declare(metric);
  const absl::StatusOr<StoreStats> stats = engine.Read().GetStats();
  if (!stats.ok()) return;
  families.Add(kRecords, Number(stats->records));
  families.Add(kEntities, Number(stats->entities));
  families.Add(kConflicts, Number(stats->conflicts));
  families.Add(kEdges, Number(stats->graph_edges));
}

// --- parts ----------------------------------------------------------------------------------------

constexpr Metric kPartAnswers{kGauge, "unirust_part_answers",
                              "1 if the part of the store answers, else 0"};
constexpr Metric kPartBehind{kGauge, "unirust_part_epochs_behind",
                             "epochs that the store has and the part has not"};
constexpr Metric kPartSlots{kGauge, "unirust_part_slots", "slots that lie in the part"};
constexpr Metric kSlotsToMove{kGauge, "unirust_slots_to_move",
                              "slots that do not lie yet in the part that they go to"};

// Without samples for a store in one directory.
void AddParts(const Engine& engine, MetricFamilies& families) {
  for (const Metric& metric : {kPartAnswers, kPartBehind, kPartSlots, kSlotsToMove}) {
    families.Declare(metric);
  }
  const Engine::Slots slots = engine.GetSlots();
  if (slots.placement == nullptr) return;
  for (const PartStatus& part : engine.GetParts()) {
    const rpc::MetricLabels label = {{"part", std::to_string(part.part)}};
    families.Add(kPartAnswers, part.fault.empty() ? 1 : 0, label);
    if (part.fault.empty()) families.Add(kPartBehind, Number(part.behind), label);
    families.Add(kPartSlots, part.slots, label);
  }
  uint64_t waiting = 0;
  for (const auto& move : cluster::MovesBetween(slots.placement->map, slots.placement->target)) {
    waiting += move.slots;
  }
  families.Add(kSlotsToMove, Number(waiting));
}

// --- memory --------------------------------------------------------------------------------------

constexpr Metric kBudget{kGauge, "unirust_memory_budget_bytes",
                         "shares of --memory-budget: cache, commits, queue"};
constexpr Metric kQueuedBytes{kGauge, "unirust_queued_bytes",
                              "what requests that wait for a commit take of their share, by "
                              "lane: unary, streams"};
constexpr Metric kCacheCapacity{kGauge, "unirust_block_cache_capacity_bytes",
                                "what the block cache may use of its share"};
constexpr Metric kCacheUsage{kGauge, "unirust_block_cache_usage_bytes",
                             "used of it: blocks, indexes, filters and write buffers"};
constexpr Metric kCachePinned{kGauge, "unirust_block_cache_pinned_bytes",
                              "of these, what cannot be evicted now"};
constexpr Metric kCacheHits{kCounter, "unirust_block_cache_hits_total",
                            "blocks that were found in the cache"};
constexpr Metric kCacheMisses{kCounter, "unirust_block_cache_misses_total",
                              "blocks that were read from files"};
constexpr Metric kBuffersMax{kGauge, "unirust_write_buffers_capacity_bytes",
                             "of it, what write buffers may use at most"};
constexpr Metric kBuffers{kGauge, "unirust_write_buffers_usage_bytes",
                          "of it, what write buffers use"};
constexpr Metric kMemtables{kGauge, "unirust_rocksdb_memtable_bytes",
                            "memtables, with those that only readers still hold"};
constexpr Metric kImmutable{kGauge, "unirust_rocksdb_immutable_memtables",
                            "memtables that wait for a flush"};

void AddMemory(const Engine& engine, const StorageMetrics& storage, MetricFamilies& families) {
  const MemoryShares& shares = engine.memory_shares();
  families.Add(kBudget, Number(shares.store_bytes), {{"share", "cache"}});
  families.Add(kBudget, Number(shares.commit_bytes()), {{"share", "commits"}});
  families.Add(kBudget, Number(shares.queue_bytes), {{"share", "queue"}});
  families.Add(kQueuedBytes, Number(engine.QueuedBytes(Lane::kUnary)), {{"lane", "unary"}});
  families.Add(kQueuedBytes, Number(engine.QueuedBytes(Lane::kStreams)), {{"lane", "streams"}});
  families.Add(kCacheCapacity, Number(storage.block_cache_capacity_bytes));
  families.Add(kCacheUsage, Number(storage.block_cache_usage_bytes));
  families.Add(kCachePinned, Number(storage.block_cache_pinned_bytes));
  families.Add(kCacheHits, Number(storage.block_cache_hits));
  families.Add(kCacheMisses, Number(storage.block_cache_misses));
  families.Add(kBuffersMax, Number(storage.write_buffers_capacity_bytes));
  families.Add(kBuffers, Number(storage.write_buffers_usage_bytes));
  families.Add(kMemtables, Number(storage.memtable_bytes));
  families.Add(kImmutable, Number(storage.immutable_memtables));
}

// --- RocksDB's writing and files -----------------------------------------------------------------

constexpr Metric kWal{kGauge, "unirust_rocksdb_wal_bytes", "write-ahead logs on disk"};
constexpr Metric kWalWritten{kCounter, "unirust_rocksdb_wal_written_bytes_total",
                             "bytes written to write-ahead logs"};
constexpr Metric kWalSyncs{kCounter, "unirust_rocksdb_wal_syncs_total",
                           "syncs of write-ahead logs"};
constexpr Metric kFlushed{kCounter, "unirust_rocksdb_flush_written_bytes_total",
                          "bytes written by flushes of memtables"};
constexpr Metric kCompactionRead{kCounter, "unirust_rocksdb_compaction_read_bytes_total",
                                 "bytes read by compactions"};
constexpr Metric kCompactionWritten{kCounter, "unirust_rocksdb_compaction_written_bytes_total",
                                    "bytes written by compactions"};
constexpr Metric kPending{kGauge, "unirust_rocksdb_pending_compaction_bytes",
                          "bytes that compactions have still to rewrite, estimated"};
constexpr Metric kCompactions{kGauge, "unirust_rocksdb_running_compactions",
                              "compactions under way"};
constexpr Metric kFlushes{kGauge, "unirust_rocksdb_running_flushes", "flushes under way"};
constexpr Metric kStalls{kCounter, "unirust_rocksdb_stall_seconds_total",
                         "time that writes waited for flushes and compactions"};
constexpr Metric kDelayed{kGauge, "unirust_rocksdb_delayed_write_bytes_per_second",
                          "what writes are slowed down to; 0: they are not"};
constexpr Metric kStopped{kGauge, "unirust_rocksdb_writes_stopped",
                          "1 while writes wait for flushes and compactions, else 0"};
constexpr Metric kFiles{kGauge, "unirust_rocksdb_sst_files",
                        "SST files by column family and level"};
constexpr Metric kFileBytes{kGauge, "unirust_rocksdb_sst_bytes",
                            "bytes of SST files by column family and level"};
constexpr Metric kDiskFree{kGauge, "unirust_disk_free_bytes",
                           "free space of the file system with the data directory"};
constexpr Metric kBackupsMade{kCounter, "unirust_backups_made_total", "backups that are whole"};
constexpr Metric kBackupsFailed{kCounter, "unirust_backups_failed_total",
                                "backups that failed; the log says why"};
constexpr Metric kErasurePending{kGauge, "unirust_erasure_pending_seconds",
                                 "since the first erasure that is not purged; 0: all are"};

void AddRocksDb(const StorageMetrics& storage, MetricFamilies& families) {
  families.Add(kWal, Number(storage.wal_bytes));
  families.Add(kWalWritten, Number(storage.wal_written_bytes));
  families.Add(kWalSyncs, Number(storage.wal_syncs));
  families.Add(kFlushed, Number(storage.flush_written_bytes));
  families.Add(kCompactionRead, Number(storage.compaction_read_bytes));
  families.Add(kCompactionWritten, Number(storage.compaction_written_bytes));
  families.Add(kPending, Number(storage.pending_compaction_bytes));
  families.Add(kCompactions, Number(storage.running_compactions));
  families.Add(kFlushes, Number(storage.running_flushes));
  families.Add(kStalls, Number(storage.stall_micros) / 1e6);
  families.Add(kDelayed, Number(storage.delayed_write_bytes_per_second));
  families.Add(kStopped, storage.writes_stopped ? 1 : 0);
  families.Declare(kFiles);
  families.Declare(kFileBytes);
  for (const StorageMetrics::Level& level : storage.levels) {
    const rpc::MetricLabels labels = {{"family", level.family},
                                      {"level", std::to_string(level.level)}};
    families.Add(kFiles, Number(level.files), labels);
    families.Add(kFileBytes, Number(level.bytes), labels);
  }
  families.Add(kDiskFree, Number(storage.disk_free_bytes));
  families.Add(kBackupsMade, Number(storage.backups_made));
  families.Add(kBackupsFailed, Number(storage.backups_failed));
}

void AddErasure(const Engine& engine, MetricFamilies& families) {
  const absl::StatusOr<Erasures> erasures = engine.ErasuresInStore();
  if (!erasures.ok()) return;
  const int64_t since = erasures->pending_since_micros;
  const int64_t age = std::max<int64_t>(static_cast<int64_t>(WallClockMicros()) - since, 1);
  families.Add(kErasurePending, since == 0 ? 0 : static_cast<double>(age) / 1e6);
}

}  // namespace

void AddTenantMetrics(const Engine& engine, const std::string& tenant, MetricFamilies& families) {
  const rpc::MetricLabels label = {{"tenant", tenant}};
  const absl::StatusOr<StoreStats> stats = engine.Read().GetStats();
  if (stats.ok()) families.Add(kRecords, Number(stats->records), label);
  families.Add(kIngested, Number(engine.metrics().ingested_records), label);
  const StorageMetrics storage = engine.GetStorageMetrics();
  families.Add(kBackupsMade, Number(storage.backups_made), label);
  families.Add(kBackupsFailed, Number(storage.backups_failed), label);
}

void AddMetrics(const Engine& engine, MetricFamilies& families) {
  AddIngest(engine, families);
  AddStats(engine, families);
  const StorageMetrics storage = engine.GetStorageMetrics();
  AddMemory(engine, storage, families);
  AddRocksDb(storage, families);
  AddErasure(engine, families);
  AddParts(engine, families);
}

}  // namespace unirust::shard
