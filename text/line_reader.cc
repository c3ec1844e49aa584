#include "text/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace unirust::text {

absl::StatusOr<LineReader> LineReader::Open(const std::string& path) {
  if (path == "-") return LineReader(STDIN_FILENO, "standard input");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  return LineReader(fd, path);
}

LineReader::LineReader(int fd, std::string name, Sizes sizes)
    : fd_(fd), name_(std::move(name)), sizes_(sizes) {}

LineReader::LineReader(LineReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      sizes_(other.sizes_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_),
      at_end_(other.at_end_),
      line_number_(other.line_number_) {}

LineReader::~LineReader() {
  if (fd_ > STDIN_FILENO) close(fd_);
}

// Reads one block behind the bytes at hand, after moving these to the front.
absl::Status LineReader::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + sizes_.block_bytes) buffer_.resize(end_ + sizes_.block_bytes);
  ssize_t count = 0;
  do {
    count = read(fd_, buffer_.data() + end_, sizes_.block_bytes);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return absl::ErrnoToStatus(errno, name_);
  at_end_ = count == 0;
  end_ += static_cast<size_t>(count);
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(std::string_view* line) {
  ++line_number_;
  size_t searched = 0;
  while (true) {
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    const size_t newline = rest.find('\n', searched);
    const size_t size = newline == std::string_view::npos ? rest.size() : newline;
    if (size > sizes_.line_bytes_max) return SkipLongLine();
    if (newline != std::string_view::npos || (at_end_ && size > 0)) {
      *line = rest.substr(0, size);
      begin_ += newline == std::string_view::npos ? size : size + 1;
      return true;
    }
    if (at_end_) return false;
    searched = size;
    UNIRUST_RETURN_IF_ERROR(Fill());
  }
}

absl::StatusOr<bool> LineReader::SkipLongLine() {
  while (true) {
    const void* newline = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    if (newline != nullptr) {
      begin_ = static_cast<size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
      break;
    }
    begin_ = end_;
    if (at_end_) break;
    UNIRUST_RETURN_IF_ERROR(Fill());
  }
  return absl::InvalidArgumentError("longer than " + std::to_string(sizes_.line_bytes_max) +
                                    " bytes");
}

}  // namespace unirust::text
