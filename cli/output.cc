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

constexpr size_t kBufferBytes = 64 * 1024;

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
    : fd_(fd), path_(std::move(path)), partial_path_(std::move(partial_path)) {}

Output::~Output() {
  if (fd_ < 0) return;
  if (path_.empty()) {
    Flush();
    return;
  }
  close(fd_);
  if (!partial_path_.empty()) unlink(partial_path_.c_str());
}

void Output::Write(std::string_view text) {
  if (text.size() < kBufferBytes) {
    buffer_.append(text);
    if (buffer_.size() >= kBufferBytes) Flush();
  } else {
    Flush();
    WriteAll(text);
  }
}

absl::Status Output::Close() {
  Flush();
  const int fd = std::exchange(fd_, -1);
  if (path_.empty() || fd < 0) return status_;
  if (close(fd) != 0 && status_.ok()) status_ = Error("cannot write");
  if (partial_path_.empty()) return status_;
  if (status_.ok() && std::rename(partial_path_.c_str(), path_.c_str()) != 0) {
    status_ = Error("cannot create");
  }
  if (!status_.ok()) unlink(partial_path_.c_str());
  return status_;
}

void Output::Flush() {
  WriteAll(buffer_);
  buffer_.clear();
}

void Output::WriteAll(std::string_view rest) {
  while (!rest.empty() && status_.ok()) {
    const ssize_t wrote = write(fd_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      status_ = Error("cannot write");
    } else {
      rest.remove_prefix(static_cast<size_t>(wrote));
      size_ += static_cast<uint64_t>(wrote);
    }
  }
  if (partial_path_.empty() || !status_.ok()) return;
  const absl::Status behind = behind_.Wrote(fd_, size_);
  if (!behind.ok()) status_ = absl::UnknownError(path_ + ": " + std::string(behind.message()));
}

absl::Status Output::Error(std::string_view doing) const {
  return absl::UnknownError(std::string(doing) + " " +
                            (path_.empty() ? "to standard output" : path_) + ": " +
                            std::strerror(errno));
}

}  // namespace unirust::cli
