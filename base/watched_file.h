// A list that an operator keeps in a file, read again when the file has changed, while the program
// runs.
//
//   UNIRUST_ASSIGN_OR_RETURN(auto file, WatchedFile<Principal>::Open(path, "access file",
//                                                                    ReadPrincipals, 1'000'000));
//   for (const Principal& one : *file->Current()) ...
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"

namespace unirust {

// What tells that a file is another one, or was written.
struct FileStamp {
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t changed_ns = 0;  // also by a change of its rights
  bool operator==(const FileStamp&) const = default;
};

// None for a file that may still be written: it is read again at the next look.
FileStamp StampOf(const std::string& path);

template <typename Entry>
class WatchedFile {
 public:
  using Entries = std::vector<Entry>;
  using Read = std::function<absl::StatusOr<Entries>(const std::string& path)>;

  // Looks at the file every `look_every_micros` at most. `name` is what the log calls it. `read`
  // says INVALID_ARGUMENT of a file with a fault, and may be called by any thread, one at a time.
  // The errors of `read`, as INVALID_ARGUMENT.
  static absl::StatusOr<std::unique_ptr<WatchedFile>> Open(std::string path, std::string name,
                                                           Read read, uint64_t look_every_micros);

  // What was read before stays in force while the file has a fault. Not the same pointer: other
  // entries.
  std::shared_ptr<const Entries> Current();

 private:
  WatchedFile(std::string path, std::string name, Read read, uint64_t look_every_micros,
              FileStamp stamp, Entries entries)
      : path_(std::move(path)),
        name_(std::move(name)),
        read_(std::move(read)),
        look_every_micros_(look_every_micros),
        entries_(std::make_shared<const Entries>(std::move(entries))),
        stamp_(stamp),
        looked_micros_(SteadyClockMicros()) {}
  void Take(FileStamp stamp, absl::StatusOr<Entries> entries) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const std::string name_;
  const Read read_;
  const uint64_t look_every_micros_;
  Mutex mutex_;
  std::shared_ptr<const Entries> entries_ ABSL_GUARDED_BY(mutex_);
  FileStamp stamp_ ABSL_GUARDED_BY(mutex_);
  uint64_t looked_micros_ ABSL_GUARDED_BY(mutex_);
  bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  std::string fault_ ABSL_GUARDED_BY(mutex_);  // told last
};

template <typename Entry>
absl::StatusOr<std::unique_ptr<WatchedFile<Entry>>> WatchedFile<Entry>::Open(
    std::string path, std::string name, Read read, uint64_t look_every_micros) {
  const FileStamp stamp = StampOf(path);
  absl::StatusOr<Entries> entries = read(path);
  if (!entries.ok()) return absl::InvalidArgumentError(entries.status().message());
  return std::unique_ptr<WatchedFile>(new WatchedFile(std::move(path), std::move(name),
                                                      std::move(read), look_every_micros, stamp,
                                                      *std::move(entries)));
}

// One thread looks, without the lock; meanwhile the others go by what was read before.
template <typename Entry>
std::shared_ptr<const std::vector<Entry>> WatchedFile<Entry>::Current() {
  FileStamp before;
  {
    MutexLock lock(mutex_);
    const uint64_t now = SteadyClockMicros();
    if (looking_ || now - looked_micros_ < look_every_micros_) return entries_;
    looked_micros_ = now;
    looking_ = true;
    before = stamp_;
  }
  // The stamp is taken before the file is read: what is written in between is seen the next time.
  const FileStamp stamp = StampOf(path_);
  const bool same = stamp == before && stamp != FileStamp();
  std::optional<absl::StatusOr<Entries>> entries;
  if (!same) entries = read_(path_);
  MutexLock lock(mutex_);
  looking_ = false;
  if (entries) Take(stamp, *std::move(entries));
  return entries_;
}

template <typename Entry>
void WatchedFile<Entry>::Take(FileStamp stamp, absl::StatusOr<Entries> entries) {
  // What cannot be read is tried again at every look: perhaps somebody lost a right just now.
  const bool readable = entries.ok() || absl::IsInvalidArgument(entries.status());
  stamp_ = readable ? stamp : FileStamp();
  if (!entries.ok()) {
    const std::string fault(entries.status().message());
    if (std::exchange(fault_, fault) != fault) {
      Log(LogLevel::kError, name_ + " refused; the one before stays in force", {{"error", fault}});
    }
    return;
  }
  fault_.clear();
  if (*entries == *entries_) return;
  Log(LogLevel::kInfo, name_ + " read", {{"entries", uint64_t{entries->size()}}});
  entries_ = std::make_shared<const Entries>(*std::move(entries));
}

}  // namespace unirust
