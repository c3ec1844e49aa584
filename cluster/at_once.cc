#include "cluster/at_once.h"

#include <atomic>
#include <vector>

#include "base/sleep.h"
#include "base/thread.h"
#include "cluster/cluster_store.h"

namespace unirust::cluster {
namespace {

constexpr uint64_t kPollMicros = 20'000;

// Those that were ended because another one failed are not why.
absl::Status WhyFailed(const std::vector<absl::Status>& parts) {
  absl::Status out;
  for (const absl::Status& status : parts) {
    if (out.ok() || (absl::IsCancelled(out) && !status.ok())) out = status;
  }
  return out;
}

}  // namespace

absl::Status AtOnce(size_t first, size_t end, const Stop& stop, const CallOnPart& call) {
  std::vector<absl::Status> status(end);
  std::atomic<bool> ending = false;
  std::atomic<size_t> running = end - first;
  {
    std::vector<Thread> parts;
    for (size_t part = first; part < end; ++part) {
      parts.emplace_back("each_part", [&, part] {
        status[part] = InPart(part, call(part, [&ending] { return ending.load(); }));
        if (!status[part].ok()) ending = true;
        --running;
      });
    }
    while (running > 0) {
      if (stop()) ending = true;
      SleepMicros(kPollMicros);
    }
  }
  return WhyFailed(status);
}

}  // namespace unirust::cluster
