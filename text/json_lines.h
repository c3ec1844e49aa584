// Writes as JSON, one a line (docs/ingest-formats.md):
//
//   {"entity_type": "person", "perspective": "crm", "uid": "42", "descriptors": [{"attr": "email",
//   "value": "a@x.org"}]}
//
//   JsonLinesReader reader;
//   UNIRUST_RETURN_IF_ERROR(reader.Parse(line, &write));
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "model/record.h"

namespace unirust::text {

// Keeps its buffers from line to line. Not thread-safe: one for each thread.
class JsonLinesReader {
 public:
  JsonLinesReader();
  ~JsonLinesReader();

  // Reads one line, which must not be blank, into `*write`, and checks it (model Check).
  // INVALID_ARGUMENT names the field, e.g. "descriptors[2].start: a 64-bit integer is needed,
  // not 1.0"; `*write` is then unspecified. Accepts what tests/oracle/oracle.py accepts, up to the
  // limits, but for numbers that neither 64 bits nor a double can hold, NaN and lone surrogates.
  // These are refused everywhere, also in members that are ignored.
  absl::Status Parse(std::string_view line, Write* write);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Appends the line, without its end, that JsonLinesReader reads as `write`. Only what differs from
// its default is written. `write` passes Check. Linear.
void AppendJsonLine(const Write& write, std::string* out);

}  // namespace unirust::text
