// Files for what does not fit into memory, without a name: they are gone with the object, however the process ends.
// They lie in ScratchDirectory(). Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/files.h"
#include "base/write_behind.h"

namespace unirust {

// One that is written at its end, and read anywhere.
class ScratchFile {
 public:
  // RESOURCE_EXHAUSTED if it cannot be, with what to do. The same if it cannot grow; INTERNAL where the disk fails.
  static absl::StatusOr<std::unique_ptr<ScratchFile>> Create(
      std::string directory = ScratchDirectory());
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  absl::Status Append(std::string_view bytes);
  // Leaves memory to others until it is read. Waits until the disk has it.
  absl::Status PutAway() { return behind_.WroteAll(fd_, size_); }
  uint64_t size() const { return size_; }
  // Fills `to` from `offset` on, as far as the file goes; returns with how many bytes. They are read from the disk
  // again if they are asked for again.
  absl::StatusOr<size_t> Read(uint64_t offset, std::span<char> to) const;

 private:
  ScratchFile(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}

  const int fd_;
  const std::string directory_;
  uint64_t size_ = 0;
  WriteBehind behind_;
};

// Many sequences of pieces that grow side by side, in one file.
class ScratchStreams {
 public:
  // `buffer_bytes`: of memory, for all streams together; the more, the longer the stretches of a stream in the file.
  static absl::StatusOr<std::unique_ptr<ScratchStreams>> Create(size_t buffer_bytes);

  // A piece at the end of a stream, in two parts if that is easier; a stream that nothing was added to yet is empty.
  absl::Status Append(size_t stream, std::string_view piece, std::string_view rest = {});

  // Leaves no memory to buffers until the next Append.
  absl::Status WriteBuffers();

  uint64_t Bytes(size_t stream) const;  // that it has

  // Its bytes in order, some whole pieces at a time. Stops at the first error of `visit`. Several threads may read at a
  // time.
  absl::Status Read(size_t stream,
                    absl::FunctionRef<absl::Status(std::string_view pieces)> visit) const;

 private:
  struct Extent {
    uint64_t offset = 0;
    size_t size = 0;
  };
  struct Stream {
    uint64_t bytes = 0;
    std::vector<Extent> written;
    std::string buffer;  // what comes behind them
  };

  ScratchStreams(std::unique_ptr<ScratchFile> file, size_t buffer_bytes)
      : file_(std::move(file)), buffer_bytes_(buffer_bytes) {}

  const std::unique_ptr<ScratchFile> file_;
  const size_t buffer_bytes_;
  size_t buffered_ = 0;
  std::vector<Stream> streams_;
};

}  // namespace unirust
