// Builds one JSON object as one line, in the form of the canonical export (semantics.md, 11):
// separators ", " and ": ", UTF-8 unescaped. Fields appear in the order in which they are added;
// canonical lines add them sorted.
//
//   JsonLine().Text("id", name).Number("start", 5).Take()     // {"id": "a", "start": 5}
//
// An export makes millions of them: a line that has been written can be handed to the next one for its memory.
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
  // `spent`: a line that is no longer needed.
  explicit JsonLine(std::string spent = {}) : json_(std::move(spent)) { json_.assign(1, '{'); }

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
