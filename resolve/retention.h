// Retention (docs/ontology.md, docs/decisions/0012-retention.md): when descriptors are due, and the rows of family
// `expiries`, which are a function of one record each. Not thread-safe beyond what its arguments are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "model/time.h"
#include "resolve/rules.h"
#include "resolve/working_set.h"
#include "store/batch.h"
#include "store/rows.h"
#include "store/store.h"

namespace unirust::resolve {

// The instant at which what holds in the interval is due under a rule: it is expired at every later one. kMaxTime:
// never.
Instant DueAt(const Interval& interval, int64_t ended_before);

// The distinct instants at which descriptors of the record are due, ascending, without those that never are.
std::vector<Instant> DueInstants(const store::RecordRow& record, const Rules& rules);

// Removes the descriptors that are expired at `now`. How many there were.
size_t RemoveExpired(SymbolId entity_type, SymbolId perspective, const Rules& rules, Instant now,
                     std::vector<store::StoredDescriptor>* descriptors);

// Adds to `batch` what the written records change in family `expiries`.
void WriteExpiries(const WorkingSet& rows, store::Batch& batch);

// What expires in one step towards an instant: what is due first. Instants are taken whole; one at which more records
// are due than a step takes has several, and is passed with the last of them.
struct ExpiryStep {
  std::vector<RecordId> records;  // ascending
  Instant expired_at = 0;         // of these records goes what is expired at this instant
  Instant declared = 0;           // nothing is left that is expired at this one; at most `expired_at`
};

// The records of the next due instants from `from` on and before `now`, at most `max_records` (> 0). DATA_LOSS.
// Linear in the records.
absl::StatusOr<ExpiryStep> NextExpiries(const store::Reader& reader, Instant from, Instant now,
                                        size_t max_records);

}  // namespace unirust::resolve
