#include "config/tenants.h"

#include <toml++/toml.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/files.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "base/tenant_name.h"

namespace unirust::config {
namespace {

// One table.
class Entry {
 public:
  Entry(std::string_view name, const toml::table& table, const std::string& source)
      : table_(table), source_(source) {
    out_.name = name;
  }

  absl::StatusOr<TenantSettings> Read() {
    if (!IsTenantName(out_.name)) {
      return Fault("no name: 1 to 63 small letters, digits and '-', of which it is not the first");
    }
    for (const auto& [key, node] : table_) {
      UNIRUST_RETURN_IF_ERROR(Take(key.str(), node));
    }
    TenantQuotas& quotas = out_.quotas;
    if (quotas.burst == 0) quotas.burst = quotas.requests_per_second.value_or(0);
    if (!quotas.requests_per_second && quotas.burst > 0) {
      return Fault("'burst' is of 'requests-per-second', which is not there");
    }
    return std::move(out_);
  }

 private:
  absl::Status Fault(const std::string& text) const {
    return absl::InvalidArgumentError(source_ + ":" + std::to_string(table_.source().begin.line) +
                                      ": tenant '" + out_.name + "': " + text);
  }

  absl::Status Take(std::string_view key, const toml::node& node) {
    TenantQuotas& quotas = out_.quotas;
    if (key == "records") {
      return TakeNumber(key, node, 0, std::numeric_limits<int64_t>::max(), &quotas.records);
    }
    if (key == "requests-per-second") {
      return TakeNumber(key, node, 1, limits::kTenantRequestsMax, &quotas.requests_per_second);
    }
    if (key == "burst") {
      std::optional<uint64_t> burst;
      UNIRUST_RETURN_IF_ERROR(TakeNumber(key, node, 1, limits::kTenantRequestsMax, &burst));
      quotas.burst = *burst;
      return absl::OkStatus();
    }
    if (key == "bytes-in-flight") return TakeBytes(key, node);
    if (key != "import-dir") return Fault("unknown key '" + std::string(key) + "'");
    const auto path = node.value_exact<std::string>();
    if (!path) return Fault("'import-dir' is not a string");
    out_.import_dir = *path;
    return absl::OkStatus();
  }

  absl::Status TakeNumber(std::string_view key, const toml::node& node, uint64_t least,
                          uint64_t most, std::optional<uint64_t>* out) const {
    const auto number = node.value_exact<int64_t>();
    if (!number || *number < 0 || static_cast<uint64_t>(*number) < least ||
        static_cast<uint64_t>(*number) > most) {
      return Fault("'" + std::string(key) + "' is not a whole number from " +
                   std::to_string(least) + " to " + std::to_string(most));
    }
    *out = static_cast<uint64_t>(*number);
    return absl::OkStatus();
  }

  absl::Status TakeBytes(std::string_view key, const toml::node& node) {
    ByteSize size;
    Setting setting{.name = std::string(key), .variable = &size, .default_text = "", .help = ""};
    const auto text = node.value_exact<std::string>();
    const absl::Status assigned =
        text ? Settings().Assign(setting, *text, key)
             : absl::InvalidArgumentError(std::string(key) + " is not a size such as \"64MiB\"");
    if (!assigned.ok()) return Fault(std::string(assigned.message()));
    if (size.bytes < limits::kMessageBytesMax) {
      return Fault(std::string(key) + ": at least 4MiB, which the largest request takes");
    }
    out_.quotas.bytes_in_flight = size.bytes;
    return absl::OkStatus();
  }

  const toml::table& table_;
  const std::string& source_;
  TenantSettings out_;
};

}  // namespace

absl::StatusOr<std::vector<TenantSettings>> ParseTenants(std::string_view text,
                                                         const std::string& source) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(source + ":" + std::to_string(error.source().begin.line) +
                                      ": " + std::string(error.description()));
  }
  std::vector<TenantSettings> tenants;
  for (const auto& [name, node] : root) {
    if (!node.is_table()) {
      return absl::InvalidArgumentError(source + ": '" + std::string(name.str()) +
                                        "' is no table; a tenant is [NAME] and what it may take");
    }
    UNIRUST_ASSIGN_OR_RETURN(TenantSettings tenant,
                             Entry(name.str(), *node.as_table(), source).Read());
    tenants.push_back(std::move(tenant));
  }
  if (tenants.size() > limits::kTenantsMax) {
    return absl::InvalidArgumentError(source + ": " + std::to_string(tenants.size()) +
                                      " tenants; at most " + std::to_string(limits::kTenantsMax) +
                                      " are taken");
  }
  return tenants;
}

absl::StatusOr<std::unique_ptr<TenantsFile>> OpenTenants(const StoreSettings& store,
                                                         uint64_t look_every_micros) {
  if (store.tenants.empty()) return nullptr;
  const uint64_t budget = store.memory_budget.bytes;
  const auto read =
      [budget](const std::string& path) -> absl::StatusOr<std::vector<TenantSettings>> {
    UNIRUST_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
    UNIRUST_ASSIGN_OR_RETURN(std::vector<TenantSettings> tenants, ParseTenants(text, path));
    const uint64_t needed = (tenants.size() + 1) * limits::kMemoryBudgetBytesMin;
    if (budget >= needed) return tenants;
    return absl::InvalidArgumentError("--memory-budget: " + std::to_string(tenants.size()) +
                                      " tenants and the default one need at least " +
                                      std::to_string(needed >> 20U) + "MiB, 64MiB each");
  };
  return TenantsFile::Open(store.tenants, "file of tenants", read, look_every_micros);
}

}  // namespace unirust::config
