// How values are shown to people: times, lists, text that may hold anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace unirust::cli {

// "-∞", "∞" or the number.
std::string TimeText(int64_t instant);

// "[5, ∞)"
std::string IntervalText(int64_t start, int64_t end);

template <typename Dated>
std::string IntervalText(const Dated& dated) {
  return IntervalText(dated.start(), dated.end());
}

// The elements of a list of strings, with `separator` between them.
template <typename List>
std::string Join(const List& list, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const std::string& element : list) {
    if (!first) text += separator;
    text += element;
    first = false;
  }
  return text;
}

// `text` safe for a terminal: control characters, also C1 and line separators, as \n, \t, \r or
// \u001b.
std::string Printable(std::string_view text);

// Columns that UTF-8 `text` takes on a terminal: combining marks none, East Asian wide characters
// and emoji two.
size_t DisplayWidth(std::string_view text);

// 1234567 as "1,234,567".
std::string WithSeparators(uint64_t number);

}  // namespace unirust::cli
