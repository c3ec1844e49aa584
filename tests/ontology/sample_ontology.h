// An ontology that uses every member of every class, for the archive's tests and its stored
// samples.
#pragma once

#include <cstdint>
#include <limits>

#include "ontology/ontology.h"

namespace unirust::ontology {

// The content of samples/ontology_v1.archive; stays as it is, and so do the other versions.
inline Ontology SampleOntologyV1() {
  Ontology o;
  o.identity_keys = {{.name = "tax",
                      .attributes = {"tax_number"},
                      .max_group = {},
                      .hold = false,
                      .entity_types = {}},
                     {.name = "name+phone",
                      .attributes = {"name", "phone"},
                      .max_group = std::numeric_limits<uint64_t>::max(),
                      .hold = true,
                      .entity_types = {"person", "firm"}},
                     {.name = "\"quoted\"\n\xF0\x9F\x98\x80",
                      .attributes = {"\x01\x7F", "a b"},
                      .max_group = 1,
                      .hold = false,
                      .entity_types = {}}};
  o.strong_identifiers = {{"tax_number", Scope::kGlobal, {"person"}},
                          {"passport", Scope::kPerspective, {}}};
  o.constraints = {{"one_email", "email", ConstraintKind::kUnique, {}},
                   {"one_role", "role", ConstraintKind::kUniqueWithinPerspective, {"firm"}}};
  o.attributes = {{"email", {.multi_valued = true, .ignored_values = {}}},
                  {"phone", {.multi_valued = false, .ignored_values = {"", "n/a"}}},
                  {"", {}}};
  o.perspective_weights = {{"crm", 0.1},
                           {"erp", -1e300},
                           {"web", std::numeric_limits<double>::denorm_min()},
                           {"zero", 0.0}};
  o.golden_default = {Strategy::kPriority, Strategy::kMajority, Strategy::kLatest,
                      Strategy::kSmallest};
  o.golden_attributes = {{"email", {}}, {"name", {Strategy::kSmallest, Strategy::kSmallest}}};
  return o;
}

// The content of samples/ontology_v2.archive, with `retention`.
inline Ontology SampleOntologyV2() {
  Ontology o = SampleOntologyV1();
  o.retention = {{.name = "leavers",
                  .entity_types = {"person"},
                  .perspectives = {"hr", "a b"},
                  .ended_before = 90},
                 {.name = "",
                  .entity_types = {},
                  .perspectives = {},
                  .ended_before = std::numeric_limits<int64_t>::max()}};
  return o;
}

}  // namespace unirust::ontology
