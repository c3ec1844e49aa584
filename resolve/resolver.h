// Resolves one batch of record changes (docs/resolution.md): from the changed records in the working set to new rows for
// groups, blocks, conflicts and counters.
//
//   WorkingSet rows(store.Latest(), rules);
//   ... change rows.Record(id).now / live_now / written ...
//   UNIRUST_RETURN_IF_ERROR(Resolve(rows, interner, counters, batch));
#pragma once

#include "absl/status/status.h"
#include "interner/interner.h"
#include "resolve/working_set.h"
#include "store/batch.h"
#include "store/rows.h"

namespace unirust::resolve {

// Brings all derived rows up to date with the written records of `rows`, adds every changed row (records included) to
// `batch`, and updates `counters`. On an error (DATA_LOSS) the batch and the counters must be discarded.
absl::Status Resolve(WorkingSet& rows, interner::Interner& interner, store::CountersRow& counters,
                     store::Batch& batch);

}  // namespace unirust::resolve
