// Conflicts (semantics.md, 8) as pure functions of the records, the entities and the ontology.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "model/answers.h"
#include "resolve/names.h"
#include "resolve/rules.h"
#include "resolve/signature.h"
#include "store/rows.h"

namespace unirust::resolve {

// `direct` and `constraint_violation` entries inside one entity.
std::vector<Conflict> EntityConflicts(const std::vector<const store::RecordRow*>& records,
                                      const Rules& rules, Names& names);

// A record that holds the value of a constraint at some time, and its entity.
struct SharedClaim {
  Interval interval;
  const store::RecordRow* record = nullptr;
  uint64_t entity = 0;  // equal numbers, equal entities
};

// `constraint_violation` entries between entities: claims on one value of the constraint's attribute by records of one
// type (and one perspective, for unique_within_perspective).
std::vector<Conflict> SharedValueConflicts(const ConstraintRule& constraint,
                                           const std::string& value,
                                           const std::vector<SharedClaim>& claims, Names& names);

// An entity that holds pieces of a run.
struct RunEntity {
  const Signature* signature = nullptr;
  Identity first;                                // its first record
  std::vector<const store::RecordRow*> records;  // the run's records in it
};

// `indirect` entries of one run.
std::vector<Conflict> ContestedRun(const KeyRule& key, const std::vector<std::string>& values,
                                   const Interval& run, const std::vector<RunEntity>& entities,
                                   const Rules& rules, Names& names);

// The cause of `indirect` entries.
inline constexpr char kStrongIdConflict[] = "strong_id_conflict";

// So many first names and records are kept of entries that change record by record: twice those that are told, so that
// few removals run out of them.
inline constexpr size_t kListedMax = 2 * limits::kConflictNamesMax;

// What stands for an owner (store::ConflictOwnerKey) in the keys of its entries (store::ConflictKey).
std::string OwnerInKeys(std::string_view owner);

// conflicts_with edges of an entry (semantics.md, 9).
uint64_t EdgeCount(const Conflict& conflict);

}  // namespace unirust::resolve
