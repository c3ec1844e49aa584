#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

namespace unirust {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%e %l %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%e","level":"%l",%v})";

std::atomic<LogFormat> log_format = LogFormat::kText;
std::atomic<uint64_t> slow_micros = 1'000'000;

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("unirust",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kTextPattern);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

// The value as JSON; bytes that are not UTF-8 are replaced.
template <typename Value>
std::string Json(const Value& value) {
  using nlohmann::json;
  return json(value).dump(-1, ' ', false, json::error_handler_t::replace);
}

// Without quotes where nobody can take it for anything else.
std::string Text(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("._-/:+").find(c) != std::string_view::npos;
  });
  return plain ? value : Json(value);
}

// What follows time and level.
std::string Line(std::string_view message, const std::vector<LogField>& fields) {
  const bool json = log_format == LogFormat::kJson;
  std::string line = json ? "\"message\":" + Json(message) : std::string(message);
  for (const auto& [key, value] : fields) {
    line += json ? ",\"" + key + "\":" : " " + key + "=";
    if (const auto* text = std::get_if<std::string>(&value); text != nullptr && !json) {
      line += Text(*text);
    } else {
      line += std::visit([](const auto& v) { return Json(v); }, value);
    }
  }
  return line;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void Log(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  if (!IsLogged(level)) return;
  const std::string line = Line(message, fields);
  Logger().log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

bool IsLogged(LogLevel level) { return Logger().should_log(ToSpdlog(level)); }

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

void SetLogFormat(LogFormat format) {
  log_format = format;
  Logger().set_pattern(format == LogFormat::kJson ? kJsonPattern : kTextPattern);
}

void SetSlowMillis(uint32_t millis) { slow_micros = uint64_t{millis} * 1000; }

bool IsSlow(uint64_t micros) { return micros >= slow_micros; }

bool ParseLogFormat(std::string_view name, LogFormat* format) {
  if (name != "text" && name != "json") return false;
  *format = name == "json" ? LogFormat::kJson : LogFormat::kText;
  return true;
}

bool ParseLogLevel(std::string_view name, LogLevel* level) {
  if (name == "debug") {
    *level = LogLevel::kDebug;
  } else if (name == "info") {
    *level = LogLevel::kInfo;
  } else if (name == "warning") {
    *level = LogLevel::kWarning;
  } else if (name == "error") {
    *level = LogLevel::kError;
  } else {
    return false;
  }
  return true;
}

void Die(int exit_code, std::string_view message) {
  Log(LogLevel::kError, message);
  std::_Exit(exit_code);
}

}  // namespace unirust
