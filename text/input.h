// Writes from a file or from standard input, JSON Lines or CSV (docs/ingest-formats.md), with
// constant memory.
//
//   UNIRUST_ASSIGN_OR_RETURN(auto reader, WriteReader::Open("records.jsonl", ""));
//   for (;;) {
//     absl::StatusOr<bool> more = reader->Next(&write, &line);
//     if (absl::IsInvalidArgument(more.status())) { Report(more.status()); continue; }   // a bad
//     line: go on if (!more.ok() || !*more) break;
//     ...
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/record.h"

namespace unirust::text {

// Not thread-safe.
class WriteReader {
 public:
  // Opens `path`, or standard input if it is "-". A name that ends in ".csv" is CSV and needs
  // `mapping_path`, the file with its mapping; standard input is CSV if a mapping is given; all
  // else is JSON Lines. INVALID_ARGUMENT if the mapping, the header or their agreement is at fault;
  // the status of a failed open or read otherwise.
  static absl::StatusOr<std::unique_ptr<WriteReader>> Open(const std::string& path,
                                                           const std::string& mapping_path);
  virtual ~WriteReader() = default;

  // True and the next write, which has passed Check, and the number of its (first) line; false at
  // the end. INVALID_ARGUMENT: line `*line` is bad, as the message says with its number; call again
  // to go on after it. Every other code is a read error and final.
  absl::StatusOr<bool> Next(Write* write, uint64_t* line);

 private:
  virtual absl::StatusOr<bool> DoNext(Write* write, uint64_t* line) = 0;
};

}  // namespace unirust::text
