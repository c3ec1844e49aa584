#include "base/write_behind.h"

#include <fcntl.h>

namespace unirust {
namespace {

constexpr uint64_t kStretch = 8ULL << 20U;
constexpr uint64_t kKept = 64ULL << 20U;  // at the end of the file: the disk has time, and short files stay in memory

}  // namespace

void WriteBehind::Wrote(int fd, uint64_t size) {
  for (; size - begun_ >= kStretch; begun_ += kStretch) {
    sync_file_range(fd, static_cast<off_t>(begun_), kStretch, SYNC_FILE_RANGE_WRITE);
  }
  if (begun_ > dropped_ + kKept) DropUpTo(fd, begun_ - kKept);
}

void WriteBehind::WroteAll(int fd, uint64_t size) { DropUpTo(fd, size); }

void WriteBehind::DropUpTo(int fd, uint64_t end) {
  const auto offset = static_cast<off_t>(dropped_);
  const auto bytes = static_cast<off_t>(end - dropped_);
  sync_file_range(fd, offset, bytes,
                  SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  posix_fadvise(fd, offset, bytes, POSIX_FADV_DONTNEED);
  dropped_ = end;
}

}  // namespace unirust
