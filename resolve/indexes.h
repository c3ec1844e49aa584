// The rows of the attribute_values and sources indexes: functions of one record each.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "resolve/working_set.h"
#include "store/batch.h"

namespace unirust::resolve {

// Takes the family, key and value of a row.
using IndexRowVisitor =
    absl::FunctionRef<void(store::Family, const std::string&, const std::string&)>;

// Where the sources index has a live record.
std::vector<store::SourceKey> SourceKeys(RecordId id, const RecordRow& record);

// Calls `visit` for every row that the indexes have of a live record.
void ForEachIndexRow(RecordId id, const RecordRow& record, const IndexRowVisitor& visit);

// Adds to `batch` what the written records change in the indexes.
void WriteIndexes(const WorkingSet& rows, store::Batch& batch);

}  // namespace unirust::resolve
