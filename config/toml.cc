#include "config/toml.h"

#include <toml++/toml.h>

#include <fstream>
#include <optional>

namespace unirust::config {
namespace {

std::optional<std::string> Text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::string joined;
  for (const toml::node& item : *array) {
    const auto text = item.value_exact<std::string>();
    if (!text) return std::nullopt;
    joined += (joined.empty() ? "" : ",") + *text;
  }
  return joined;
}

std::string Place(const std::string& path, const toml::source_region& source) {
  return path + ":" + std::to_string(source.begin.line) + ": ";
}

}  // namespace

absl::StatusOr<TomlValues> ReadToml(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::InvalidArgumentError(path + ": cannot be read");
  toml::table table;
  try {
    table = toml::parse(file);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(Place(path, error.source()) +
                                      std::string(error.description()));
  }
  TomlValues values;
  for (const auto& [key, node] : table) {
    const auto text = Text(node);
    if (!text) {
      return absl::InvalidArgumentError(Place(path, node.source()) + "the value of '" +
                                        std::string(key.str()) +
                                        "' is not a string, integer, boolean or array of strings");
    }
    values.emplace_back(key.str(), *text);
  }
  return values;
}

}  // namespace unirust::config
