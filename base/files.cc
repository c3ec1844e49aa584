#include "base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace unirust {

absl::Status SyncDirectory(const std::string& dir) {
  const int directory = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && fsync(directory) == 0;
  const int error = errno;
  if (directory >= 0) close(directory);
  if (synced) return absl::OkStatus();
  return absl::InternalError("cannot sync directory " + dir + ": " + std::strerror(error));
}

}  // namespace unirust
