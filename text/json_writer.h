// The text form of strings in the canonical export (semantics.md, 11), and in every other JSON that
// the programs print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unirust::text {

// Appends `utf8` as a JSON string with its quotes. Escaped are only `\"`, `\\`, `\b`, `\f`, `\n`,
// `\r`, `\t` and, as lower-case `\u00xx`, the other characters below U+0020; all else is copied as
// it is. Linear.
void AppendJsonString(std::string* out, std::string_view utf8);

// The same, written at `to`, where there is room for JsonStringRoom(utf8) bytes. Returns its end.
char* WriteJsonString(std::string_view utf8, char* to);

// More than a string takes with its quotes if every character is escaped.
constexpr size_t JsonStringRoom(std::string_view utf8) { return 6 * utf8.size() + 16; }

}  // namespace unirust::text
