// What the store answers (semantics.md, 6 to 11) as pure values, shared by the engine that computes them and the
// conversions that send them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/strong_id.h"
#include "model/record.h"
#include "model/time.h"

namespace unirust {

// Address of a record: unique in the store, never reused, kept over restarts. 0 is no record.
using RecordId = StrongId<struct RecordIdTag, uint32_t>;

// One value that the golden record holds (semantics.md, 7).
using GoldenValue = Descriptor;

// What became of one write.
enum class WriteOutcome {
  kApplied,    // the record's content changed
  kUnchanged,  // equal to what was stored; at most the version rose
  kStale,      // a lower version than the stored one: ignored
};

// Answer to one write, as of the commit that made it durable.
struct Assignment {
  RecordId record;
  RecordId entity;          // the entity's first record; 0 if the record is retracted
  std::string entity_name;  // the entity's id; empty if the record is retracted
  WriteOutcome outcome = WriteOutcome::kApplied;
  int64_t version = 0;  // the version stored now
};

// A stored record with its addresses.
struct RecordView {
  RecordId id;
  Record record;
  std::string entity_name;  // the id of the entity that holds it; empty where not asked for
};

// Who an entity is.
struct EntityRef {
  RecordId first;                // its first record in canonical order
  std::string name;              // its id: the name of that record
  std::string entity_type;
  std::string strongest_key;     // name of the first identity key of which the entity has a value; may be empty
};

struct EntityView {
  EntityRef ref;
  std::vector<GoldenValue> golden;
  std::vector<RecordView> records;  // canonical order
};

// An entity matches a query over one interval; the golden record is clipped to it.
struct Match {
  EntityRef entity;
  Interval interval;
  std::vector<GoldenValue> golden;
};

using AttributeValue = std::pair<std::string, std::string>;

// Two entities of one type match at one time (semantics.md, 10).
struct QueryConflict {
  Interval interval;                       // of the overlap
  Match first;                             // clipped to the overlap
  Match second;
  std::vector<AttributeValue> descriptors;  // those asked for: all hold in both
};

using QueryOutcome = std::variant<std::vector<Match>, QueryConflict>;

enum class ConflictKind { kConstraintViolation, kDirect, kIndirect };  // in the order of their names

// "constraint_violation", "direct" or "indirect".
const char* ConflictKindName(ConflictKind kind);

// One entry of semantics.md, 8.
struct Conflict {
  ConflictKind kind = ConflictKind::kDirect;
  std::string attribute;
  Interval interval;
  std::string cause;
  std::string entity_type;           // of all records
  std::vector<Identity> records;     // canonical order, the first limits::kConflictNamesMax
  uint64_t record_count = 0;         // all of them
  std::string key;                   // indirect only
  std::vector<std::string> values;
  std::vector<std::string> entities;     // indirect only: ids, the first limits::kConflictNamesMax
  uint64_t entity_count = 0;             // indirect only
  // indirect only: the first record of each listed entity is named by `entities`; for conflicts_with edges
  // (semantics.md, 9) those names are the nodes, for the other kinds the records are.
  bool operator==(const Conflict&) const = default;
};

struct Generic {
  std::string entity_type;
  std::string key;
  std::vector<std::string> values;
  uint64_t record_count = 0;
};

enum class GraphPart { kRecord, kEntity, kConflict, kSameAs, kGeneric };

// One page of a listing. An empty cursor means that the listing is complete.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string cursor;
};

struct ConflictFilter {
  std::optional<Interval> interval;  // entries that overlap it
  std::string attribute;             // empty: all
  std::optional<ConflictKind> kind;
};

struct RecordFilter {
  std::optional<AttributeValue> descriptor;
  std::string entity_type;  // empty: all
  std::string perspective;  // empty: all
  std::optional<Interval> interval;  // some (matching) descriptor overlaps it
};

struct GraphFilter {
  std::vector<GraphPart> parts;        // empty: all
  std::vector<Identity> entities;      // empty: all; else the neighbourhood of the entities that hold these records
};

struct StoreStats {
  uint64_t records = 0;    // live
  uint64_t entities = 0;
  uint64_t conflicts = 0;
  uint64_t graph_edges = 0;  // member_of, same_as and conflicts_with; nodes are records plus entities
};

// What waits for retention (docs/ontology.md, Retention).
struct RetentionStatus {
  std::optional<Instant> declared;      // nothing: none under the rules in force
  std::optional<Instant> earliest_due;  // of all stored descriptors; nothing: none will ever expire
};

