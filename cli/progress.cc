#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "cli/display.h"

namespace unirust::cli {
namespace {

constexpr uint64_t kTerminalIntervalMicros = 200'000;
constexpr uint64_t kLinesIntervalMicros = 2'000'000;

}  // namespace

Progress::Mode Progress::ModeFor(bool quiet, bool asked) {
  if (quiet) return Mode::kOff;
  if (isatty(STDERR_FILENO) != 0) return Mode::kTerminal;
  return asked ? Mode::kLines : Mode::kOff;
}

Progress::Progress(Mode mode)
    : mode_(mode), start_micros_(SteadyClockMicros()), shown_micros_(start_micros_) {}

Progress::~Progress() {
  MutexLock lock(mutex_);
  ClearLine();
}

void Progress::Update(uint64_t records, uint64_t refused) {
  if (!IsDue()) return;
  const double elapsed = seconds();
  const double rate = elapsed > 0 ? static_cast<double>(records) / elapsed : 0;
  std::string line =
      WithSeparators(records) + " records, " + WithSeparators(static_cast<uint64_t>(rate)) + "/s";
  if (refused > 0) line += ", " + WithSeparators(refused) + " refused";
  Show(line);
}

void Progress::Update(std::string_view doing, uint64_t rows) {
  if (IsDue()) Show(std::string(doing) + ": " + WithSeparators(rows));
}

bool Progress::IsDue() {
  if (mode_ == Mode::kOff) return false;
  const uint64_t now_micros = SteadyClockMicros();
  MutexLock lock(mutex_);
  const uint64_t interval =
      mode_ == Mode::kTerminal ? kTerminalIntervalMicros : kLinesIntervalMicros;
  if (now_micros - shown_micros_ < interval) return false;
  shown_micros_ = now_micros;
  return true;
}

void Progress::Show(const std::string& line) {
  MutexLock lock(mutex_);
  ClearLine();
  line_open_ = mode_ == Mode::kTerminal;
  std::fprintf(stderr, line_open_ ? "%s" : "%s\n", line.c_str());
}

void Progress::Message(const std::string& text) {
  MutexLock lock(mutex_);
  ClearLine();
  std::fprintf(stderr, "%s\n", Printable(text).c_str());
}

double Progress::seconds() const {
  return static_cast<double>(SteadyClockMicros() - start_micros_) / 1e6;
}

void Progress::ClearLine() {
  if (std::exchange(line_open_, false)) std::fputs("\r\033[K", stderr);
}

}  // namespace unirust::cli
