// The settings of the daemons, with their defaults. docs/configuration.md lists them; tests/config/
// keeps it equal.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace unirust::config {

// A store: what an embedded engine needs, whichever program opens it.
struct StoreSettings {
  std::string data_dir;
  bool ephemeral = false;
  std::string ontology;
  ByteSize memory_budget{512ULL << 20U};
  std::string backup_dir;
  Duration backup_every;  // 0: never
  uint32_t backup_keep = 10;
  std::string import_dir;
  bool allow_reset = false;
  ClockUnit retention_clock = ClockUnit::kNone;
  Duration retention_every{3600};
  Duration purge_after{86400};  // 0: never
  std::string tenants;     // file of them (config/tenants.h); empty: there is the default one only
  bool read_only = false;  // no setting of a daemon: the command line's
};

// What a daemon tells about itself.
struct ObserveSettings {
  std::string metrics_listen;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  uint32_t slow_ms = 1000;
};

// How a program proves who it is to those that it talks to, and they to it (docs/security.md).
struct TlsSettings {
  std::string cert;       // PEM files; of this program, with the chain below its root
  std::string key;
  std::string ca;         // roots of the servers that it connects to; empty: it connects without TLS
  std::string client_ca;  // roots of the clients that connect to it; empty: they need no certificate
  bool insecure = false;  // without TLS beyond loopback, too
};

// Who may do what.
struct AccessSettings {
  std::string access;     // file of principals (access/principals.h); empty: everyone may do everything
  std::string audit_dir;  // empty: no audit log
};

struct ShardSettings {
  std::string listen = "127.0.0.1:50061";
  uint32_t shard_id = 0;
  bool part = false;
  std::vector<std::string> parts;
  std::string parts_file;  // instead of them (config/parts.h)
  StoreSettings store;
  TlsSettings tls;
  AccessSettings access;
  ObserveSettings observe;
};

struct RouterSettings {
  std::string listen = "127.0.0.1:50060";
  std::vector<std::string> shards{"127.0.0.1:50061"};
  uint32_t deadline_ms = 10000;
  TlsSettings tls;
  ObserveSettings observe;
};

// `unirust serve`: router and shard in one process.
struct ServeSettings {
  std::string listen = "127.0.0.1:50060";
  StoreSettings store;
  TlsSettings tls;
  AccessSettings access;
  ObserveSettings observe;
};

// The table over a program's settings, which must outlive it.
Settings Declare(ShardSettings& shard);
Settings Declare(RouterSettings& router);
Settings Declare(ServeSettings& serve);

// INVALID_ARGUMENT unless exactly one of data_dir and ephemeral is given, and the memory is enough.
absl::Status CheckStore(const StoreSettings& store);

// INVALID_ARGUMENT for settings that exclude each other. Calls CheckStore.
absl::Status CheckShard(const ShardSettings& shard);

// INVALID_ARGUMENT for a certificate without its key and the like.
absl::Status CheckTls(const TlsSettings& tls);

// Makes the process log as the settings say.
void ConfigureLog(const ObserveSettings& observe);

}  // namespace unirust::config
