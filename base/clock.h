// Wall clock and elapsed time. Nothing that is stored or answered depends on either, but for the instant of retention
// where it is declared by the wall clock (shard/retention_clock.h); they name fresh checkpoints and measure latencies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unirust {

uint64_t WallClockMicros();    // since 1970, may jump
uint64_t SteadyClockMicros();  // since some fixed point, never jumps

std::string UtcTime(int64_t seconds);  // since 1970, as "2026-01-31T12:00:00Z"

// How data counts the time since 1970, if it does.
enum class ClockUnit : uint8_t {
  kNone,
  kDays,
  kSeconds,
  kMilliseconds,
  kMicroseconds,
  kNanoseconds,
};

// Parses "none", "days", "seconds", "milliseconds", "microseconds" or "nanoseconds"; false if `name` is none of them.
bool ParseClockUnit(std::string_view name, ClockUnit* unit);
std::string_view ClockUnitName(ClockUnit unit);

// Whole units since 1970, rounded down; `unit` is not kNone, and `micros` before the year 2262.
int64_t InUnits(uint64_t micros, ClockUnit unit);

}  // namespace unirust
