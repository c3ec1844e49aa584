// The digest of all that a state of the store holds (model/digest.h).
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "model/digest.h"
#include "resolve/entity_reader.h"

namespace unirust::resolve {

// Reads all records, as an export does. Calls `go_on` now and then with the records so far: CANCELLED if it returns
// false.
absl::StatusOr<StoreDigest> DigestOf(const ReadContext& context,
                                     absl::FunctionRef<bool(uint64_t records)> go_on);

}  // namespace unirust::resolve
