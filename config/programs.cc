#include "config/programs.h"

#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::config {
namespace {

void AddListen(Settings& settings, std::string* listen) {
  settings.Add("listen", listen, "address to serve on; port 0 takes a free one");
}

void AddObserve(Settings& settings, ObserveSettings& observe) {
  settings.Add("metrics-listen", &observe.metrics_listen,
               "address of /metrics for Prometheus, port 0 takes a free one; empty: none");
  settings.Add("log-level", &observe.log_level,
               "least severe log line: debug, info, warning, error");
  settings.Add("log-format", &observe.log_format, "log lines as text or json");
  settings.Add("slow-ms", &observe.slow_ms,
               "milliseconds from which on a request or commit is logged as slow");
}

void AddStore(Settings& settings, StoreSettings& store) {
  settings.Add("data-dir", &store.data_dir, "directory of the store, created if absent");
  settings.Add("ephemeral", &store.ephemeral, "temporary store, removed at exit");
  settings.Add("ontology", &store.ontology, "JSON file to apply at start; empty: the stored one");
  settings.Add("memory-budget", &store.memory_budget,
               "for all that grows under load, at least 64MiB");
  settings.Add("backup-dir", &store.backup_dir,
               "checkpoints and backups go below it; empty: refused");
  settings.Add("backup-every", &store.backup_every,
               "time between backups, such as 30m, 6h or 1d; 0s: none are made by themselves");
  settings.Add("backup-keep", &store.backup_keep, "backups that stay; older ones are removed");
  settings.Add("import-dir", &store.import_dir,
               "clients may ingest files below it; empty: refused");
  settings.Add("allow-reset", &store.allow_reset, "let clients delete everything with Reset");
  settings.Add("retention-clock", &store.retention_clock,
               "unit of data that counts from 1970, to let it expire by the wall clock: days, "
               "seconds, milliseconds, microseconds, nanoseconds; none: when told to");
  settings.Add("retention-every", &store.retention_every,
               "time between advances of retention by the wall clock, such as 30m, 6h or 1d");
  settings.Add("purge-after", &store.purge_after,
               "when what was erased leaves the files, such as 6h or 1d; 0s: when told to");
  settings.Add("tenants", &store.tenants,
               "TOML file of tenants, each with a store of its own; empty: none");
}

void AddServerTls(Settings& settings, TlsSettings& tls) {
  settings.Add("tls-cert", &tls.cert, "PEM file with this program's certificate and its chain");
  settings.Add("tls-key", &tls.key, "PEM file with the key of --tls-cert");
  settings.Add("tls-client-ca", &tls.client_ca,
               "PEM file with the roots of client certificates; empty: clients need none");
  settings.Add("insecure", &tls.insecure, "speak without TLS beyond loopback, too");
}

// Of those that are connected to.
void AddServersCa(Settings& settings, TlsSettings& tls, const std::string& whom) {
  settings.Add("tls-ca", &tls.ca,
               "PEM file with the roots of the certificates of " + whom +
                   "; empty: they are reached without TLS");
}

void AddAccess(Settings& settings, AccessSettings& access) {
  settings.Add("access", &access.access,
               "TOML file of who may do what; empty: everyone may do everything");
  settings.Add("audit-dir", &access.audit_dir,
               "directory of the audit log, created if absent; empty: none is kept");
}

}  // namespace

Settings Declare(ShardSettings& shard) {
  Settings settings;
  AddListen(settings, &shard.listen);
  settings.Add("shard-id", &shard.shard_id, "number of this shard; data of another is refused");
  settings.Add("part", &shard.part,
               "keep part number --shard-id of a store for the shard with --parts; nothing else");
  settings.Add("parts", &shard.parts,
               "addresses of parts 1, 2 and so on of the store; this shard keeps part 0");
  settings.Add("parts-file", &shard.parts_file,
               "file of these addresses, one a line; one that is added at its end joins at once");
  AddStore(settings, shard.store);
  AddServerTls(settings, shard.tls);
  AddServersCa(settings, shard.tls, "--parts");
  AddAccess(settings, shard.access);
  AddObserve(settings, shard.observe);
  return settings;
}

