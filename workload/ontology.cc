#include "workload/generator.h"

namespace unirust::workload {

const char* Ontology() {
  return R"({
  "identity_keys": [
    {"name": "tax_id", "attributes": ["tax_id"], "entity_types": ["person", "firm"]},
    {"name": "serial", "attributes": ["serial"], "entity_types": ["device"]},
    {"name": "email", "attributes": ["email"], "entity_types": ["person"]},
    {"name": "website", "attributes": ["website"], "entity_types": ["firm"]},
    {"name": "hostname", "attributes": ["hostname"], "entity_types": ["device"]},
    {"name": "name_phone", "attributes": ["name", "phone"], "entity_types": ["person"],
     "hold": true}
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

}  // namespace unirust::workload
