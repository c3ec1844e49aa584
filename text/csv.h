// Rows of CSV text by RFC 4180: cells separated by commas, rows ended by LF or CRLF; a cell in
// double quotes may hold commas, line ends and, doubled, quotes. A byte order mark is skipped,
// empty lines are too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "text/line_reader.h"

namespace unirust::text {

struct CsvRow {
  uint64_t line = 0;  // the row's first line, from 1
  std::vector<std::string> cells;
};

// Not thread-safe.
class CsvReader {
 public:
  explicit CsvReader(LineReader lines) : lines_(std::move(lines)) {}

  // True and the next row; false at the end. INVALID_ARGUMENT: `row->line` is not CSV, or the row
  // is longer than limits::kInputLineBytesMax; Next may be called again and goes on with the line
  // after the one at fault. Every other code is a read error. Reuses the memory of `*row`.
  absl::StatusOr<bool> Next(CsvRow* row);

 private:
  absl::Status AddLine(std::string_view line, CsvRow* row);
  absl::Status AddUnquoted(std::string_view* rest, std::string* cell);
  absl::Status AddQuoted(std::string_view* rest, std::string* cell);

  LineReader lines_;
  bool at_start_ = true;
  size_t cell_count_ = 0;   // of the present row; row->cells may be longer while it is read
  bool in_quotes_ = false;  // the last of them goes on in the next line
};

}  // namespace unirust::text
