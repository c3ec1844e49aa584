#include "text/csv.h"

#include "absl/status/status.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::text {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

absl::StatusOr<bool> CsvReader::Next(CsvRow* row) {
  cell_count_ = 0;
  in_quotes_ = false;
  size_t bytes = 0;
  std::string_view line;
  do {
    const absl::StatusOr<bool> more = lines_.Next(&line);
    if (bytes == 0) row->line = lines_.line_number();
    if (!more.ok()) return more.status();
    if (!*more) {
      if (!in_quotes_) return false;
      return absl::InvalidArgumentError("a quote is opened and never closed");
    }
    if (at_start_ && line.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
      line.remove_prefix(kByteOrderMark.size());
    }
    at_start_ = false;
    if (bytes == 0 && (line.empty() || line == "\r")) continue;
    bytes += line.size() + 1;
    if (bytes > limits::kInputLineBytesMax + 1) {
      return absl::InvalidArgumentError("the row is longer than " +
                                        std::to_string(limits::kInputLineBytesMax) +
                                        " bytes; is a quote not closed?");
    }
    UNIRUST_RETURN_IF_ERROR(AddLine(line, row));
  } while (in_quotes_ || cell_count_ == 0);
  row->cells.resize(cell_count_);
  return true;
}

absl::Status CsvReader::AddLine(std::string_view line, CsvRow* row) {
  std::string_view rest = line;
  bool quoted = in_quotes_;  // the cell that `rest` begins within or with
  while (true) {
    if (!in_quotes_) {
      if (++cell_count_ > row->cells.size()) row->cells.emplace_back();
      row->cells[cell_count_ - 1].clear();
      quoted = !rest.empty() && rest[0] == '"';
      if (quoted) rest.remove_prefix(1);
    }
    std::string* cell = &row->cells[cell_count_ - 1];
    if (quoted) {
      UNIRUST_RETURN_IF_ERROR(AddQuoted(&rest, cell));
    } else {
      UNIRUST_RETURN_IF_ERROR(AddUnquoted(&rest, cell));
    }
    if (in_quotes_ || rest.empty()) return absl::OkStatus();
    rest.remove_prefix(1);  // the comma
  }
}

absl::Status CsvReader::AddUnquoted(std::string_view* rest, std::string* cell) {
  const size_t comma = rest->find(',');
  std::string_view text = rest->substr(0, comma);
  if (text.find('"') != std::string_view::npos) {
    return absl::InvalidArgumentError("a quote within an unquoted cell");
  }
  rest->remove_prefix(text.size());
  if (rest->empty() && !text.empty() && text.back() == '\r') text.remove_suffix(1);
  *cell = text;
  return absl::OkStatus();
}

// Leaves of `rest` the comma after the cell, or nothing at the end of the line; in_quotes_ tells
// whether the cell goes on in the next one.
absl::Status CsvReader::AddQuoted(std::string_view* rest, std::string* cell) {
  while (true) {
    const size_t quote = rest->find('"');
    cell->append(rest->substr(0, quote));
    in_quotes_ = quote == std::string_view::npos;
    if (in_quotes_) {
      *rest = {};
      cell->push_back('\n');
      return absl::OkStatus();
    }
    rest->remove_prefix(quote + 1);
    if (rest->empty() || (*rest)[0] != '"') break;
    cell->push_back('"');
    rest->remove_prefix(1);
  }
  if (*rest == "\r") *rest = {};
  if (!rest->empty() && (*rest)[0] != ',') {
    return absl::InvalidArgumentError("text after a closing quote");
  }
  return absl::OkStatus();
}

}  // namespace unirust::text
