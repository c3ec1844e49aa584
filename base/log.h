// Structured log lines on stderr: time, level, message and fields. Thread-safe.
//
//   Log(LogLevel::kInfo, "opened", {{"dir", dir}, {"micros", micros}});
//   2026-01-31T12:00:00.000 info opened dir=/var/lib/unirust micros=1234
//   {"time":"2026-01-31T12:00:00.000","level":"info","message":"opened","dir":"/var/lib/unirust","micros":1234}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unirust {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// In text, a value with characters other than letters, digits and a few signs is quoted as in JSON.
struct LogField {
  std::string key;  // lower_case_with_underscores
  std::variant<std::string, uint64_t, double> value;
};

void Log(LogLevel level, std::string_view message, const std::vector<LogField>& fields = {});

// Whether a line of the level is written: for fields that cost something to make.
bool IsLogged(LogLevel level);

// Lines below `level` are dropped from now on. The default is kInfo.
void SetLogLevel(LogLevel level);

// The default is kText.
void SetLogFormat(LogFormat format);

// Operations that take this long or longer are logged, as warnings, where they are done. The default is a second.
void SetSlowMillis(uint32_t millis);
bool IsSlow(uint64_t micros);

// Parses "debug", "info", "warning" or "error"; false if `name` is none of them.
bool ParseLogLevel(std::string_view name, LogLevel* level);

// Parses "text" or "json"; false if `name` is neither.
bool ParseLogFormat(std::string_view name, LogFormat* format);

// Logs the message and ends the process at once with `exit_code`, without running destructors: for storage failures,
// after which nothing may be acknowledged.
[[noreturn]] void Die(int exit_code, std::string_view message);

}  // namespace unirust
