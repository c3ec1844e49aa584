// Structured log lines on stderr: time, level, message. Thread-safe.
//
//   Log(LogLevel::kInfo, "opened " + dir);
#pragma once

#include <string_view>

namespace unirust {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

void Log(LogLevel level, std::string_view message);

// Lines below `level` are dropped from now on. The default is kInfo.
void SetLogLevel(LogLevel level);

// Parses "debug", "info", "warning" or "error"; false if `name` is none of them.
bool ParseLogLevel(std::string_view name, LogLevel* level);

// Logs the message and ends the process at once with `exit_code`, without running destructors: for storage failures,
// after which nothing may be acknowledged.
[[noreturn]] void Die(int exit_code, std::string_view message);

}  // namespace unirust
