// Who did what: a line for each call that changes something, on disk before it begins, and one for how it ended.
//
//   {"seq":7,"time":"2026-01-31T12:00:00.000Z","who":"crm-loader","method":"IngestRecords","request_id":"…",
//    "records":["person/crm/1"],"retracted":[],"hash":"…"}
//   {"seq":8,"time":"…","of":7,"code":"OK","hash":"…"}
//
// Each line has the SHA-256 of the hash before it and of its own text, so that none can be changed, removed or put in
// without changing all hashes after it: whoever keeps the last hash somewhere else can prove the log. Files are called
// audit-000001.jsonl and so on; the first line of each names the hash that it continues. Each process begins a new one,
// and nothing that is written is ever changed. Thread-safe.
//
// A call that has a line and no end was cut short by the end of the process: it may have taken effect and been
// answered, or not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/mutex.h"

namespace unirust::access {

struct AuditEntry {
  std::string who;     // a principal; empty: anyone
  std::string tenant;  // empty: the default one
  std::string method;
  std::string request_id;
  std::vector<std::string> records;    // names of what is written,
  std::vector<std::string> retracted;  // and of what is retracted
  std::string detail;                  // what else there is to say, such as the version of an ontology
};

class AuditLog {
 public:
  // Goes on after the last whole line in `dir`, which is made if it is absent. A file that has `file_bytes_max` is
  // followed by the next. UNAVAILABLE if another process writes there; DATA_LOSS if the last file does not verify;
  // PERMISSION_DENIED if the directory cannot be written.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(
      const std::string& dir, uint64_t file_bytes_max = limits::kAuditFileBytesMax);
  // Null without a directory. The errors of Open.
  static absl::StatusOr<std::unique_ptr<AuditLog>> OpenIfAny(const std::string& dir);
  ~AuditLog();

  // The entry's number. Returns when it is on disk; entries of several threads share a sync. Ends the process with
  // kExitStorage if that fails: nothing goes on unseen.
  uint64_t Begin(const AuditEntry& entry);

  // How the call that began as `number` ended. It is in the file at once or with the next line, on disk with the next
  // call that begins.
  void End(uint64_t number, std::string_view code);

 private:
  AuditLog(std::string dir, uint64_t file_bytes_max)
      : dir_(std::move(dir)), file_bytes_max_(file_bytes_max) {}
  absl::Status Continue();
  void BeginFile() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OpenFile(uint64_t number);
  uint64_t Append(std::string line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitSynced(uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteOut(bool sync) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(const std::string& lines, bool sync) const;

  const std::string dir_;
  const uint64_t file_bytes_max_;
  int lock_ = -1;
  int file_ = -1;  // of the thread that writes, while writing_
  Mutex mutex_;
  CondVar synced_changed_;
  std::string hash_ ABSL_GUARDED_BY(mutex_);
  std::string unwritten_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;    // number of the last line
  uint64_t synced_ ABSL_GUARDED_BY(mutex_) = 0;  // up to here lines are on disk
  uint64_t file_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t file_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
};

// What a log holds, as far as it is there: the oldest files may have been moved away.
struct AuditSummary {
  uint64_t files = 0;
  uint64_t first = 0;  // numbers of lines; 0: there is none
  uint64_t last = 0;
  std::string hash;  // of the last line
};

// Reads all of a log. DATA_LOSS, with file and line, for the first line that does not follow from the one before. What
// a crash tore at the end of a file is none. NOT_FOUND if there is no log. Needs memory for one file.
//
// `kept`: a hash that an earlier run printed; DATA_LOSS if no line has it, for then what was up to there is another
// log. Empty: none.
absl::StatusOr<AuditSummary> VerifyAuditLog(const std::string& dir, const std::string& kept = "");

}  // namespace unirust::access
