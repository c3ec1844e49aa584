#include "base/clock.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "base/scheduler.h"

namespace unirust {
namespace {

template <typename Clock>
uint64_t Micros() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   Clock::now().time_since_epoch())
                                   .count());
}

constexpr std::array<std::string_view, 6> kUnitNames = {
    "none", "days", "seconds", "milliseconds", "microseconds", "nanoseconds"};

}  // namespace

std::string UtcTime(int64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  std::tm utc{};
  std::array<char, 64> text{};
  if (gmtime_r(&time, &utc) == nullptr) return std::to_string(seconds);
  return std::string(text.data(),
                     std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc));
}

uint64_t WallClockMicros() {
  Scheduler* const scheduler = Scheduler::Current();
  return scheduler == nullptr ? Micros<std::chrono::system_clock>() : scheduler->Micros();
}

uint64_t SteadyClockMicros() {
  Scheduler* const scheduler = Scheduler::Current();
  return scheduler == nullptr ? Micros<std::chrono::steady_clock>() : scheduler->Micros();
}

bool ParseClockUnit(std::string_view name, ClockUnit* unit) {
  const auto* const found = std::find(kUnitNames.begin(), kUnitNames.end(), name);
  if (found == kUnitNames.end()) return false;
  *unit = static_cast<ClockUnit>(found - kUnitNames.begin());
  return true;
}

std::string_view ClockUnitName(ClockUnit unit) {
  return kUnitNames.at(static_cast<size_t>(unit));
}

int64_t InUnits(uint64_t micros, ClockUnit unit) {
  const auto whole = static_cast<int64_t>(micros);
  switch (unit) {
    case ClockUnit::kDays:
      return whole / 86'400'000'000;
    case ClockUnit::kSeconds:
      return whole / 1'000'000;
    case ClockUnit::kMilliseconds:
      return whole / 1'000;
    case ClockUnit::kNanoseconds:
      return whole * 1'000;
    case ClockUnit::kNone:
    case ClockUnit::kMicroseconds:
      break;
  }
  return whole;
}

}  // namespace unirust
