// Where a command writes its result: standard output or a file. A file appears under its name only
// when it is complete; until then it is `PATH.partial`. Errors are remembered and told by Close, so
// that writers need not check each line. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/write_behind.h"

namespace unirust::cli {

class Output {
 public:
  // Standard output if `path` is empty or "-". Things that are not regular files (pipes, /dev/null)
  // are written in place.
  static absl::StatusOr<std::unique_ptr<Output>> Open(const std::string& path);

  // Removes a file that was not closed.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void Write(std::string_view text);

  // OK as long as every write so far went well; for long exports that should stop early.
  const absl::Status& status() const { return status_; }

  // Flushes and gives the file its name. Returns the first error of any write.
  absl::Status Close();

 private:
  Output(int fd, std::string path, std::string partial_path);
  void Flush();
  void WriteAll(std::string_view rest);
  absl::Status Error(std::string_view doing) const;

  int fd_;
  std::string path_;          // empty: standard output
  std::string partial_path_;  // empty: written in place
  std::string buffer_;
  uint64_t size_ = 0;  // of what is written
  WriteBehind behind_;
  absl::Status status_;
};

}  // namespace unirust::cli
