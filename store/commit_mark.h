// What was acknowledged, and what RocksDB had on disk, in a file beside RocksDB's (docs/decisions/0008-commit-mark.md).
// A log that is damaged near its end looks like one that a crash cut off there, a MANIFEST that lost its last records
// like one that never had them; only this file tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "store/known_files.h"
#include "store/twin_slots.h"

namespace unirust::store {

// UNAVAILABLE: another process, or another part of this one, has the directory open.
absl::Status InUse(const std::string& dir);

struct Acknowledged {
  uint64_t commits = 0;
  uint64_t sequence = 0;  // RocksDB's number of the last row; may be 0 although there are commits, in a restored store
  bool operator==(const Acknowledged&) const = default;
};

// One thread advances; any read, and say what files there are.
class CommitMark {
 public:
  struct Content {
    Acknowledged acknowledged;
    KnownFiles files;
  };

  enum class IfAbsent { kRefuse, kCreate };
  // Locks the directory's mark for as long as the object lives; a new one knows of nothing. UNAVAILABLE if another has
  // it open, DATA_LOSS if it is damaged, or absent where it must not be, FAILED_PRECONDITION if an older program made
  // it.
  static absl::StatusOr<std::unique_ptr<CommitMark>> Open(const std::string& dir,
                                                          IfAbsent if_absent);
  // What a mark says that another may have open and advance meanwhile. Errors: as for Open, but UNAVAILABLE.
  static absl::StatusOr<Content> Read(const std::string& dir);
  ~CommitMark();
  CommitMark(const CommitMark&) = delete;
  CommitMark& operator=(const CommitMark&) = delete;

  Acknowledged acknowledged() const { return {.commits = commits_, .sequence = sequence_}; }
  KnownFiles files() const;

  // To higher numbers; on disk when it returns.
  absl::Status Advance(const Acknowledged& acknowledged);
  // On disk when it returns.
  absl::Status SetFiles(const KnownFiles& files);

  static std::string PathIn(const std::string& dir);

 private:
  // In blocks of their own: written by different threads.
  struct Slots {
    TwinSlots acknowledged{0, 4096};
    TwinSlots files{2 * 4096, 64 * 1024};
    absl::StatusOr<Content> Read(int file, const std::string& path);
  };

  CommitMark(std::string path, int file) : path_(std::move(path)), file_(file) {}
  absl::Status Load(IfAbsent if_absent);
  absl::Status Sync() const;

  const std::string path_;
  const int file_;
  Slots slots_;  // `acknowledged` is of the thread that advances
  std::atomic<uint64_t> commits_ = 0;
  std::atomic<uint64_t> sequence_ = 0;
  mutable Mutex files_mutex_;  // also of slots_.files
  KnownFiles files_ ABSL_GUARDED_BY(files_mutex_);
};

}  // namespace unirust::store
