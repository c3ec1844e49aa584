#include <string>

#include "workload/generator.h"
#include "workload/ontologies.h"

namespace unirust::workload {
namespace {

// Of people, with `more_keys` after its identity keys.
std::string OntologyWith(const char* more_keys) {
  return std::string(R"({
  "identity_keys": [
    {"name": "tax_id", "attributes": ["tax_id"], "entity_types": ["person", "firm"]},
    {"name": "serial", "attributes": ["serial"], "entity_types": ["device"]},
    {"name": "email", "attributes": ["email"], "entity_types": ["person"]},
    {"name": "website", "attributes": ["website"], "entity_types": ["firm"]},
    {"name": "hostname", "attributes": ["hostname"], "entity_types": ["device"]},
    {"name": "name_phone", "attributes": ["name", "phone"], "entity_types": ["person"],
     "hold": true})") +
         more_keys + R"(
  ],
  "strong_identifiers": [
    {"attribute": "tax_id", "scope": "global", "entity_types": ["person", "firm"]},
    {"attribute": "serial", "scope": "global", "entity_types": ["device"]}
  ],
  "attributes": {
    "email": {"multi_valued": true},
    "website": {"multi_valued": true},
    "hostname": {"multi_valued": true}
  },
  "perspective_weights": {"registry": 4, "erp": 3, "crm": 2, "inventory": 2},
  "golden": {"default": ["priority", "latest", "smallest"]}
}
)";
}

}  // namespace

const char* Ontology() {
  static const std::string json = OntologyWith("");
  return json.c_str();
}

const char* HotKeysOntology() {
  static const std::string json = OntologyWith(R"(,
    {"name": "account", "attributes": ["account"]})");
  return json.c_str();
}

const char* EventsOntology() {
  return R"({
  "identity_keys": [
    {"name": "user_upn", "attributes": ["user_upn"], "entity_types": ["user"]},
    {"name": "user_sid", "attributes": ["user_sid"], "entity_types": ["user"]},
    {"name": "session_id", "attributes": ["session_id"], "entity_types": ["session"]},
    {"name": "process_id_asset_id", "attributes": ["process_id", "asset_id"],
     "entity_types": ["process"]},
    {"name": "flow_id", "attributes": ["flow_id"], "entity_types": ["network_connection"]},
    {"name": "hostname", "attributes": ["hostname"], "entity_types": ["asset"]},
    {"name": "asset_id", "attributes": ["asset_id"],
     "entity_types": ["asset", "process", "vulnerability"]},
    {"name": "cve_id_asset_id", "attributes": ["cve_id", "asset_id"],
     "entity_types": ["vulnerability"]},
    {"name": "alert_id", "attributes": ["alert_id"], "entity_types": ["alert"]},
    {"name": "file_hash", "attributes": ["file_hash"], "entity_types": ["file"]}
  ],
  "strong_identifiers": [
    {"attribute": "user_sid", "scope": "global"},
    {"attribute": "session_id", "scope": "global"},
    {"attribute": "process_hash", "scope": "global"},
    {"attribute": "flow_id", "scope": "global"},
    {"attribute": "asset_id", "scope": "global"},
    {"attribute": "cve_id", "scope": "global"},
    {"attribute": "alert_id", "scope": "global"},
    {"attribute": "file_hash", "scope": "global"}
  ]
}
)";
}

}  // namespace unirust::workload
