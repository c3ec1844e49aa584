#include "text/input.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "text/csv_mapping.h"
#include "text/csv_writes.h"
#include "text/json_lines.h"
#include "text/line_reader.h"

namespace unirust::text {
namespace {

class JsonLinesInput : public WriteReader {
 public:
  explicit JsonLinesInput(LineReader lines) : lines_(std::move(lines)) {}

 private:
  absl::StatusOr<bool> DoNext(Write* write, uint64_t* line) override {
    std::string_view text;
    do {
      const absl::StatusOr<bool> more = lines_.Next(&text);
      *line = lines_.line_number();
      if (!more.ok() || !*more) return more;
    } while (text.find_first_not_of(" \t\r\v\f") == std::string_view::npos);
    UNIRUST_RETURN_IF_ERROR(parser_.Parse(text, write));
    return true;
  }

  LineReader lines_;
  JsonLinesReader parser_;
};

class CsvInput : public WriteReader {
 public:
  explicit CsvInput(std::unique_ptr<CsvWrites> writes) : writes_(std::move(writes)) {}

 private:
  absl::StatusOr<bool> DoNext(Write* write, uint64_t* line) override {
    return writes_->Next(write, line);
  }

  std::unique_ptr<CsvWrites> writes_;
};

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return {status.code(), path + ": " + std::string(status.message())};
}

absl::StatusOr<CsvMapping> ReadMapping(const std::string& path) {
  UNIRUST_ASSIGN_OR_RETURN(LineReader lines, LineReader::Open(path));
  std::string json;
  std::string_view line;
  while (json.size() <= limits::kCsvMappingBytesMax) {
    UNIRUST_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) break;
    json.append(line);
    json.push_back('\n');
  }
  absl::StatusOr<CsvMapping> mapping = ParseCsvMapping(json);
  return mapping.ok() ? std::move(mapping) : InFile(path, mapping.status());
}

bool IsCsvName(std::string_view path) { return path.ends_with(".csv") || path.ends_with(".CSV"); }

}  // namespace

absl::StatusOr<std::unique_ptr<WriteReader>> WriteReader::Open(const std::string& path,
                                                               const std::string& mapping_path) {
  const bool is_csv = IsCsvName(path) || (path == "-" && !mapping_path.empty());
  if (is_csv && mapping_path.empty()) {
    return absl::InvalidArgumentError(
        path + ": CSV needs a mapping from columns to attributes (docs/ingest-formats.md)");
  }
  if (!is_csv) {
    UNIRUST_ASSIGN_OR_RETURN(LineReader lines, LineReader::Open(path));
    return std::make_unique<JsonLinesInput>(std::move(lines));
  }
  UNIRUST_ASSIGN_OR_RETURN(const CsvMapping mapping, ReadMapping(mapping_path));
  UNIRUST_ASSIGN_OR_RETURN(LineReader lines, LineReader::Open(path));
  absl::StatusOr<std::unique_ptr<CsvWrites>> writes = CsvWrites::Create(std::move(lines), mapping);
  if (!writes.ok()) return InFile(path, writes.status());
  return std::make_unique<CsvInput>(*std::move(writes));
}

absl::StatusOr<bool> WriteReader::Next(Write* write, uint64_t* line) {
  absl::StatusOr<bool> more = DoNext(write, line);
  if (!absl::IsInvalidArgument(more.status())) return more;
  return InFile("line " + std::to_string(*line), more.status());
}

}  // namespace unirust::text
