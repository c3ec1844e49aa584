// Wall clock and elapsed time. Nothing that is stored or answered depends on either; they name fresh checkpoints and
// measure latencies.
#pragma once

#include <cstdint>

namespace unirust {

uint64_t WallClockMicros();    // since 1970, may jump
uint64_t SteadyClockMicros();  // since some fixed point, never jumps

}  // namespace unirust
