// Lines of a file or of standard input, read in large blocks. Memory is bounded by the longest line
// that is allowed. Not thread-safe.
//
//   UNIRUST_ASSIGN_OR_RETURN(LineReader lines, LineReader::Open("records.jsonl"));
//   UNIRUST_ASSIGN_OR_RETURN(bool more, lines.Next(&line));
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/limits.h"

namespace unirust::text {

class LineReader {
 public:
  // Tests choose small sizes, so that lines cross blocks.
  struct Sizes {
    size_t line_bytes_max = limits::kInputLineBytesMax;
    size_t block_bytes = 1024 * 1024;
  };

  // `path` "-" is standard input. The status of a failed open otherwise, e.g. NOT_FOUND.
  static absl::StatusOr<LineReader> Open(const std::string& path);

  // Reads from an open file descriptor, which it closes unless it is standard input. `name` is for
  // messages.
  LineReader(int fd, std::string name, Sizes sizes);
  LineReader(int fd, std::string name) : LineReader(fd, std::move(name), Sizes{}) {}
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  // True and the next line without its '\n', valid until the next call; false at the end. The last
  // line needs no '\n'. INVALID_ARGUMENT: the line is longer than line_bytes_max, and is skipped;
  // Next may be called again. Every other code is a read error.
  absl::StatusOr<bool> Next(std::string_view* line);

  // Number of the line that the last call of Next was about, from 1.
  uint64_t line_number() const { return line_number_; }

 private:
  absl::Status Fill();
  absl::StatusOr<bool> SkipLongLine();

  int fd_;
  std::string name_;
  Sizes sizes_;
  std::string buffer_;  // bytes [begin_, end_) are read and not yet handed out
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t line_number_ = 0;
};

}  // namespace unirust::text
