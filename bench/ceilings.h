// What this machine can take at most, to compare a measurement with: the same rows without
// resolution, the same messages without a store, one write that reaches the disk.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bench/requests.h"
#include "workload/source.h"

namespace unirust::bench {

// Records a second whose rows a store in `dir`, which must not exist, commits: ten rows a record of
// the sizes and families that the engine writes, as many records a commit, synced. Making the rows
// does not count; flushes and compactions go on meanwhile. `source`: the workload "people".
absl::StatusOr<double> CommitCeiling(const std::string& dir, const workload::Source& source,
                                     uint64_t records);

// Records a second that one connection carries, over a stream or in calls, to a server that parses and answers them,
// and does nothing else.
absl::StatusOr<double> TransportCeiling(const Requests& requests, uint64_t in_flight, bool calls);

// CPU microseconds of a fixed piece of work, the median of three, half of it sorting, half of it
// memory beyond any cache: how fast the machine is at the moment, to compare figures of different
// machines or hours with.
double CalibrationMicros();

// Microseconds, the median, that 4 KiB more in a file of `dir` take until they are on the disk
// (fdatasync).
absl::StatusOr<double> SyncMicros(const std::string& dir);

}  // namespace unirust::bench
