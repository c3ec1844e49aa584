// What the standard library does not do with files.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unirust {

// Makes the names in a directory durable, which syncing a file in it does not. INTERNAL if that fails.
absl::Status SyncDirectory(const std::string& dir);

// All bytes of a file. NOT_FOUND, or PERMISSION_DENIED for any other reason that the system gives: so a file that
// cannot be read is never taken for an empty one.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

// From now on this process may have as many files open as it may allow itself.
void RaiseOpenFilesLimit();

// Where temporary files go: $TMPDIR, or /tmp.
std::string ScratchDirectory();

// A directory below ScratchDirectory() that only this user can read, removed by the destructor with
// all it holds.
class TemporaryDirectory {
 public:
  static absl::StatusOr<std::unique_ptr<TemporaryDirectory>> Create();
  // With the path of an earlier one. PERMISSION_DENIED if there is something now.
  static absl::StatusOr<std::unique_ptr<TemporaryDirectory>> CreateAgain(const std::string& path);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace unirust
