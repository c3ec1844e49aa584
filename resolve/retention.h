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

// What expires in one step towards an instant: the records that are due first, and the instant to declare with them.
struct ExpiryStep {
  std::vector<RecordId> records;  // ascending
  Instant declared = 0;           // at most the instant that was asked for
};

// The records of the next due instants from `from` on and before `now`, whole instants only: as many as it takes to
// reach `records_enough`, or all. DATA_LOSS. Linear in the records.
absl::StatusOr<ExpiryStep> NextExpiries(const store::Reader& reader, Instant from, Instant now,
                                        size_t records_enough);

}  // namespace unirust::resolve