Settings Declare(RouterSettings& router) {
  Settings settings;
  AddListen(settings, &router.listen);
  settings.Add("shards", &router.shards, "addresses of the shards (one for now)");
  settings.Add("deadline-ms", &router.deadline_ms, "of calls whose client sets no deadline");
  AddServerTls(settings, router.tls);
  AddServersCa(settings, router.tls, "--shards");
  AddObserve(settings, router.observe);
  return settings;
}

Settings Declare(ServeSettings& serve) {
  Settings settings;
  AddListen(settings, &serve.listen);
  AddStore(settings, serve.store);
  AddServerTls(settings, serve.tls);
  AddAccess(settings, serve.access);
  AddObserve(settings, serve.observe);
  return settings;
}

absl::Status CheckShard(const ShardSettings& shard) {
  UNIRUST_RETURN_IF_ERROR(CheckStore(shard.store));
  if (!shard.parts.empty() && !shard.parts_file.empty()) {
    return absl::InvalidArgumentError("--parts and --parts-file exclude each other");
  }
  const bool has_others = !shard.parts.empty() || !shard.parts_file.empty();
  if (shard.part && has_others) {
    return absl::InvalidArgumentError("--part and --parts exclude each other");
  }
  if (has_others && shard.shard_id != 0) {
    return absl::InvalidArgumentError(
        "--parts: the shard that has them is part 0, not --shard-id " +
        std::to_string(shard.shard_id));
  }
  if (shard.part && shard.shard_id == 0) {
    return absl::InvalidArgumentError(
        "--part: give its number with --shard-id; part 0 is the shard with --parts");
  }
  if (shard.part && !shard.store.ontology.empty()) {
    return absl::InvalidArgumentError("--ontology: give it to the shard with --parts");
  }
  if (!shard.access.audit_dir.empty() && shard.access.audit_dir == shard.store.data_dir) {
    return absl::InvalidArgumentError("--audit-dir: not the directory of the store");
  }
  if (shard.part && !shard.access.audit_dir.empty()) {
    return absl::InvalidArgumentError("--audit-dir: give it to the shard with --parts");
  }
  if (shard.part && shard.store.backup_every.seconds > 0) {
    return absl::InvalidArgumentError("--backup-every: give it to the shard with --parts");
  }
  return absl::OkStatus();
}

absl::Status CheckTls(const TlsSettings& tls) {
  if (tls.cert.empty() != tls.key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key need each other");
  }
  if (!tls.client_ca.empty() && tls.cert.empty()) {
    return absl::InvalidArgumentError("--tls-client-ca needs --tls-cert and --tls-key");
  }
  return absl::OkStatus();
}

absl::Status CheckStore(const StoreSettings& store) {
  if (store.ephemeral && !store.data_dir.empty()) {
    return absl::InvalidArgumentError("--ephemeral and --data-dir exclude each other");
  }
  if (!store.ephemeral && store.data_dir.empty()) {
    return absl::InvalidArgumentError(
        "--data-dir DIR is required (or --ephemeral for a temporary store, removed at exit)");
  }
  if (store.backup_every.seconds > 0 && store.backup_dir.empty()) {
    return absl::InvalidArgumentError("--backup-every needs --backup-dir");
  }
  if (store.retention_every.seconds == 0) {
    return absl::InvalidArgumentError("--retention-every: at least 1s");
  }
  if (store.backup_keep == 0) {
    return absl::InvalidArgumentError("--backup-keep: at least 1, or there is no backup");
  }
  if (store.memory_budget.bytes < limits::kMemoryBudgetBytesMin) {
    return absl::InvalidArgumentError("--memory-budget: at least 64MiB are needed");
  }
  return absl::OkStatus();
}

void ConfigureLog(const ObserveSettings& observe) {
  SetLogLevel(observe.log_level);
  SetLogFormat(observe.log_format);
  SetSlowMillis(observe.slow_ms);
}

}  // namespace unirust::config
