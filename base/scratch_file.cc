#include "base/scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status_macros.h"

namespace unirust {
namespace {

constexpr char kOtherDirectory[] = " (set TMPDIR to a directory that can be written and has room)";

absl::Status CannotCreate(const std::string& directory, int error) {
  const bool too_many = error == EMFILE || error == ENFILE;
  return absl::ResourceExhaustedError(
      "cannot create a temporary file in " + directory + ": " + std::strerror(error) +
      (too_many ? " (allow more open files: ulimit -n)" : kOtherDirectory));
}

absl::Status Told(const absl::Status& written, const std::string& directory) {
  if (written.ok()) return written;
  return absl::ResourceExhaustedError("cannot write a temporary file in " + directory + ": " +
                                      std::string(written.message()) + kOtherDirectory);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchFile>> ScratchFile::Create(std::string directory) {
  std::string path = directory + "/unirust-scratch-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return CannotCreate(directory, errno);
  unlink(path.c_str());
  return std::unique_ptr<ScratchFile>(new ScratchFile(fd, std::move(directory)));
}

ScratchFile::~ScratchFile() { close(fd_); }

absl::Status ScratchFile::Append(std::string_view bytes) {
  return Told(writer_.Append(bytes), directory_);
}

absl::Status ScratchFile::Flush() { return Told(writer_.Flush(), directory_); }

absl::StatusOr<size_t> ScratchFile::Read(uint64_t offset, std::span<char> to) const {
  if (offset >= size()) return 0;
  to = to.first(std::min<uint64_t>(to.size(), size() - offset));
  const uint64_t written = writer_.written();
  const size_t from_disk = offset < written ? std::min<uint64_t>(to.size(), written - offset) : 0;
  UNIRUST_RETURN_IF_ERROR(ReadBlocks(offset, to.first(from_disk)));
  const std::span<char> rest = to.subspan(from_disk);
  if (!rest.empty()) {
    std::memcpy(rest.data(), writer_.unwritten().data() + (offset + from_disk - written),
                rest.size());
  }
  return to.size();
}

absl::Status ScratchFile::ReadBlocks(uint64_t offset, std::span<char> to) const {
  constexpr size_t kReadBytes = 256 * 1024;
  thread_local FileBlocks blocks;
  if (!to.empty() && blocks == nullptr) blocks = NewFileBlocks(kReadBytes);
  while (!to.empty()) {
    const uint64_t before = offset % kFileBlockBytes;
    const uint64_t wanted = std::min<uint64_t>(before + to.size(), kReadBytes);
    const uint64_t whole = (wanted + kFileBlockBytes - 1) / kFileBlockBytes * kFileBlockBytes;
    const ssize_t got = pread(fd_, blocks.get(), whole, static_cast<off_t>(offset - before));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || static_cast<uint64_t>(got) <= before) {
      return absl::InternalError("cannot read a temporary file in " + directory_ + ": " +
                                 (got < 0 ? std::strerror(errno) : "it became shorter"));
    }
    const size_t count = std::min<uint64_t>(static_cast<uint64_t>(got) - before, to.size());
    std::memcpy(to.data(), blocks.get() + before, count);
    offset += count;
    to = to.subspan(count);
  }
  return absl::OkStatus();
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
  return file_->Flush();
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
    UNIRUST_RETURN_IF_ERROR(file_->Read(extent.offset, bytes).status());
    UNIRUST_RETURN_IF_ERROR(visit(bytes));
  }
  return visit(streams_[stream].buffer);
}

}  // namespace unirust
