// Resolves one batch of record changes (docs/resolution.md): from the changed records in the
// working set to new rows for groups, blocks, conflicts and counters.
//
//   WorkingSet rows(store.Latest(), rules);
//   ... change rows.Record(id).row / live_now / written ...
//   UNIRUST_RETURN_IF_ERROR(Resolve(rows, interner, &counters, &batch));
//   AddRows(rows, Scope::kAll, &batch);
#pragma once

#include "absl/status/status.h"
#include "interner/interner.h"
#include "resolve/working_set.h"
#include "store/batch.h"
#include "store/rows.h"

namespace unirust::resolve {

// Brings all derived rows up to date with the written records of `rows`, and updates `counters`. Rows that the
// WorkingSet does not manage go to `batch`. On an error (DATA_LOSS) the batch and the counters must be discarded.
absl::Status Resolve(WorkingSet& rows, interner::Interner& interner, store::CountersRow* counters,
                     store::Batch* batch);

enum class Scope {
  kAll,      // records, their indexes and all derived rows
  kDerived,  // derived rows only: the records are stored already, in another generation's time
};

// Adds every changed row of the scope to `batch`. Reads only, so that another thread may read `rows` meanwhile.
void AddRows(const WorkingSet& rows, Scope scope, store::Batch* batch);

}  // namespace unirust::resolve
