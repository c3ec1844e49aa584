#include "base/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/status_macros.h"

namespace unirust {
namespace {

constexpr size_t kBufferBytes = 64 * 1024;
constexpr size_t kDirectBufferBytes = 256 * 1024;  // nobody gathers what comes one after the other

absl::Status SystemError(int error) { return absl::UnknownError(std::strerror(error)); }

}  // namespace

void FreeBlocks::operator()(char* blocks) const { std::free(blocks); }

FileBlocks NewFileBlocks(size_t bytes) {
  auto* const blocks = static_cast<char*>(std::aligned_alloc(kFileBlockBytes, bytes));
  if (blocks == nullptr) throw std::bad_alloc();
  return FileBlocks(blocks);
}

FileWriter::FileWriter(int fd, Cache cache)
    : fd_(fd), direct_(cache == Cache::kPass && fcntl(fd, F_SETFL, O_DIRECT) == 0) {}

absl::Status FileWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t wanted = direct_ ? kDirectBufferBytes : kBufferBytes;
    if (buffer_bytes_ < wanted) {
      FileBlocks larger = NewFileBlocks(wanted);
      if (buffered_ > 0) std::memcpy(larger.get(), buffer_.get(), buffered_);
      buffer_ = std::move(larger);
      buffer_bytes_ = wanted;
    }
    const size_t taken = std::min(bytes.size(), buffer_bytes_ - buffered_);
    std::memcpy(buffer_.get() + buffered_, bytes.data(), taken);
    buffered_ += taken;
    bytes.remove_prefix(taken);
    if (buffered_ == buffer_bytes_) UNIRUST_RETURN_IF_ERROR(WriteFirst(buffered_));
  }
  return absl::OkStatus();
}

absl::Status FileWriter::Flush() {
  const size_t kept = direct_ ? buffered_ % kFileBlockBytes : 0;
  UNIRUST_RETURN_IF_ERROR(WriteFirst(buffered_ - kept));
  FileBlocks rest;
  buffer_bytes_ = buffered_ > 0 ? kFileBlockBytes : 0;
  if (buffered_ > 0) {
    rest = NewFileBlocks(buffer_bytes_);
    std::memcpy(rest.get(), buffer_.get(), buffered_);
  }
  buffer_ = std::move(rest);
  return absl::OkStatus();
}

absl::Status FileWriter::Finish() {
  UNIRUST_RETURN_IF_ERROR(Flush());
  if (direct_ && buffered_ > 0 && !UseCache()) return SystemError(errno);
  return WriteFirst(buffered_);
}

bool FileWriter::UseCache() {
  direct_ = false;
  return fcntl(fd_, F_SETFL, 0) == 0;
}

absl::Status FileWriter::WriteFirst(size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t wrote = write(fd_, buffer_.get() + done, bytes - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EINVAL && direct_ && UseCache()) continue;  // larger blocks than ours
    if (wrote < 0) return SystemError(errno);
    // A disk that is full may take part of it; nothing else comes in parts of blocks.
    if (direct_ && static_cast<size_t>(wrote) % kFileBlockBytes != 0) return SystemError(ENOSPC);
    done += static_cast<size_t>(wrote);
  }
  buffered_ -= bytes;
  if (buffered_ > 0) std::memmove(buffer_.get(), buffer_.get() + bytes, buffered_);
  written_ += bytes;
  return absl::OkStatus();
}

}  // namespace unirust
