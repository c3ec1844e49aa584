// The progress line of a long command on standard error, and messages that must not be mixed up
// with it. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace unirust::cli {

class Progress {
 public:
  enum class Mode {
    kOff,
    kLines,     // a new line now and then: for logs
    kTerminal,  // one line that is rewritten
  };

  // On a terminal, or where it is `asked` for; `quiet`: never.
  static Mode ModeFor(bool quiet, bool asked);

  explicit Progress(Mode mode);
  ~Progress();  // ends the line

  // Shows the numbers, if the last time is long enough ago.
  void Update(uint64_t records, uint64_t refused);
  void Update(std::string_view doing, uint64_t rows);  // e.g. "groups: 1,000,000"

  // Prints a line of its own.
  void Message(const std::string& text);

  double seconds() const;  // since construction

 private:
  bool IsDue();  // and then, that it is shown
  void Show(const std::string& line);
  void ClearLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Mode mode_;
  const uint64_t start_micros_;
  Mutex mutex_;
  uint64_t shown_micros_ ABSL_GUARDED_BY(mutex_);
  bool line_open_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unirust::cli
