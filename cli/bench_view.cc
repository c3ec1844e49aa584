#include "cli/bench_view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "base/sleep.h"
#include "cli/display.h"

namespace unirust::cli {
namespace {

constexpr uint64_t kTerminalIntervalMicros = 500'000;
constexpr uint64_t kLinesIntervalMicros = 5'000'000;
constexpr uint64_t kStepMicros = 100'000;
constexpr size_t kThreadsShown = 6;

std::string Decimal(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string Milliseconds(uint64_t micros) {
  return Decimal(static_cast<double>(micros) / 1000, micros < 10'000 ? "%.2f ms" : "%.0f ms");
}

// A longer line would take two rows. What is shown is ASCII.
size_t TerminalColumns() {
  constexpr size_t kUsual = 80;
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

}  // namespace

BenchView::BenchView(std::string title, const bench::Watch& watch, Progress::Mode mode)
    : title_(std::move(title)), watch_(watch), mode_(mode) {
  if (mode_ != Progress::Mode::kOff) thread_ = Thread("bench-view", [this] { Loop(); });
}

BenchView::~BenchView() {
  stop_ = true;
  thread_.Join();
  Draw({});
}

void BenchView::Loop() {
  const uint64_t interval =
      mode_ == Progress::Mode::kTerminal ? kTerminalIntervalMicros : kLinesIntervalMicros;
  for (uint64_t shown = 0; !stop_;) {
    if (const uint64_t now = SteadyClockMicros(); now - shown >= interval) {
      shown = now;
      Draw(Lines());
    }
    SleepMicros(kStepMicros);
  }
}

std::vector<std::string> BenchView::Lines() {
  const bench::Watch::Stage stage = watch_.stage();
  if (stage.meter == nullptr) return {};
  const uint64_t now = SteadyClockMicros();
  if (stage_meter_ != stage.meter) {
    stage_meter_ = stage.meter;
    stage_begin_ = now;
    last_micros_ = 0;
    last_done_ = 0;
    last_cpu_.clear();
    last_threads_.clear();
  }
  std::vector<std::string> lines = {title_ + ": " + stage.name, Rate(stage, now)};
  const Histogram::Counts latency = stage.meter->latency.counts();
  if (latency.total() > 0) {
    lines.push_back("latency  p50 " + Milliseconds(latency.Quantile(50)) + ", p99 " +
                    Milliseconds(latency.Quantile(99)) + ", at most " +
                    Milliseconds(latency.max()));
  }
  const std::string cpu = Cpu(stage, now);
  if (!cpu.empty()) lines.push_back(cpu);
  if (const auto shard = stage.processes.find("shard"); shard != stage.processes.end()) {
    const bench::Resident resident = bench::ResidentBytes(shard->second);
    lines.push_back("memory   shard " + WithSeparators(resident.now >> 20U) + " MiB, at most " +
                    WithSeparators(resident.peak >> 20U) + " MiB");
  }
  last_micros_ = now;
  return lines;
}

std::string BenchView::Rate(const bench::Watch::Stage& stage, uint64_t now) {
  const uint64_t done = stage.meter->done;
  const auto rate = [](uint64_t records, uint64_t micros) {
    const double seconds = static_cast<double>(std::max<uint64_t>(micros, 1)) / 1e6;
    return WithSeparators(static_cast<uint64_t>(static_cast<double>(records) / seconds)) + "/s";
  };
  std::string line = "done     " + WithSeparators(done);
  if (stage.total > 0) {
    line += " of " + WithSeparators(stage.total) + ", " +
            std::to_string(std::min<uint64_t>(100, done * 100 / stage.total)) + " %";
  }
  if (last_micros_ != 0 && done > 0) {
    line += "; " + rate(done - last_done_, now - last_micros_) + " now, " +
            rate(done, now - stage_begin_) + " on average";
  }
  last_done_ = done;
  return line;
}

// Cores that each process and the busiest threads of the shard used since the last time.
std::string BenchView::Cpu(const bench::Watch::Stage& stage, uint64_t now) {
  const auto cores = [&](const std::map<std::string, uint64_t>& before, const std::string& name,
                         uint64_t micros) {
    const auto found = before.find(name);
    const uint64_t used =
        found == before.end() || micros < found->second ? 0 : micros - found->second;
    return static_cast<double>(used) /
           static_cast<double>(std::max<uint64_t>(now - last_micros_, 1));
  };
  std::map<std::string, uint64_t> cpu = bench::CpuMicros(stage.processes);
  std::map<std::string, uint64_t> threads;
  if (const auto shard = stage.processes.find("shard"); shard != stage.processes.end()) {
    threads = bench::ThreadCpuMicros(shard->second);
  }
  std::string line;
  if (last_micros_ != 0) {
    line = "cores   ";
    for (const auto& [name, micros] : cpu)
      line += " " + name + Decimal(cores(last_cpu_, name, micros), " %.2f");
    std::vector<std::pair<double, std::string>> busiest;
    for (const auto& [name, micros] : threads)
      busiest.emplace_back(cores(last_threads_, name, micros), name);
    std::sort(busiest.rbegin(), busiest.rend());
    if (busiest.size() > kThreadsShown) busiest.resize(kThreadsShown);
    const char* separator = "; of the shard ";
    for (const auto& [used, name] : busiest) {
      line += separator + Printable(name) + Decimal(used, " %.2f");
      separator = ", ";
    }
  }
  last_cpu_ = std::move(cpu);
  last_threads_ = std::move(threads);
  return line;
}

void BenchView::Draw(const std::vector<std::string>& lines) {
  if (mode_ == Progress::Mode::kOff) return;
  std::string out;
  if (mode_ == Progress::Mode::kTerminal) {
    if (drawn_ > 0) out = "\033[" + std::to_string(drawn_) + "A\r\033[J";
    const size_t width = TerminalColumns();
    for (const std::string& line : lines) out += line.substr(0, width) + "\n";
    drawn_ = lines.size();
  } else if (!lines.empty()) {
    for (const std::string& line : lines) out += (out.empty() ? "" : " | ") + line;
    out += "\n";
  }
  std::fputs(out.c_str(), stderr);
}

}  // namespace unirust::cli
