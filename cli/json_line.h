// Builds one JSON object as one line, in the form of the canonical export (semantics.md, 11):
// separators ", " and ": ", UTF-8 unescaped. Fields appear in the order in which they are added;
// canonical lines add them sorted.
//
//   JsonLine().Text("id", name).Number("start", 5).Take()     // {"id": "a", "start": 5}
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "text/json_writer.h"

namespace unirust::cli {

// Decimal, as JSON has it.
template <std::integral T>
void AppendNumber(std::string* json, T value) {
  std::array<char, 24> digits{};
  json->append(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
}

class JsonLine {
 public:
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
    if (json_.size() > 1) json_ += ", ";
    text::AppendJsonString(&json_, key);
    json_ += ": ";
  }

  std::string json_ = "{";
};

// A JSON array of `list`, each element appended by `append(std::string*, element)`.
template <typename List, typename Append>
std::string JsonArray(const List& list, Append append) {
  std::string json = "[";
  for (const auto& element : list) {
    if (json.size() > 1) json += ", ";
    append(&json, element);
  }
  return json += ']';
}

template <typename List>
std::string JsonStrings(const List& list) {
  return JsonArray(list, [](std::string* json, std::string_view element) {
    text::AppendJsonString(json, element);
  });
}

}  // namespace unirust::cli
