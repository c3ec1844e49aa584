// The command line of `unirust`: what each command was asked to do. Only flags.cc and
// flags_bench.cc know the library that parses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "bench/run_options.h"
#include "config/programs.h"
#include "model/time.h"

namespace unirust::cli {

// Where the records are: behind a router, or in a directory that this process opens itself.
struct StoreFlags {
  std::string router;                             // address; empty if `data_dir` is given
  config::TlsSettings tls;                        // router only: `client_ca` is not used
  std::string token_file;                         // router only; empty: no token is sent
  std::string data_dir;                           // empty: `router`
  std::string tenant;                             // whose records; empty: the default tenant's
  config::ByteSize memory_budget{512ULL << 20U};  // data_dir only
  std::string backup_dir;                         // data_dir only: where checkpoints and backups go
  uint32_t backup_keep = 10;                      // data_dir only: backups that stay
  bool read_only = false;                         // data_dir only: beside a shard that has it open
};

struct ServeFlags {
  config::ServeSettings settings;
};

struct IngestFlags {
  StoreFlags store;
  std::string ontology;  // applied first; empty: the stored one stays
  std::string mapping;   // for CSV files
  std::string resume_file;
  size_t batch = 1000;   // records in a chunk, at most
  size_t in_flight = 4;  // chunks sent and not yet answered, at most
  bool keep_going = false;
  bool progress = false;
  bool quiet = false;
  bool json = false;
  std::vector<std::string> files;
};

struct QueryFlags {
  StoreFlags store;
  std::vector<std::string> pairs;  // "attribute=value"
  Interval interval;
  bool all = false;
  bool allow_partial = false;
  bool json = false;
};

struct EntityFlags {
  StoreFlags store;
  std::string name;
  std::optional<Instant> as_of;
  bool json = false;
};

struct ConflictsFlags {
  StoreFlags store;
  std::string attribute;
  std::string kind;
  std::optional<Instant> from;
  std::optional<Instant> to;
  size_t limit = 0;  // 0: all
  std::string cursor;
  bool allow_partial = false;
  bool json = false;
};

struct ScanFlags {
  StoreFlags store;
  std::string pair;  // "attribute=value", or empty
  std::string entity_type;
  std::string perspective;
  std::optional<Instant> from;
  std::optional<Instant> to;
  size_t limit = 0;
  std::string cursor;
  bool allow_partial = false;
  bool json = false;
};

struct ExportFlags {
  StoreFlags store;
  std::string format;
  std::string out;  // empty: standard output
  std::vector<std::string> entities;
  std::vector<std::string> only;  // parts
};

struct StatsFlags {
  StoreFlags store;
  bool json = false;
};

struct OntologyShowFlags {
  StoreFlags store;
};

struct OntologyApplyFlags {
  StoreFlags store;
  std::string file;
};

struct OntologyCheckFlags {
  std::optional<StoreFlags> store;  // absent: the text alone is checked
  std::string file;
};

struct CheckpointFlags {
  StoreFlags store;
  std::string name;  // empty: a fresh one
};

struct RetentionShowFlags {
  StoreFlags store;
  bool json = false;
};

struct RetentionAdvanceFlags {
  StoreFlags store;
  Instant now = 0;
  bool json = false;
};

struct EraseFlags {
  StoreFlags store;
  std::vector<std::string> records;  // names
  bool purge = false;
  bool json = false;
};

struct BackupFlags {
  StoreFlags store;
  bool json = false;
};

struct TokenFlags {
  std::string name;     // of the principal
  std::vector<std::string> roles;
  std::vector<std::string> tenants;  // empty: the default one
  std::string expires;  // as in the access file; empty: never
  std::string out;      // file for the token
};

struct AuditVerifyFlags {
  std::string dir;
  std::string hash;  // that an earlier run printed; empty: none
  bool json = false;
};

struct BackupsFlags {
  std::string dir;
  std::string tenant;
  bool json = false;
};

struct RestoreFlags {
  std::string from;
  std::optional<uint32_t> backup;  // absent: the newest
  std::string data_dir;
  std::string tenant;
  bool json = false;
};

struct RepairFlags {
  StoreFlags store;  // without router
  uint32_t shard_id = 0;
  std::string into;       // empty: only look
  std::string audit_dir;  // empty: none
  bool accept_data_loss = false;
  bool json = false;
};

struct DigestFlags {
  StoreFlags store;
  bool slots = false;
  bool progress = false;
  bool quiet = false;
  bool json = false;
};

struct ClusterStatusFlags {
  StoreFlags store;
  bool json = false;
};

struct ClusterPlanFlags {
  StoreFlags store;
  std::vector<uint32_t> drain;
  bool json = false;
};

struct ClusterApplyFlags {
  StoreFlags store;
  std::vector<uint32_t> drain;
  bool no_wait = false;
  bool progress = false;
  bool quiet = false;
  bool json = false;
};

struct ClusterCancelFlags {
  StoreFlags store;
};

struct VerifyFlags {
  StoreFlags store;  // without router
  uint32_t shard_id = 0;
  bool full = false;
  bool rebuild_derived = false;
  bool progress = false;
  bool quiet = false;
  bool json = false;
};

struct GenerateFlags {
  std::string workload = "people";
  uint64_t records = 0;
  uint64_t seed = 1;
  uint64_t window = 1'000'000;
  std::string out;       // empty: standard output
  std::string ontology;  // where to write it; empty: nowhere
  bool progress = false;
  bool quiet = false;
  bool json = false;
};

// `unirust bench` but for `generate`.
struct BenchFlags {
  std::string command;  // "stream"
  bench::RunOptions run;
  bool progress = false;
  bool quiet = false;
  bool json = false;
};

using Command =
    std::variant<ServeFlags, IngestFlags, QueryFlags, EntityFlags, ConflictsFlags, ScanFlags,
                 ExportFlags, StatsFlags, DigestFlags, ClusterStatusFlags, ClusterPlanFlags,
                 ClusterApplyFlags, ClusterCancelFlags, OntologyShowFlags, OntologyApplyFlags,
                 OntologyCheckFlags, CheckpointFlags, RetentionShowFlags, RetentionAdvanceFlags,
                 EraseFlags, BackupFlags, BackupsFlags, TokenFlags, AuditVerifyFlags, RestoreFlags,
                 RepairFlags, GenerateFlags, BenchFlags, VerifyFlags>;

// Either a command or, after --help, --version or a mistake (which is told by then), the exit code.
std::variant<Command, int> ParseCommandLine(int argc, const char* const* argv);

}  // namespace unirust::cli
