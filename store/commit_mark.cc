#include "store/commit_mark.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
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

std::optional<uint64_t> ReadSlot(int file, int slot) {
  std::array<char, kSlotBytes> bytes{};
  const ssize_t count = pread(file, bytes.data(), bytes.size(), slot * kSlotStride);
  if (count != static_cast<ssize_t>(bytes.size())) return std::nullopt;
  const std::string_view stored(bytes.data(), bytes.size());
  const uint64_t commits = ByteReader(stored).Big64();
  if (stored != SlotOf(commits)) return std::nullopt;
  return commits;
}

absl::Status Absent(const std::string& dir) {
  return absl::DataLossError("data directory " + dir + " has no file commit-mark: it is not a "
                             "whole copy. Copy it again while no program has it open, or "
                             "restore a backup");
}

absl::Status IsDamaged(const std::string& path) {
  return absl::DataLossError(path + " is damaged. Restore a backup");
}

}  // namespace

absl::Status InUse(const std::string& dir) {
  return absl::UnavailableError("data directory " + dir +
                                " is in use by another process: stop it first, or ask it over "
                                "--router");
}

std::string CommitMark::PathIn(const std::string& dir) { return dir + "/commit-mark"; }

CommitMark::~CommitMark() { close(file_); }

absl::StatusOr<std::unique_ptr<CommitMark>> CommitMark::Open(const std::string& dir,
                                                             IfAbsent if_absent) {
  const std::string path = PathIn(dir);
  const int create = if_absent == IfAbsent::kCreate ? O_CREAT : 0;
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC | create, 0666);
  if (file < 0 && errno == ENOENT) return Absent(dir);
  if (file < 0) return Failed("open", path);
  std::unique_ptr<CommitMark> mark(new CommitMark(path, file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return InUse(dir);
  UNIRUST_RETURN_IF_ERROR(mark->ReadSlots(if_absent));
  if (if_absent == IfAbsent::kCreate) UNIRUST_RETURN_IF_ERROR(SyncDirectory(dir));
  return mark;
}

// A slot that is just being written does not decode; the other one is whole then.
absl::StatusOr<uint64_t> CommitMark::Read(const std::string& dir) {
  constexpr int kLooks = 10;
  const std::string path = PathIn(dir);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? Absent(dir) : Failed("open", path);
  std::optional<uint64_t> commits;
  for (int look = 0; look < kLooks && !commits; ++look) {
    commits = std::max(ReadSlot(file, 0), ReadSlot(file, 1));  // nothing is less than any number
  }
  close(file);
  if (!commits) return IsDamaged(path);
  return *commits;
}

absl::Status CommitMark::ReadSlots(IfAbsent if_absent) {
  const std::optional<uint64_t> first = ReadSlot(file_, 0);
  const std::optional<uint64_t> second = ReadSlot(file_, 1);
  if (first || second) {
    commits_ = std::max(first.value_or(0), second.value_or(0));
    older_slot_ = first && *first == commits_ ? 1 : 0;
    return absl::OkStatus();
  }
  const off_t size = lseek(file_, 0, SEEK_END);
  const off_t whole = kSlotStride + static_cast<off_t>(kSlotBytes);
  if (if_absent == IfAbsent::kRefuse || size < 0 || size >= whole) {
    return IsDamaged(path_);
  }
  UNIRUST_RETURN_IF_ERROR(Advance(0));
  return Advance(0);
}

absl::Status CommitMark::Advance(uint64_t commits) {
  const std::string slot = SlotOf(commits);
  const ssize_t count = pwrite(file_, slot.data(), slot.size(), older_slot_ * kSlotStride);
  if (count >= 0 && count < static_cast<ssize_t>(slot.size())) errno = ENOSPC;
  if (count != static_cast<ssize_t>(slot.size())) return Failed("write", path_);
  if (fdatasync(file_) != 0) return Failed("sync", path_);
  older_slot_ = 1 - older_slot_;
  commits_ = commits;
  return absl::OkStatus();
}

}  // namespace unirust::store
