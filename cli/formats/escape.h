// Escaping for the graph formats. Two rules hold in all of them (docs/graph-export.md):
//  - in text, characters that XML cannot carry (controls but tab, newline and return; U+FFFE,
//  U+FFFF) become U+FFFD;
//  - in node ids, which must stay different, they are percent-encoded. That cannot collide: record
//  names write `%` itself
//    as %25.
// Inputs are UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace unirust::cli {

// Text in which every character that XML cannot carry is U+FFFD.
std::string CleanText(std::string_view text);

// A node id from a kind ("record" or "entity") and a record name, e.g. `record:person/crm/42`.
std::string NodeId(std::string_view kind, std::string_view name);

// CleanText, with `&`, `<`, `>`, quotes, tabs, newlines and returns as references: for XML and
// HTML, text or attribute.
std::string XmlText(std::string_view text);

// A quoted DOT identifier that stands for exactly `text`.
std::string DotId(std::string_view text);

// A quoted DOT label that shows `text`: DOT's own escapes and its HTML entities are disarmed.
std::string DotLabel(std::string_view text);

// A quoted CSV field of CleanText (RFC 4180).
std::string CsvField(std::string_view text);

// A quoted N-Triples literal, escaped as its grammar asks. Carries every character, so nothing is
// replaced.
std::string NTriplesLiteral(std::string_view text);

// Percent-encodes everything but unreserved characters, `/` and `%` (which a record name uses for
// the same purpose).
std::string IriPath(std::string_view name);

}  // namespace unirust::cli
