// The text form of strings in the canonical export (semantics.md, 11), and in every other JSON that
// the programs print.
#pragma once

#include <string>
#include <string_view>

namespace unirust::text {

// Appends `utf8` as a JSON string with its quotes. Escaped are only `\"`, `\\`, `\b`, `\f`, `\n`,
// `\r`, `\t` and, as lower-case `\u00xx`, the other characters below U+0020; all else is copied as
// it is. Linear.
void AppendJsonString(std::string* out, std::string_view utf8);

}  // namespace unirust::text
