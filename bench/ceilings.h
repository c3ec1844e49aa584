// What this machine can take at most, to compare a measurement with: the same rows without resolution, the same
// messages without a store.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "workload/generator.h"

namespace unirust::bench {

// Records a second whose rows a store in `dir`, which must not exist, commits: ten rows a record of the sizes and
// families that the engine writes, 5,000 records a commit, synced. Making the rows does not count; flushes and
// compactions go on meanwhile.
absl::StatusOr<double> CommitCeiling(const std::string& dir, const workload::Generator& source,
                                     uint64_t records);

// Records a second that one stream over one connection carries to a server that parses and answers them, and does
// nothing else.
absl::StatusOr<double> TransportCeiling(const workload::Generator& source, uint64_t records,
                                        uint64_t batch, uint64_t in_flight);

}  // namespace unirust::bench
