#include "base/files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/log.h"

namespace unirust {

absl::Status SyncDirectory(const std::string& dir) {
  const int directory = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && fsync(directory) == 0;
  const int error = errno;
  if (directory >= 0) close(directory);
  if (synced) return absl::OkStatus();
  return absl::InternalError("cannot sync directory " + dir + ": " + std::strerror(error));
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  std::array<char, 1U << 16U> buffer{};
  ssize_t count = file < 0 ? -1 : 1;
  while (count > 0 || (count < 0 && file >= 0 && errno == EINTR)) {
    count = read(file, buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<size_t>(count));
  }
  const int error = errno;
  if (file >= 0) close(file);
  if (count == 0) return text;
  const std::string message = path + ": cannot be read: " + std::strerror(error);
  if (error == ENOENT) return absl::NotFoundError(message);
  return absl::PermissionDeniedError(message);
}

void RaiseOpenFilesLimit() {
  struct rlimit files {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);  // where it is refused, opening a file tells
}

std::string ScratchDirectory() {
  const char* directory = std::getenv("TMPDIR");
  return directory != nullptr && *directory != '\0' ? directory : "/tmp";
}

absl::StatusOr<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::Create() {
  std::string path = ScratchDirectory() + "/unirust.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return absl::PermissionDeniedError(path + ": " + std::strerror(errno));
  }
  return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(path));
}

absl::StatusOr<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::CreateAgain(
    const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0) {
    return absl::PermissionDeniedError(path + ": " + std::strerror(errno));
  }
  return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (error) Log(LogLevel::kWarning, path_ + " is left behind: " + error.message());
}

}  // namespace unirust
