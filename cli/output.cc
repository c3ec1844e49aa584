#include "cli/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace unirust::cli {
namespace {

bool WrittenInPlace(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Output>> Output::Open(const std::string& path) {
  if (path.empty() || path == "-") {
    return std::unique_ptr<Output>(new Output(STDOUT_FILENO, "", ""));
  }
  const std::string partial = WrittenInPlace(path) ? "" : path + ".partial";
  const int fd = open((partial.empty() ? path : partial).c_str(),
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) {
    return absl::NotFoundError("cannot create " + path + ": " + std::strerror(errno));
  }
  return std::unique_ptr<Output>(new Output(fd, path, partial));
}

Output::Output(int fd, std::string path, std::string partial_path)
    : fd_(fd),
      path_(std::move(path)),
      partial_path_(std::move(partial_path)),
      writer_(fd, partial_path_.empty() ? FileWriter::Cache::kUse : FileWriter::Cache::kPass) {}

Output::~Output() {
  if (fd_ < 0) return;
  if (path_.empty()) {
    writer_.Finish().IgnoreError();
    return;
  }
  close(fd_);
  if (!partial_path_.empty()) unlink(partial_path_.c_str());
}

void Output::Write(std::string_view text) {
  if (!status_.ok()) return;
  const absl::Status written = writer_.Append(text);
  if (!written.ok()) status_ = Error("cannot write", std::string(written.message()));
}

absl::Status Output::Close() {
  const int fd = std::exchange(fd_, -1);
  if (fd < 0) return status_;
  if (status_.ok()) {
    const absl::Status written = writer_.Finish();
    if (!written.ok()) status_ = Error("cannot write", std::string(written.message()));
  }
  if (path_.empty()) return status_;
  if (close(fd) != 0 && status_.ok()) status_ = Error("cannot write", std::strerror(errno));
  if (partial_path_.empty()) return status_;
  if (status_.ok() && std::rename(partial_path_.c_str(), path_.c_str()) != 0) {
    status_ = Error("cannot create", std::strerror(errno));
  }
  if (!status_.ok()) unlink(partial_path_.c_str());
  return status_;
}

absl::Status Output::Error(std::string_view doing, std::string_view why) const {
  return absl::UnknownError(std::string(doing) + " " +
                            (path_.empty() ? "to standard output" : path_) + ": " +
                            std::string(why));
}

}  // namespace unirust::cli
