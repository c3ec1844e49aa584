// Resolves one batch of record changes (docs/resolution.md): from the changed records in the
// working set to new rows for groups, blocks, conflicts and counters.
//
//   WorkingSet rows(store.Latest(), rules);
//   ... change rows.Record(id).now / live_now / written ...
//   UNIRUST_RETURN_IF_ERROR(Resolve(rows, interner, Scope::kAll, &counters, &batch));
#pragma once

#include "absl/status/status.h"
#include "interner/interner.h"
#include "resolve/working_set.h"
#include "store/batch.h"
#include "store/rows.h"

namespace unirust::resolve {

enum class Scope {
  kAll,      // records, their indexes and all derived rows
  kDerived,  // derived rows only: the records are stored already, in another generation's time
};

// Brings all derived rows up to date with the written records of `rows`, adds every changed row of the scope to
// `batch`, and updates `counters`. On an error (DATA_LOSS) the batch and the counters must be discarded.
absl::Status Resolve(WorkingSet& rows, interner::Interner& interner, Scope scope,
                     store::CountersRow* counters, store::Batch* batch);

}  // namespace unirust::resolve
