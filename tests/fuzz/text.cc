// What people write: JSON Lines, CSV with its mapping, names of records.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/record.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"
#include "text/csv.h"
#include "text/csv_mapping.h"
#include "text/csv_writes.h"
#include "text/json_lines.h"
#include "text/json_writer.h"
#include "text/line_reader.h"

namespace unirust::fuzz {
namespace {

using namespace text;
using Sizes = LineReader::Sizes;

// So small that lines cross blocks, and are too long.
constexpr Sizes kSmall{.line_bytes_max = 300, .block_bytes = 7};
constexpr Sizes kLarge{.line_bytes_max = 1U << 20U, .block_bytes = 4096};

bool IsSame(const Write& a, const Write& b) {
  return a.identity == b.identity && a.version == b.version && a.retract == b.retract &&
         a.descriptors == b.descriptors;
}

// A write that a reader gave, as a line.
void RequireSound(const Write& write) {
  Require(Check(write).ok(), "a write that was read is sound");
  std::string line;
  AppendJsonLine(write, &line);
  Write again;
  Require(JsonLinesReader().Parse(line, &again).ok() && IsSame(again, write),
          "its line reads as the same write");
  const absl::StatusOr<Identity> identity = ParseRecordName(RecordName(write.identity));
  Require(identity.ok() && *identity == write.identity, "its name names it");
}

void JsonLine(Input input) {
  Write write;
  const absl::Status status = JsonLinesReader().Parse(input.Rest(), &write);
  if (!status.ok()) return RequireRefusal(status, absl::StatusCode::kInvalidArgument);
  RequireSound(write);
}

// However they are read.
void Lines(Input input) {
  const std::string_view bytes = input.Rest();
  std::string_view rest = bytes;
  LineReader lines(FileOf(bytes), "lines", kSmall);
  std::string_view line;
  while (!rest.empty()) {
    const std::string_view expected = rest.substr(0, rest.find('\n'));
    const absl::StatusOr<bool> more = lines.Next(&line);
    if (expected.size() > kSmall.line_bytes_max) {
      RequireRefusal(more.status(), absl::StatusCode::kInvalidArgument);
    } else {
      Require(more.ok() && *more && line == expected, "a line is what lies between two ends");
    }
    rest.remove_prefix(std::min(rest.size(), expected.size() + 1));
  }
  const absl::StatusOr<bool> more = lines.Next(&line);
  Require(more.ok() && !*more, "and then there is no more");
}

// Cells with quotes around them where these are needed, as RFC 4180 says.
std::string CsvOf(const std::vector<CsvRow>& rows) {
  std::string out;
  for (const CsvRow& row : rows) {
    for (size_t i = 0; i < row.cells.size(); ++i) {
      out += i == 0 ? "\"" : ",\"";
      for (const char c : row.cells[i]) out.append(c == '"' ? 2 : 1, c);
      out += '"';
    }
    out += "\r\n";
  }
  return out;
}

// The good rows. Every row, good or bad, begins in a line of its own.
std::vector<CsvRow> RowsOf(std::string_view csv, const Sizes& sizes) {
  const auto lines_max = static_cast<size_t>(std::count(csv.begin(), csv.end(), '\n')) + 2;
  CsvReader reader(LineReader(FileOf(csv), "rows", sizes));
  std::vector<CsvRow> out;
  for (size_t count = 0;; ++count) {
    Require(count <= lines_max, "a reader comes to its end");
    CsvRow row;
    const absl::StatusOr<bool> more = reader.Next(&row);
    if (!more.ok()) {
      RequireRefusal(more.status(), absl::StatusCode::kInvalidArgument);
      continue;
    }
    if (!*more) return out;
    Require(row.line > 0 && row.line < lines_max && !row.cells.empty(),
            "a row has a place and cells");
    out.push_back(std::move(row));
  }
}

void Csv(Input input) {
  const std::string_view csv = input.Rest();
  RowsOf(csv, kSmall);
  const std::vector<CsvRow> rows = RowsOf(csv, kLarge);
  const std::vector<CsvRow> again = RowsOf(CsvOf(rows), kLarge);
  Require(std::equal(rows.begin(), rows.end(), again.begin(), again.end(),
                     [](const CsvRow& a, const CsvRow& b) { return a.cells == b.cells; }),
          "cells that are written are read again");
}

void WritesOf(std::string_view csv, const CsvMapping& mapping) {
  const auto lines_max = static_cast<size_t>(std::count(csv.begin(), csv.end(), '\n')) + 2;
  const auto writes = CsvWrites::Create(LineReader(FileOf(csv), "csv", kLarge), mapping);
  if (!writes.ok()) return RequireRefusal(writes.status(), absl::StatusCode::kInvalidArgument);
  for (size_t count = 0;; ++count) {
    Require(count <= 2 * lines_max, "a reader comes to its end");
    Write write;
    uint64_t line = 0;
    const absl::StatusOr<bool> more = (*writes)->Next(&write, &line);
    Require((more.ok() && !*more) || (line > 1 && line < lines_max),
            "a write or a fault has a line");
    if (!more.ok()) {
      RequireRefusal(more.status(), absl::StatusCode::kInvalidArgument);
    } else if (!*more) {
      return;
    } else {
      RequireSound(write);
    }
  }
}

// By a mapping with every kind of column.
void CsvByAMapping(Input input) {
  static const auto& mapping = *new CsvMapping(
      ParseCsvMapping(R"({"entity_type": {"constant": "person"}, "perspective": "p", "uid": "u",
                          "version": "v", "op": "o", "start": "s", "end": "e", "attributes": {
                          "a": "a", "b": {"attribute": "b", "empty": "keep"}}})")
          .value());
  std::string csv("p,u,v,o,s,e,a,b\n");
  WritesOf(csv.append(input.Rest()), mapping);
}

// The mapping in the first line, the rest is CSV.
void CsvAndMapping(Input input) {
  const std::string_view bytes = input.Rest();
  const std::string_view json = bytes.substr(0, bytes.find('\n'));
  const absl::StatusOr<CsvMapping> mapping = ParseCsvMapping(json);
  if (!mapping.ok()) return RequireRefusal(mapping.status(), absl::StatusCode::kInvalidArgument);
  WritesOf(bytes.substr(std::min(bytes.size(), json.size() + 1)), *mapping);
}

void Strings(Input input) {
  const std::string_view text = input.Rest();
  std::string out;
  AppendJsonString(&out, text);
  Require(out.size() <= JsonStringRoom(text), "a string takes no more than its room");
  std::string line = R"({"entity_type": "t", "perspective": "p", "uid": "u", "descriptors": )"
                     R"([{"attr": "a", "value": )" +
                     out + "}]}";
  Write write;
  const absl::Status status = JsonLinesReader().Parse(line, &write);
  Require(status.ok() == IsUtf8(text), "what is UTF-8 is a JSON string");
  if (status.ok()) Require(write.descriptors[0].value == text, "of the same text");
}

void RecordNames(Input input) {
  const std::string_view name = input.Rest();
  const absl::StatusOr<Identity> identity = ParseRecordName(name);
  if (!identity.ok()) return RequireRefusal(identity.status(), absl::StatusCode::kInvalidArgument);
  Require(RecordName(*identity) == name, "a name is the name of what it names");
}

}  // namespace

void Text(std::string_view input) {
  static constexpr std::array kKinds{JsonLine,      Lines,   Csv,        CsvByAMapping,
                                     CsvAndMapping, Strings, RecordNames};
  RunKind(kKinds, input);
}

}  // namespace unirust::fuzz
