#include "base/write_behind.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace unirust {
namespace {

constexpr uint64_t kStretch = 8ULL << 20U;
constexpr uint64_t kKept = 64ULL << 20U;  // at the end of the file: the disk has time

}  // namespace

absl::Status WriteBehind::Wrote(int fd, uint64_t size) {
  for (; size - begun_ >= kStretch; begun_ += kStretch) {
    sync_file_range(fd, static_cast<off_t>(begun_), kStretch, SYNC_FILE_RANGE_WRITE);
  }
  return begun_ > dropped_ + kKept ? DropUpTo(fd, begun_ - kKept) : absl::OkStatus();
}

absl::Status WriteBehind::WroteAll(int fd, uint64_t size) { return DropUpTo(fd, size); }

absl::Status WriteBehind::DropUpTo(int fd, uint64_t end) {
  const auto offset = static_cast<off_t>(dropped_);
  const auto bytes = static_cast<off_t>(end - dropped_);
  const int written = sync_file_range(
      fd, offset, bytes,
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  if (written != 0 && errno != ESPIPE && errno != EINVAL && errno != ENOSYS) {
    return absl::InternalError(std::string("the disk did not take what was written: ") +
                               std::strerror(errno));
  }
  posix_fadvise(fd, offset, bytes, POSIX_FADV_DONTNEED);
  dropped_ = end;
  return absl::OkStatus();
}

}  // namespace unirust
