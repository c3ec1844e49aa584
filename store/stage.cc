#include "store/stage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;

// The directory as it will be named, without links: a rename replaces the name itself.
absl::StatusOr<std::string> CheckTarget(const std::string& wanted) {
  std::error_code error;
  fs::path dir = fs::weakly_canonical(fs::absolute(wanted), error);
  if (!error && !dir.has_filename()) dir = dir.parent_path();
  struct stat parent {};
  if (error || stat(dir.parent_path().c_str(), &parent) != 0) {
    if (error) errno = error.value();
    return FileFailed("restore below", dir.parent_path());
  }
  struct stat info {};
  if (stat(dir.c_str(), &info) != 0) return dir.string();
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(dir.string() + " is no directory");
  }
  const bool empty = fs::is_empty(dir, error);
  if (error || !empty) {
    return absl::FailedPreconditionError(
        "data directory " + dir.string() +
        " is not empty: restore into a new one. Nothing was changed");
  }
  if (info.st_dev != parent.st_dev) {
    return absl::FailedPreconditionError(dir.string() +
                                         " is where a file system is mounted: name a new "
                                         "directory below it");
  }
  return dir.string();
}

}  // namespace

absl::Status FileFailed(const std::string& what, const std::string& path) {
  const std::string message = "cannot " + what + " " + path + ": " + std::strerror(errno);
  return errno == EACCES || errno == EROFS ? absl::PermissionDeniedError(message)
                                           : absl::InternalError(message);
}

absl::Status MakeDirectory(const std::string& dir) {
  if (mkdir(dir.c_str(), 0777) == 0) return SyncDirectory(fs::path(dir).parent_path());
  return errno == EEXIST ? absl::OkStatus() : FileFailed("create", dir);
}

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Take(const std::string& path,
                                                         const std::string& in_use) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return FileFailed("open", path);
  std::unique_ptr<FileLock> lock(new FileLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return absl::UnavailableError(in_use);
  return lock;
}

FileLock::~FileLock() { close(file_); }

absl::StatusOr<std::unique_ptr<Stage>> Stage::Make(const std::string& target) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string checked, CheckTarget(target));
  std::unique_ptr<Stage> stage(new Stage(checked));
  const std::string lock_path = stage->dir_ + "/lock";
  std::error_code error;
  if (fs::exists(stage->dir_, error) && !fs::exists(lock_path, error) &&
      !fs::is_empty(stage->dir_, error)) {
    return absl::FailedPreconditionError(stage->dir_ +
                                         " is in the way, and no interrupted restore: rename it");
  }
  UNIRUST_RETURN_IF_ERROR(MakeDirectory(stage->dir_));
  UNIRUST_ASSIGN_OR_RETURN(
      stage->lock_,
      FileLock::Take(lock_path, "another process restores into " + checked + " already"));
  fs::remove_all(stage->data(), error);
  if (error) {
    return absl::InternalError("cannot remove " + stage->data() + ": " + error.message());
  }
  return stage;
}

Stage::~Stage() {
  if (lock_ == nullptr) return;
  std::error_code error;
  fs::remove_all(dir_, error);
  if (error) Log(LogLevel::kWarning, dir_ + " is left behind: " + error.message());
}

absl::Status Stage::Publish(absl::FunctionRef<void()> renamed) const {
  UNIRUST_RETURN_IF_ERROR(SyncDirectory(data()));
  if (rename(data().c_str(), target_.c_str()) != 0) return FileFailed("make", target_);
  renamed();
  return SyncDirectory(fs::path(target_).parent_path());
}

}  // namespace unirust::store
