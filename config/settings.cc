#include "config/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <utility>

#include "base/status_macros.h"
#include "config/toml.h"

namespace unirust::config {
namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

struct Unit {
  const char* suffix;
  unsigned shift;
};
constexpr Unit kUnits[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}};

struct TimeUnit {
  char suffix;
  uint64_t seconds;
};
constexpr TimeUnit kTimeUnits[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

// False unless `text` is a decimal number and nothing else.
template <typename T>
bool ParseNumber(std::string_view text, T* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The parsers return what was expected, or nothing if the text was right.
using Expected = const char*;

Expected Parse(std::string_view text, std::string* value) {
  *value = text;
  return nullptr;
}

Expected Parse(std::string_view text, bool* value) {
  const bool on = text == "true" || text == "1";
  if (!on && text != "false" && text != "0") return "true or false";
  *value = on;
  return nullptr;
}

Expected Parse(std::string_view text, uint32_t* value) {
  uint32_t number = 0;
  if (!ParseNumber(text, &number)) return "a number from 0 to 4294967295";
  *value = number;
  return nullptr;
}

Expected Parse(std::string_view text, ByteSize* value) {
  unsigned shift = 0;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    shift = unit.shift;
    text.remove_suffix(std::string_view(unit.suffix).size());
    break;
  }
  uint64_t number = 0;
  if (!ParseNumber(text, &number) || number > std::numeric_limits<uint64_t>::max() >> shift) {
    return "a size such as 1073741824, 512MiB or 1GiB";
  }
  value->bytes = number << shift;
  return nullptr;
}

Expected Parse(std::string_view text, Duration* value) {
  constexpr Expected kExpected = "a duration such as 90s, 30m, 6h or 1d, of at most 366 days";
  constexpr uint64_t kSecondsMax = 366 * 86400;
  for (const TimeUnit& unit : kTimeUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    uint64_t number = 0;
    text.remove_suffix(1);
    if (!ParseNumber(text, &number) || number > kSecondsMax / unit.seconds) return kExpected;
    value->seconds = number * unit.seconds;
    return nullptr;
  }
  return kExpected;
}

Expected Parse(std::string_view text, ClockUnit* value) {
  return ParseClockUnit(text, value)
             ? nullptr
             : "none, days, seconds, milliseconds, microseconds or nanoseconds";
}

Expected Parse(std::string_view text, LogLevel* value) {
  return ParseLogLevel(text, value) ? nullptr : "debug, info, warning or error";
}

Expected Parse(std::string_view text, LogFormat* value) {
  return ParseLogFormat(text, value) ? nullptr : "text or json";
}

Expected Parse(std::string_view text, std::vector<std::string>* value) {
  value->clear();
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = Trim(text.substr(0, comma));
    if (!item.empty()) value->emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return nullptr;
}

std::string Print(ByteSize size) {
  for (const Unit& unit : kUnits) {
    const uint64_t one = uint64_t{1} << unit.shift;
    if (size.bytes >= one && size.bytes % one == 0) {
      return std::to_string(size.bytes / one) + unit.suffix;
    }
  }
  return std::to_string(size.bytes);
}

std::string Print(Duration duration) {
  for (const TimeUnit& unit : kTimeUnits) {
    if (duration.seconds > 0 && duration.seconds % unit.seconds == 0) {
      return std::to_string(duration.seconds / unit.seconds) + unit.suffix;
    }
  }
  return "0s";
}

std::string Print(ClockUnit unit) { return std::string(ClockUnitName(unit)); }

std::string Print(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      break;
  }
  return "error";
}

std::string Print(LogFormat format) { return format == LogFormat::kJson ? "json" : "text"; }

std::string Print(const std::vector<std::string>& list) {
  std::string joined;
  for (const std::string& item : list) joined += (joined.empty() ? "" : ",") + item;
  return joined;
}

std::string Print(const Variable& variable) {
  return std::visit(Overloaded{[](const std::string* v) { return *v; },
                               [](const bool* v) { return std::string(*v ? "true" : "false"); },
                               [](const uint32_t* v) { return std::to_string(*v); },
                               [](const auto* v) { return Print(*v); }},
                    variable);
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

Settings::Settings() : config_file_(std::make_unique<std::string>()) {
  Add("config", config_file_.get(), "TOML file with settings");
}

void Settings::Add(std::string name, Variable variable, std::string help) {
  std::string default_text = Print(variable);
  table_.push_back({std::move(name), variable, std::move(default_text), std::move(help)});
}

absl::Status Settings::Assign(Setting& setting, std::string_view text, std::string_view source) {
  const Expected expected =
      std::visit([&](auto* variable) { return Parse(text, variable); }, setting.variable);
  if (expected != nullptr) {
    return absl::InvalidArgumentError(std::string(source) + ": '" + std::string(text) +
                                      "' is not " + expected);
  }
  setting.assigned = true;
  return absl::OkStatus();
}

absl::Status Settings::AssignFromEnvironmentAndFile() {
  for (Setting& setting : table_) {
    const std::string variable = EnvironmentName(setting.name);
    const char* text = std::getenv(variable.c_str());
    if (setting.assigned || text == nullptr || *text == '\0') continue;
    UNIRUST_RETURN_IF_ERROR(Assign(setting, text, variable));
  }
  return config_file_->empty() ? absl::OkStatus() : AssignFromFile(*config_file_);
}

absl::Status Settings::AssignFromFile(const std::string& path) {
  UNIRUST_ASSIGN_OR_RETURN(const TomlValues values, ReadToml(path));
  std::vector<std::string> names;
  for (const Setting& setting : table_) {
    if (setting.name != "config") names.push_back(setting.name);
  }
  for (const auto& [key, text] : values) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      return absl::InvalidArgumentError(path + ": unknown key '" + key + "'" +
                                        DidYouMean(key, names));
    }
    const auto setting = std::find_if(table_.begin(), table_.end(),
                                      [&key = key](const Setting& s) { return s.name == key; });
    if (setting->assigned) continue;
    UNIRUST_RETURN_IF_ERROR(Assign(*setting, text, path + ": " + key));
  }
  return absl::OkStatus();
}

std::string EnvironmentName(std::string_view name) {
  std::string variable = "UNIRUST_";
  for (const char c : name) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

std::string MarkdownTable(const Settings& settings) {
  std::ostringstream out;
  out << "| flag | environment | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const Setting& setting : settings.table()) {
    out << "| `--" << setting.name << "` | `" << EnvironmentName(setting.name) << "` | "
        << (setting.default_text.empty() ? "none" : "`" + setting.default_text + "`") << " | "
        << setting.help << " |\n";
  }
  return out.str();
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& known) {
  const std::string* closest = nullptr;
  size_t distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t d = EditDistance(name, candidate);
    if (d >= distance) continue;
    distance = d;
    closest = &candidate;
  }
  return closest == nullptr ? "" : ", did you mean " + *closest + "?";
}

}  // namespace unirust::config
