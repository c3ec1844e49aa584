// How many commits were acknowledged, in a file beside RocksDB's. A log that is damaged near its end looks like one
// that a crash cut off there; only this tells that acknowledged commits are missing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unirust::store {

// UNAVAILABLE: another process, or another part of this one, has the directory open.
absl::Status InUse(const std::string& dir);

// One thread advances, any reads.
class CommitMark {
 public:
  enum class IfAbsent { kRefuse, kCreate };
  // Locks the directory's mark for as long as the object lives; a new one says 0. UNAVAILABLE if another has it open,
  // DATA_LOSS if it is damaged, or absent where it must not be.
  static absl::StatusOr<std::unique_ptr<CommitMark>> Open(const std::string& dir,
                                                          IfAbsent if_absent);
  // What a mark says that another may have open and advance meanwhile. DATA_LOSS if it is damaged or absent.
  static absl::StatusOr<uint64_t> Read(const std::string& dir);
  ~CommitMark();
  CommitMark(const CommitMark&) = delete;
  CommitMark& operator=(const CommitMark&) = delete;

  uint64_t commits() const { return commits_; }
  // To a higher number; on disk when it returns.
  absl::Status Advance(uint64_t commits);

  static std::string PathIn(const std::string& dir);

 private:
  CommitMark(std::string path, int file) : path_(std::move(path)), file_(file) {}
  absl::Status ReadSlots(IfAbsent if_absent);

  std::string path_;
  int file_;
  int older_slot_ = 0;  // the one to write next
  std::atomic<uint64_t> commits_ = 0;
};

}  // namespace unirust::store
