#include "base/scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status_macros.h"

namespace unirust {
namespace {

absl::Status FileError(std::string_view doing, const std::string& directory, int error) {
  const bool too_many = error == EMFILE || error == ENFILE;
  return absl::ResourceExhaustedError(
      std::string(doing) + " a temporary file in " + directory + ": " + std::strerror(error) +
      (too_many ? " (allow more open files: ulimit -n)"
                : " (set TMPDIR to a directory that can be written and has room)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchFile>> ScratchFile::Create(std::string directory) {
  std::string path = directory + "/unirust-scratch-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return FileError("cannot create", directory, errno);
  unlink(path.c_str());
  return std::unique_ptr<ScratchFile>(new ScratchFile(fd, std::move(directory)));
}

ScratchFile::~ScratchFile() { close(fd_); }

absl::Status ScratchFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return FileError("cannot write", directory_, errno);
    bytes.remove_prefix(static_cast<size_t>(wrote));
    size_ += static_cast<uint64_t>(wrote);
  }
  return behind_.Wrote(fd_, size_);
}

absl::StatusOr<size_t> ScratchFile::Read(uint64_t offset, std::span<char> to) const {
  size_t filled = 0;
  while (filled < to.size()) {
    const ssize_t got = pread(fd_, to.data() + filled, to.size() - filled,
                              static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return absl::InternalError("cannot read a temporary file in " + directory_ + ": " +
                                 std::strerror(errno));
    }
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  // The cache lets go of whole folios only, and reads ahead in large ones.
  constexpr uint64_t kFolioBytesMax = 2ULL << 20U;
  const uint64_t from = offset / kFolioBytesMax * kFolioBytesMax;
  posix_fadvise(fd_, static_cast<off_t>(from), static_cast<off_t>(offset + filled - from),
                POSIX_FADV_DONTNEED);
  return filled;
}

absl::StatusOr<std::unique_ptr<ScratchStreams>> ScratchStreams::Create(size_t buffer_bytes) {
  UNIRUST_ASSIGN_OR_RETURN(auto file, ScratchFile::Create());
  return std::unique_ptr<ScratchStreams>(new ScratchStreams(std::move(file), buffer_bytes));
}

absl::Status ScratchStreams::Append(size_t stream, std::string_view piece,
                                    std::string_view rest) {
  if (stream >= streams_.size()) streams_.resize(stream + 1);
  const size_t bytes = piece.size() + rest.size();
  streams_[stream].buffer.append(piece).append(rest);
  streams_[stream].bytes += bytes;
  buffered_ += bytes;
  return buffered_ < buffer_bytes_ ? absl::OkStatus() : WriteBuffers();
}

absl::Status ScratchStreams::WriteBuffers() {
  for (Stream& stream : streams_) {
    if (stream.buffer.empty()) continue;
    stream.written.push_back({.offset = file_->size(), .size = stream.buffer.size()});
    UNIRUST_RETURN_IF_ERROR(file_->Append(stream.buffer));
    stream.buffer = std::string();
  }
  buffered_ = 0;
  return absl::OkStatus();
}

uint64_t ScratchStreams::Bytes(size_t stream) const {
  return stream < streams_.size() ? streams_[stream].bytes : 0;
}

absl::Status ScratchStreams::Read(
    size_t stream, absl::FunctionRef<absl::Status(std::string_view pieces)> visit) const {
  if (stream >= streams_.size()) return absl::OkStatus();
  std::string bytes;
  for (const Extent& extent : streams_[stream].written) {
    bytes.resize(extent.size);
    UNIRUST_ASSIGN_OR_RETURN(const size_t read, file_->Read(extent.offset, bytes));
    if (read < extent.size) return absl::InternalError("a temporary file became shorter");
    UNIRUST_RETURN_IF_ERROR(visit(bytes));
  }
  return visit(streams_[stream].buffer);
}

}  // namespace unirust
