#include "store/commit_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

// Two slots, written in turn, so that one is whole whenever a write is cut off; in blocks of their own, so that no
// device damages both at once.
constexpr off_t kSlotStride = 4096;
constexpr size_t kSlotBytes = 16;  // commits, and their hash

absl::Status Failed(const std::string& what, const std::string& path) {
  return absl::InternalError("cannot " + what + " " + path + ": " + std::strerror(errno));
}

std::string SlotOf(uint64_t commits) {
  std::string out;
  AppendBig64(&out, commits);
  AppendBig64(&out, Hash64(out));
  return out;
}

std::optional<uint64_t> ReadSlot(int file, off_t slot) {
  std::array<char, kSlotBytes> bytes{};
  const ssize_t count = pread(file, bytes.data(), bytes.size(), slot * kSlotStride);
  if (count != static_cast<ssize_t>(bytes.size())) return std::nullopt;
  const std::string_view stored(bytes.data(), bytes.size());
  const uint64_t commits = ByteReader(stored).Big64();
  if (stored != SlotOf(commits)) return std::nullopt;
  return commits;
}

absl::Status SyncDirectory(const std::string& dir) {
  const int directory = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return Failed("open", dir);
  const bool synced = fsync(directory) == 0;
  const absl::Status status = synced ? absl::OkStatus() : Failed("sync", dir);
  close(directory);
  return status;
}

}  // namespace

std::string CommitMark::PathIn(const std::string& dir) { return dir + "/commit-mark"; }

CommitMark::~CommitMark() { close(file_); }

absl::StatusOr<std::unique_ptr<CommitMark>> CommitMark::Create(const std::string& dir,
                                                               uint64_t commits) {
  const std::string path = PathIn(dir);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return Failed("create", path);
  std::unique_ptr<CommitMark> mark(new CommitMark(path, file));
  UNIRUST_RETURN_IF_ERROR(mark->Advance(commits));
  UNIRUST_RETURN_IF_ERROR(SyncDirectory(dir));
  return mark;
}

absl::StatusOr<std::unique_ptr<CommitMark>> CommitMark::Open(const std::string& dir) {
  const std::string path = PathIn(dir);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) {
    return absl::DataLossError("data directory " + dir + " has no file commit-mark: it is not a "
                               "whole copy. Copy it again while no program has it open, or "
                               "restore a checkpoint");
  }
  if (file < 0) return Failed("open", path);
  std::unique_ptr<CommitMark> mark(new CommitMark(path, file));
  const std::optional<uint64_t> even = ReadSlot(file, 0);
  const std::optional<uint64_t> odd = ReadSlot(file, 1);
  if (!even && !odd) return absl::DataLossError(path + " is damaged. Restore a checkpoint");
  mark->commits_ = std::max(even.value_or(0), odd.value_or(0));
  return mark;
}

absl::Status CommitMark::Advance(uint64_t commits) {
  const std::string slot = SlotOf(commits);
  const off_t at = static_cast<off_t>(commits % 2) * kSlotStride;
  if (pwrite(file_, slot.data(), slot.size(), at) != static_cast<ssize_t>(slot.size())) {
    return Failed("write", path_);
  }
  if (fdatasync(file_) != 0) return Failed("sync", path_);
  commits_ = commits;
  return absl::OkStatus();
}

}  // namespace unirust::store
