#include "base/fault_point.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/log.h"

namespace unirust {
namespace fault_points {
namespace {

std::atomic<uint64_t> passages_left = 0;

}  // namespace

// The line tells the death from any other.
void Pass() {
  if (passages_left.fetch_sub(1) != 1) return;
  Log(LogLevel::kWarning, "fault point reached", {{"name", std::string(kFaultPoints[armed])}});
  kill(getpid(), SIGKILL);
  while (true) pause();
}

}  // namespace fault_points

absl::Status ArmFaultPoint() {
  const char* const value = std::getenv("UNIRUST_ABORT_AT");
  if (value == nullptr) return absl::OkStatus();
  const std::string_view text(value);
  const std::string_view name = text.substr(0, text.find(':'));
  const auto point = std::find(kFaultPoints.begin(), kFaultPoints.end(), name);
  if (point == kFaultPoints.end()) {
    std::string names;
    for (const std::string_view known : kFaultPoints) names += " " + std::string(known);
    return absl::InvalidArgumentError("UNIRUST_ABORT_AT: there is no fault point '" +
                                      std::string(name) + "', only:" + names);
  }
  uint64_t passage = 1;
  if (name.size() < text.size()) {
    const char* const end = text.data() + text.size();
    const auto [read_to, error] = std::from_chars(text.data() + name.size() + 1, end, passage);
    if (error != std::errc() || read_to != end || passage == 0) {
      return absl::InvalidArgumentError("UNIRUST_ABORT_AT: '" + std::string(text) +
                                        "': after the colon comes a number from 1");
    }
  }
  fault_points::passages_left = passage;
  fault_points::armed = static_cast<size_t>(point - kFaultPoints.begin());
  return absl::OkStatus();
}

}  // namespace unirust
