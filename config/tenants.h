// The tenants of a daemon, as its operator lists them in a TOML file (docs/tenants.md), a table
// each:
//
//   [acme]
//   records = 1000000                # live records, at most
//   requests-per-second = 200
//   burst = 400                      # requests at once, after a pause; default: those of a second
//   bytes-in-flight = "64MiB"        # of requests that are not answered yet
//   import-dir = "/srv/acme"         # clients of the tenant may ingest files below it
//
// Every key may be left out: then there is no such quota, and nothing is ingested from files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/watched_file.h"
#include "config/programs.h"

namespace unirust::config {

struct TenantQuotas {
  std::optional<uint64_t> records;
  std::optional<uint64_t> requests_per_second;  // at least 1
  uint64_t burst = 0;                           // at least 1 where there is a rate
  std::optional<uint64_t>
      bytes_in_flight;  // at least limits::kMessageBytesMax: any request may go alone
  bool operator==(const TenantQuotas&) const = default;
};

struct TenantSettings {
  std::string name;
  std::string import_dir;
  TenantQuotas quotas;
  bool operator==(const TenantSettings&) const = default;
};

// Ascending by name. INVALID_ARGUMENT, with `source` and line, if the text is not TOML, a name is
// none (base/tenant_name.h), there are more than limits::kTenantsMax, or a key is unknown or has no
// such value.
absl::StatusOr<std::vector<TenantSettings>> ParseTenants(std::string_view text,
                                                         const std::string& source);

using TenantsFile = WatchedFile<TenantSettings>;

// The file that the settings name; null without one. It is looked at every `look_every_micros` at
// most. INVALID_ARGUMENT if it cannot be read, as ParseTenants, and if the memory budget is too
// small for so many.
absl::StatusOr<std::unique_ptr<TenantsFile>> OpenTenants(const StoreSettings& store,
                                                         uint64_t look_every_micros = 1'000'000);

}  // namespace unirust::config
