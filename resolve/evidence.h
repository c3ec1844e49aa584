// Evidence of one record (semantics.md, 4 and 5): its key instances and its signature. Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/time.h"
#include "resolve/rules.h"
#include "resolve/signature.h"
#include "store/rows.h"

namespace unirust::resolve {

using store::StoredDescriptor;

// One choice of a value for each attribute of a key, and when all of them hold. Views point into the descriptors.
struct KeyInstance {
  std::vector<std::string_view> values;  // key order
  IntervalSet time;                      // not empty
};

// All instances of the record under the key. INVALID_ARGUMENT if there are more than limits::kKeyInstancesMax of the
// key or of its first attributes alone. Whether the key is for the record's type is the caller's business.
absl::StatusOr<std::vector<KeyInstance>> KeyInstances(
    const KeyRule& key, const std::vector<StoredDescriptor>& descriptors, const Rules& rules);

// The record's rows under every strong identifier that is for its type.
Signature SignatureOf(const store::RecordRow& record, const Rules& rules);

}  // namespace unirust::resolve
