// The rows of the attribute_values and sources indexes: functions of one record each.
#pragma once

#include "resolve/working_set.h"
#include "store/batch.h"

namespace unirust::resolve {

// Adds to `batch` what the written records change in the indexes.
void WriteIndexes(const WorkingSet& rows, store::Batch& batch);

}  // namespace unirust::resolve