// What an advance of retention did.
struct RetentionAdvance {
  Instant declared = 0;  // from now on
  uint64_t records = 0;  // that had expired descriptors; one counts again for each commit that took some
  uint64_t descriptors = 0;
};

struct RecordIdRange {
  bool empty = true;
  RecordId min;
  RecordId max;
  uint64_t records = 0;
};

// What was erased so far, and what of that is in no file of the data directory any more (docs/erasure.md). Instants are
// microseconds since 1970 by the clock of the daemon, ascending with the commits; 0: never.
struct Erasures {
  uint64_t records = 0;              // that were erased
  int64_t last_micros = 0;           // when the last one was
  int64_t pending_since_micros = 0;  // when the first one was that is not purged; 0: all are
  int64_t purged_micros = 0;         // what was erased before is
  bool operator==(const Erasures&) const = default;
};

// A backup or checkpoint that may hold what was erased at or after an instant.
struct ErasureCopy {
  std::string name;
  int64_t created_seconds = 0;  // since 1970; 0: unknown
  int64_t purged_micros = 0;
};

struct ErasureStatus {
  Erasures store;
  std::vector<ErasureCopy> copies;  // that hold something erased, the oldest first
  int64_t gone_before_micros = 0;   // what was erased before is in no file that the store knows of
  bool AllGone() const {
    return store.pending_since_micros == 0 &&
           (store.records == 0 || store.last_micros < gone_before_micros);
  }
};

// What another part of a store (docs/cluster.md) has to a backup of its home.
struct PartBackup {
  uint32_t part = 0;
  uint32_t id = 0;  // among that part's own
  bool operator==(const PartBackup&) const = default;
};

struct BackupInfo {
  uint32_t id = 0;              // ascending with time in one directory
  int64_t created_seconds = 0;  // since 1970, by the clock of the daemon
  uint64_t bytes = 0;           // of all its files, those shared with other backups included
  uint64_t files = 0;
  uint32_t shard_id = 0;
  uint64_t commits = 0;         // acknowledged before it was begun: it has these at least
  int64_t purged_micros = 0;    // Erasures, when it was begun
  bool damaged = false;         // then only `id` is known
  std::vector<PartBackup> parts = {};  // by part; of home in a store of several
};

// How a part of a store is now (docs/cluster.md). A store in one directory has one part.
struct PartStatus {
  uint32_t part = 0;
  std::string address;  // empty: the process that answers
  uint32_t slots = 0;
  uint64_t epoch = 0;   // the last one that it has
  uint64_t behind = 0;  // how many the store has more
  std::string version;  // of its program
  std::string fault;    // why it did not answer, and nothing is known of it but the address and the slots; else empty
};

// A part of a store of which nothing can be read.
struct MissingPart {
  uint32_t part = 0;
  uint32_t slots = 0;  // that it has
  std::string fault;   // why it cannot be read
  bool operator==(const MissingPart&) const = default;
};

// What storage tells of itself. Totals count from the opening.
struct StorageMetrics {
  bool persistent = true;
  uint64_t running_compactions = 0;
  uint64_t running_flushes = 0;

  // --- memory ---
  uint64_t block_cache_capacity_bytes = 0;  // the memory budget
  uint64_t block_cache_usage_bytes = 0;     // with the write buffers, which are charged to it
  uint64_t block_cache_pinned_bytes = 0;    // of these: in use
  uint64_t block_cache_hits = 0;
  uint64_t block_cache_misses = 0;
  uint64_t write_buffers_capacity_bytes = 0;
  uint64_t write_buffers_usage_bytes = 0;
  uint64_t memtable_bytes = 0;      // all that are still held
  uint64_t immutable_memtables = 0;  // wait for a flush

  // --- writes ---
  uint64_t wal_bytes = 0;  // on disk now
  uint64_t wal_written_bytes = 0;
  uint64_t wal_syncs = 0;
  uint64_t flush_written_bytes = 0;
  uint64_t compaction_read_bytes = 0;
  uint64_t compaction_written_bytes = 0;
  uint64_t pending_compaction_bytes = 0;  // estimated
  uint64_t stall_micros = 0;              // that writes waited for flushes and compactions
  uint64_t delayed_write_bytes_per_second = 0;  // what writes are slowed down to; 0: they are not
  bool writes_stopped = false;

  // --- disk ---
  struct Level {
    std::string family;
    uint32_t level = 0;
    uint64_t files = 0;
    uint64_t bytes = 0;
  };
  std::vector<Level> levels;  // those that have files
  uint64_t disk_free_bytes = 0;  // for this user

  // --- backups ---
  uint64_t backups_made = 0;
  uint64_t backups_failed = 0;
};

}  // namespace unirust
