// Verification: what is stored against what it must be (docs/operations.md, "Verification"). Every check reads all rows
// of the families that it names, in order, in memory that does not grow with them. Nothing is changed.
//
// Most checks compare two sets of rows, of which one follows from the other, by the sum of their hashes; only where the
// sums differ are rows looked up one by one to name what is wrong.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "model/verify_report.h"
#include "resolve/entity_reader.h"

namespace unirust::resolve {

// Families `records`, `attribute_values`, `sources` and `symbols` against each other, both ways. `live_records`: how
// many the counters say. An error: bytes that cannot be read.
absl::Status VerifyRecords(const ReadContext& context, uint64_t live_records,
                           VerifyReport& report);
absl::Status VerifySymbols(const store::Reader& reader, VerifyReport& report);

// The same for a sample of the records: that many, spread evenly over the addresses, and as many entries of the
// indexes. A few reads each.
absl::Status ProbeRecords(const ReadContext& context, uint32_t probes, VerifyReport& report);

// The derived families of `stored` against those of `fresh`, which holds another resolution of the same records under
// the same ontology; and within `stored` each row against its inverse.
absl::Status VerifyDerived(const ReadContext& stored, const ReadContext& fresh,
                           VerifyReport& report);

}  // namespace unirust::resolve
