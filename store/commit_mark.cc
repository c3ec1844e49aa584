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
#include "base/fault_point.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

absl::Status Failed(const std::string& what, const std::string& path) {
  return absl::InternalError("cannot " + what + " " + path + ": " + std::strerror(errno));
}

std::string Encode(const Acknowledged& acknowledged) {
  std::string out;
  AppendBig64(&out, acknowledged.commits);
  AppendBig64(&out, acknowledged.sequence);
  return out;
}

std::optional<Acknowledged> DecodeAcknowledged(std::string_view bytes) {
  ByteReader in(bytes);
  Acknowledged out;
  out.commits = in.Big64();
  out.sequence = in.Big64();
  return in.done() ? std::optional(out) : std::nullopt;
}

// Programs before format version 3 wrote 16 bytes, a number and its hash, at the beginning of two blocks.
bool IsOfOlderProgram(int file) {
  for (const off_t at : {0, 4096}) {
    std::array<char, 16> bytes{};
    if (pread(file, bytes.data(), bytes.size(), at) != static_cast<ssize_t>(bytes.size())) continue;
    const std::string_view number(bytes.data(), 8);
    if (ByteReader(std::string_view(bytes.data() + 8, 8)).Big64() == Hash64(number)) return true;
  }
  return false;
}

absl::Status Absent(const std::string& dir) {
  return absl::DataLossError("data directory " + dir + " has no file commit-mark: it is not a "
                             "whole copy. Restore a backup, or copy the directory again while no "
                             "program has it open");
}

absl::Status IsDamaged(const std::string& path) {
  return absl::DataLossError(path + " is damaged. Restore a backup");
}

absl::Status IsOld(const std::string& path) {
  return absl::FailedPreconditionError(path + " is of an older format version than this program "
                                       "knows. Use the program that wrote it, or ingest the "
                                       "records anew");
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
  UNIRUST_RETURN_IF_ERROR(mark->Load(if_absent));
  if (if_absent == IfAbsent::kCreate) UNIRUST_RETURN_IF_ERROR(SyncDirectory(dir));
  return mark;
}

absl::StatusOr<CommitMark::Content> CommitMark::Slots::Read(int file, const std::string& path) {
  const std::optional<std::string> first = acknowledged.Read(file);
  const std::optional<std::string> second = files.Read(file);
  if (!first && !second && IsOfOlderProgram(file)) return IsOld(path);
  const auto decoded = first ? DecodeAcknowledged(*first) : std::nullopt;
  const auto known = second ? KnownFiles::Decode(*second) : std::nullopt;
  if (!decoded || !known) return IsDamaged(path);
  return Content{.acknowledged = *decoded, .files = *known};
}

// A slot that is just being written does not decode; the other one is whole then.
absl::StatusOr<CommitMark::Content> CommitMark::Read(const std::string& dir) {
  constexpr int kLooks = 10;
  const std::string path = PathIn(dir);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? Absent(dir) : Failed("open", path);
  absl::StatusOr<Content> content = Slots().Read(file, path);
  for (int look = 1; look < kLooks && !content.ok(); ++look) content = Slots().Read(file, path);
  close(file);
  return content;
}

absl::Status CommitMark::Load(IfAbsent if_absent) {
  const absl::StatusOr<Content> content = slots_.Read(file_, path_);
  if (content.ok()) {
    commits_ = content->acknowledged.commits;
    sequence_ = content->acknowledged.sequence;
    MutexLock lock(files_mutex_);
    files_ = content->files;
    return absl::OkStatus();
  }
  // Each pair of slots is written whole before the next one is begun, and RocksDB's files come later still.
  const bool cut_short = !TwinSlots(slots_.files).Read(file_);
  const bool refused = if_absent == IfAbsent::kRefuse || !cut_short;
  if (refused || absl::IsFailedPrecondition(content.status())) return content.status();
  UNIRUST_RETURN_IF_ERROR(Advance({}));
  UNIRUST_RETURN_IF_ERROR(Advance({}));
  UNIRUST_RETURN_IF_ERROR(SetFiles({}));
  return SetFiles({});
}

absl::Status CommitMark::Sync() const {
  return fdatasync(file_) == 0 ? absl::OkStatus() : Failed("sync", path_);
}

absl::Status CommitMark::Advance(const Acknowledged& acknowledged) {
  if (!slots_.acknowledged.Write(file_, Encode(acknowledged))) return Failed("write", path_);
  FaultPoint("mark.before_sync");
  UNIRUST_RETURN_IF_ERROR(Sync());
  sequence_ = acknowledged.sequence;
  commits_ = acknowledged.commits;
  return absl::OkStatus();
}

KnownFiles CommitMark::files() const {
  MutexLock lock(files_mutex_);
  return files_;
}

absl::Status CommitMark::SetFiles(const KnownFiles& files) {
  MutexLock lock(files_mutex_);
  if (!slots_.files.Write(file_, files.Encode())) return Failed("write", path_);
  FaultPoint("mark.files_before_sync");
  UNIRUST_RETURN_IF_ERROR(Sync());
  files_ = files;
  return absl::OkStatus();
}

}  // namespace unirust::store
