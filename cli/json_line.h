// Builds one JSON object as one line, in the form of the canonical export (semantics.md, 11):
// separators ", " and ": ", UTF-8 unescaped. Fields appear in the order in which they are added;
// canonical lines add them sorted.
//
//   JsonLine().Text("id", name).Number("start", 5).Take()     // {"id": "a", "start": 5}
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "model/time.h"
#include "text/json_writer.h"

namespace unirust::cli {

// No number is longer.
inline constexpr size_t kNumberBytesMax = 20;

// Decimal, as JSON has it. Returns the end.
template <std::integral T>
char* WriteNumber(T value, char* to) {
  if constexpr (std::is_same_v<T, int64_t>) {  // most times have no bound
    constexpr std::string_view kMin = "-9223372036854775808";
    constexpr std::string_view kMax = "9223372036854775807";
    if (value == kMinTime) return std::copy(kMin.begin(), kMin.end(), to);
    if (value == kMaxTime) return std::copy(kMax.begin(), kMax.end(), to);
  }
  return std::to_chars(to, to + kNumberBytesMax, value).ptr;
}

template <std::integral T>
void AppendNumber(std::string* json, T value) {
  std::array<char, kNumberBytesMax> digits{};
  json->append(digits.data(), WriteNumber(value, digits.data()));
}

// Appends a JSON array of `list`, each element by `append(std::string*, element)`.
template <typename List, typename Append>
void AppendJsonArray(std::string* json, const List& list, const Append& append) {
  json->push_back('[');
  bool first = true;
  for (const auto& element : list) {
    if (!first) json->append(", ");
    first = false;
    append(json, element);
  }
  json->push_back(']');
}

template <typename List, typename Append>
std::string JsonArray(const List& list, const Append& append) {
  std::string json;
  AppendJsonArray(&json, list, append);
  return json;
}

template <typename List>
std::string JsonStrings(const List& list) {
  return JsonArray(list, text::AppendJsonString);
}

// Keys are written as they are: nothing in them needs an escape.
class JsonLine {
 public:
  JsonLine() : json_(1, '{') {}

  JsonLine& Text(std::string_view key, std::string_view value) {
    Key(key);
    text::AppendJsonString(&json_, value);
    return *this;
  }
  template <std::integral T>
  JsonLine& Number(std::string_view key, T value) {
    Key(key);
    AppendNumber(&json_, value);
    return *this;
  }
  JsonLine& Flag(std::string_view key, bool value) { return Json(key, value ? "true" : "false"); }

  template <typename List, typename Append>
  JsonLine& Array(std::string_view key, const List& list, const Append& append) {
    Key(key);
    AppendJsonArray(&json_, list, append);
    return *this;
  }
  template <typename List>
  JsonLine& Strings(std::string_view key, const List& list) {
    return Array(key, list, text::AppendJsonString);
  }

  // `json` is a whole JSON value.
  JsonLine& Json(std::string_view key, std::string_view json) {
    Key(key);
    json_ += json;
    return *this;
  }

  // The object, without a newline. The builder is spent.
  std::string Take() { return std::move(json_ += '}'); }

 private:
  void Key(std::string_view key) {
    json_ += json_.size() > 1 ? ", \"" : "\"";
    json_ += key;
    json_ += "\": ";
  }

  std::string json_;
};

}  // namespace unirust::cli
