#include "access/principals.h"

#include <toml++/toml.h>

#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "base/tenant_name.h"

namespace unirust::access {
namespace {

constexpr int64_t kDaySeconds = 86400;

int64_t DaysSince1970(const toml::date& date) {
  const std::chrono::year_month_day day(std::chrono::year(date.year),
                                        std::chrono::month(date.month), std::chrono::day(date.day));
  return std::chrono::sys_days(day).time_since_epoch().count();
}

// One [[principal]].
class Entry {
 public:
  Entry(const std::string& path, const toml::table& table) : path_(path), table_(table) {}

  absl::StatusOr<Principal> Read() {
    static const auto& known =
        *new std::set<std::string_view>{"name",         "roles",       "tenants",
                                        "token-sha256", "certificate", "expires"};
    for (const auto& [key, node] : table_) {
      if (!known.contains(key.str())) {
        return Fault("unknown key '" + std::string(key.str()) + "'");
      }
    }
    Principal out;
    UNIRUST_ASSIGN_OR_RETURN(out.name, Text("name"));
    if (out.name.empty()) return Fault("'name' is needed");
    if (out.name.size() > limits::kPrincipalNameBytesMax) {
      return Fault("'name' has " + std::to_string(out.name.size()) + " bytes; at most " +
                   std::to_string(limits::kPrincipalNameBytesMax) + " are taken");
    }
    for (const char c : out.name) {
      const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                         std::string_view("._:/@-").find(c) != std::string_view::npos;
      if (!plain) return Fault("'name' has characters other than ASCII letters, digits and ._:/@-");
    }
    UNIRUST_RETURN_IF_ERROR(ReadRoles(&out.roles));
    UNIRUST_RETURN_IF_ERROR(ReadTenants(&out.tenants));
    UNIRUST_RETURN_IF_ERROR(ReadProof(&out));
    UNIRUST_RETURN_IF_ERROR(ReadExpiry(&out.expires));
    return out;
  }

 private:
  absl::Status Fault(const std::string& text) const {
    return absl::InvalidArgumentError(path_ + ":" + std::to_string(table_.source().begin.line) +
                                      ": principal: " + text);
  }

  // Empty if it is not there.
  absl::StatusOr<std::string> Text(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::string();
    const auto text = node->value_exact<std::string>();
    if (!text) return Fault("'" + std::string(key) + "' is not a string");
    return *text;
  }

  absl::Status ReadRoles(RoleSet* roles) const {
    const toml::array* list = table_["roles"].as_array();
    if (list == nullptr || list->empty()) {
      return Fault("'roles' is needed: a list of reader, writer, steward, admin, peer");
    }
    for (const toml::node& item : *list) {
      const auto role = ParseRole(item.value_or(std::string()));
      if (!role) {
        return Fault("'" + item.value_or(std::string("?")) +
                     "' is no role: reader, writer, steward, admin and peer are");
      }
      roles->Add(*role);
    }
    return absl::OkStatus();
  }

  absl::Status ReadTenants(std::vector<std::string>* tenants) const {
    const toml::node* node = table_.get("tenants");
    if (node == nullptr) return absl::OkStatus();
    const toml::array* list = node->as_array();
    if (list == nullptr || list->empty()) {
      return Fault("'tenants' is no list of names; leave it out for the default tenant");
    }
    for (const toml::node& item : *list) {
      const std::string name = item.value_or(std::string());
      if (name != kEveryTenant && !IsTenantName(name)) {
        return Fault("'tenants': '" + name + "' is no name of a tenant, and not \"*\"");
      }
      tenants->push_back(name);
    }
    return absl::OkStatus();
  }

  absl::Status ReadProof(Principal* out) const {
    UNIRUST_ASSIGN_OR_RETURN(const std::string hash, Text("token-sha256"));
    UNIRUST_ASSIGN_OR_RETURN(out->certificate, Text("certificate"));
    if (hash.empty() == out->certificate.empty()) {
      return Fault("exactly one of 'token-sha256' and 'certificate' is needed");
    }
    if (hash.empty()) return absl::OkStatus();
    if (out->roles.Has(Role::kPeer)) {
      return Fault("the role peer is for certificates, not for tokens");
    }
    const absl::StatusOr<TokenHash> token = ParseTokenHash(hash);
    if (!token.ok()) return Fault("'token-sha256' is " + std::string(token.status().message()));
    out->token = *token;
    return absl::OkStatus();
  }

  absl::Status ReadExpiry(int64_t* expires) const {
    const toml::node* node = table_.get("expires");
    if (node == nullptr) return absl::OkStatus();
    if (const toml::value<toml::date>* date = node->as_date()) {
      *expires = DaysSince1970(date->get()) * kDaySeconds;
      return absl::OkStatus();
    }
    const toml::value<toml::date_time>* time = node->as_date_time();
    if (time == nullptr || !time->get().offset) {
      return Fault(
          "'expires' is no date (2027-06-30) and no time with an offset "
          "(2027-06-30T12:00:00Z); both are written without quotes");
    }
    const toml::date_time& at = time->get();
    *expires = DaysSince1970(at.date) * kDaySeconds + at.time.hour * 3600 + at.time.minute * 60 +
               at.time.second - at.offset->minutes * 60;
    return absl::OkStatus();
  }

  const std::string& path_;
  const toml::table& table_;
};

}  // namespace

absl::StatusOr<std::vector<Principal>> ParsePrincipals(std::string_view text,
                                                       const std::string& path) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(path + ":" + std::to_string(error.source().begin.line) +
                                      ": " + std::string(error.description()));
  }
  for (const auto& [key, node] : root) {
    if (key.str() != "principal" || !node.is_array_of_tables()) {
      return absl::InvalidArgumentError(path + ": unknown key '" + std::string(key.str()) +
                                        "'; entries begin with [[principal]]");
    }
  }
  std::vector<Principal> principals;
  if (const toml::array* entries = root["principal"].as_array()) {
    for (const toml::node& node : *entries) {
      UNIRUST_ASSIGN_OR_RETURN(Principal principal, Entry(path, *node.as_table()).Read());
      principals.push_back(std::move(principal));
    }
  }
  if (principals.size() > limits::kPrincipalsMax) {
    return absl::InvalidArgumentError(path + ": " + std::to_string(principals.size()) +
                                      " principals; at most " +
                                      std::to_string(limits::kPrincipalsMax) + " are taken");
  }
  return principals;
}

absl::StatusOr<std::vector<Principal>> ReadPrincipals(const std::string& path) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  return ParsePrincipals(text, path);
}

}  // namespace unirust::access
