// A data directory that is put together beside its place, and is whole when it gets its name. Only
// for the sources of store/.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unirust::store {

// "cannot <what> <path>: <errno>": PERMISSION_DENIED, or INTERNAL.
absl::Status FileFailed(const std::string& what, const std::string& path);

// Durable when it returns; one that is there stays. Its parent must exist.
absl::Status MakeDirectory(const std::string& dir);

// A file that one process at a time may hold, from construction to destruction.
class FileLock {
 public:
  // UNAVAILABLE with `in_use` if another has it.
  static absl::StatusOr<std::unique_ptr<FileLock>> Take(const std::string& path,
                                                        const std::string& in_use);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

// "<target>.restoring", where no program looks for a store; removed by the destructor. What a
// process that was killed has left there, the next one for the same target removes.
class Stage {
 public:
  // FAILED_PRECONDITION: `target` is neither absent nor an empty directory, or is mounted;
  // UNAVAILABLE: another process is about to make it.
  static absl::StatusOr<std::unique_ptr<Stage>> Make(const std::string& target);
  ~Stage();

  // The directory that will be the target; not there yet.
  std::string data() const { return dir_ + "/data"; }

  // Gives it its name, durable when it returns. All that is in it must be durable. Calls `renamed`
  // between the two.
  absl::Status Publish(absl::FunctionRef<void()> renamed) const;

 private:
  explicit Stage(const std::string& target) : target_(target), dir_(target + ".restoring") {}
  const std::string target_;
  const std::string dir_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace unirust::store
