// The live view of a measurement on standard error: on a terminal a few lines that are drawn anew,
// else a line now and then. A thread of its own from construction to destruction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread.h"
#include "bench/runs.h"
#include "cli/progress.h"

namespace unirust::cli {

class BenchView {
 public:
  // `watch` outlives this.
  BenchView(std::string title, const bench::Watch& watch, Progress::Mode mode);
  ~BenchView();  // takes the drawn lines away

 private:
  void Loop();
  std::vector<std::string> Lines();
  std::string Rate(const bench::Watch::Stage& stage, uint64_t now);
  std::string Cpu(const bench::Watch::Stage& stage, uint64_t now);
  void Draw(const std::vector<std::string>& lines);

  const std::string title_;
  const bench::Watch& watch_;
  const Progress::Mode mode_;
  std::atomic<bool> stop_ = false;
  // Of the view's thread.
  std::shared_ptr<const bench::Meter> stage_meter_;  // of the stage that it showed last
  uint64_t stage_begin_ = 0;
  uint64_t last_micros_ = 0;
  uint64_t last_done_ = 0;
  std::map<std::string, uint64_t> last_cpu_;
  std::map<std::string, uint64_t> last_threads_;
  size_t drawn_ = 0;  // lines
  Thread thread_;
};

}  // namespace unirust::cli
