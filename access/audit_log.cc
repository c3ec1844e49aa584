#include "access/audit_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace unirust::access {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHashBegin = ",\"hash\":\"";
constexpr std::string_view kHashEnd = "\"}";
constexpr size_t kHexBytes = 64;
const std::string& NoHash() {
  static const auto& zeros = *new std::string(kHexBytes, '0');
  return zeros;
}

std::string FileName(uint64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, 6 - std::min<size_t>(6, digits.size()), '0');
  return "audit-" + digits + ".jsonl";
}

using Files = std::map<uint64_t, std::string>;  // number -> path

absl::StatusOr<Files> FilesIn(const std::string& dir) {
  Files files;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(dir, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    unsigned long long number = 0;
    const std::string name = entry->path().filename();
    if (std::sscanf(name.c_str(), "audit-%llu.jsonl", &number) == 1 && FileName(number) == name) {
      files[number] = entry->path();
    }
  }
  if (!error) return files;
  const std::string message = "cannot list " + dir + ": " + error.message();
  if (error == std::errc::no_such_file_or_directory) return absl::NotFoundError(message);
  return absl::PermissionDeniedError(message);
}

std::string HashOf(const std::string& before, std::string_view body) {
  const auto hash = Sha256(before + std::string(body));
  return absl::BytesToHexString({hash.data(), hash.size()});
}

// UTC, in milliseconds.
std::string Now() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

// What verifying one file comes to.
struct FileState {
  std::string hash;    // of the last line
  uint64_t first = 0;  // numbers of lines
  uint64_t last = 0;
  bool has_kept = false;  // a line has the hash that is looked for
};

// One line, without its end, is taken apart and checked.
class LineCheck {
 public:
  explicit LineCheck(std::string_view line) : line_(line) {}

  absl::Status Check(FileState* state, const std::string& before) {
    const size_t tail = kHashBegin.size() + kHexBytes + kHashEnd.size();
    if (line_.size() <= tail || !line_.ends_with(kHashEnd) ||
        line_.substr(line_.size() - tail, kHashBegin.size()) != kHashBegin) {
      return absl::DataLossError("is no line of an audit log");
    }
    const std::string_view body = line_.substr(0, line_.size() - tail);
    const std::string hash(line_.substr(line_.size() - kHashEnd.size() - kHexBytes, kHexBytes));
    const Json json = Json::parse(line_, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("seq") || !json["seq"].is_number_unsigned()) {
      return absl::DataLossError("is no line of an audit log");
    }
    const uint64_t number = json["seq"];
    const bool heads = state->first == 0;
    if (heads && (!json.contains("continues") || json["continues"] != before)) {
      return absl::DataLossError("does not continue the file before it");
    }
    if (!heads && number != state->last + 1) {
      return absl::DataLossError("is number " + std::to_string(number) + " after " +
                                 std::to_string(state->last));
    }
    if (HashOf(heads ? before : state->hash, body) != hash) {
      return absl::DataLossError("has not the hash that its text and the line before it give");
    }
    if (heads) state->first = number;
    state->last = number;
    state->hash = hash;
    return absl::OkStatus();
  }

 private:
  const std::string_view line_;
};

// The hash that the first line of a file names; empty if it names none.
std::string Continued(std::string_view text) {
  const Json json =
      Json::parse(text.substr(0, text.find('\n')), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("continues") || !json["continues"].is_string()) return "";
  return json["continues"];
}

// `before`: the hash of the last line of the file before; empty: it is not known, and what the file says is taken.
absl::StatusOr<FileState> VerifyFile(const std::string& path, std::string before,
                                     const std::string& kept = "") {
  UNIRUST_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  if (before.empty()) before = Continued(text);
  FileState state;
  std::string_view rest = text;
  for (uint64_t line = 1;; ++line) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    const absl::Status checked = LineCheck(rest.substr(0, end)).Check(&state, before);
    if (!checked.ok()) {
      return absl::DataLossError(path + ":" + std::to_string(line) + " " +
                                 std::string(checked.message()));
    }
    rest.remove_prefix(end + 1);
    state.has_kept = state.has_kept || state.hash == kept;
  }
  return state;
}

}  // namespace

// --- writing -------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& dir,
                                                         uint64_t file_bytes_max) {
  std::error_code error;
  if (std::filesystem::create_directories(dir, error)) {
    const auto above = std::filesystem::absolute(dir).lexically_normal().parent_path();
    UNIRUST_RETURN_IF_ERROR(SyncDirectory(above));
  }
  std::unique_ptr<AuditLog> log(new AuditLog(dir, file_bytes_max));
  log->lock_ = open((dir + "/LOCK").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (log->lock_ < 0) {
    return absl::PermissionDeniedError("--audit-dir " + dir + ": " + std::strerror(errno));
  }
  if (flock(log->lock_, LOCK_EX | LOCK_NB) != 0) {
    return absl::UnavailableError("--audit-dir " + dir + " is in use by another process");
  }
  UNIRUST_RETURN_IF_ERROR(log->Continue());
  return log;
}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::OpenIfAny(const std::string& dir) {
  if (dir.empty()) return nullptr;
  return Open(dir);
}

absl::Status AuditLog::Continue() {
  MutexLock lock(mutex_);
  hash_ = NoHash();
  UNIRUST_ASSIGN_OR_RETURN(const Files files, FilesIn(dir_));
  if (!files.empty()) file_number_ = files.rbegin()->first;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    UNIRUST_ASSIGN_OR_RETURN(const FileState state, VerifyFile(file->second, ""));
    if (state.first == 0) continue;  // the process ended before its first line was whole
    hash_ = state.hash;
    last_ = synced_ = state.last;
    break;
  }
  BeginFile();
  OpenFile(file_number_);
  WaitSynced(last_);
  return absl::OkStatus();
}

AuditLog::~AuditLog() {
  if (file_ >= 0) {
    MutexLock lock(mutex_);
    WaitSynced(last_);
    close(file_);
  }
  if (lock_ >= 0) close(lock_);
}

// Its first line is the next one.
void AuditLog::BeginFile() {
  ++file_number_;
  file_bytes_ = 0;
  Append(Json{{"continues", hash_}}.dump());
}

void AuditLog::OpenFile(uint64_t number) {
  if (file_ >= 0) close(file_);
  const std::string path = dir_ + "/" + FileName(number);
  file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) Die(kExitStorage, "audit log: " + path + ": " + std::strerror(errno));
  if (const absl::Status synced = SyncDirectory(dir_); !synced.ok()) {
    Die(kExitStorage, "audit log: " + std::string(synced.message()));
  }
}

// `line`: a JSON object, to which number, time and hash are added.
uint64_t AuditLog::Append(std::string line) {
  const std::string body = "{\"seq\":" + std::to_string(++last_) + ",\"time\":\"" + Now() + "\"," +
                           line.substr(1, line.size() - 2);
  hash_ = HashOf(hash_, body);
  unwritten_ += body;
  unwritten_ += kHashBegin;
  unwritten_ += hash_;
  unwritten_ += kHashEnd;
  unwritten_ += '\n';
  return last_;
}

// One thread writes what all have appended; the others wait for it.
void AuditLog::WaitSynced(uint64_t number) {
  while (synced_ < number) {
    if (writing_) {
      synced_changed_.Wait(mutex_);
    } else {
      WriteOut(/*sync=*/true);
    }
  }
}

// While another thread writes there is nothing to do for those that need not wait: it looks again.
void AuditLog::WriteOut(bool sync) {
  writing_ = true;
  const std::string lines = std::exchange(unwritten_, {});
  const uint64_t last = last_;
  file_bytes_ += lines.size();
  const bool full = file_bytes_ >= file_bytes_max_;
  if (full) BeginFile();  // before what others append from now on
  const uint64_t next = file_number_;
  mutex_.Unlock();
  Write(lines, sync || full);
  if (full) OpenFile(next);
  mutex_.Lock();
  if (sync || full) synced_ = last;
  writing_ = false;
  synced_changed_.NotifyAll();
}

void AuditLog::Write(const std::string& lines, bool sync) const {
  size_t written = 0;
  while (written < lines.size()) {
    const ssize_t bytes = write(file_, lines.data() + written, lines.size() - written);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) Die(kExitStorage, "audit log: cannot write: " + std::string(strerror(errno)));
    written += static_cast<size_t>(bytes);
  }
  if (sync && fdatasync(file_) != 0) {
    Die(kExitStorage, "audit log: cannot sync: " + std::string(strerror(errno)));
  }
}

uint64_t AuditLog::Begin(const AuditEntry& entry) {
  Json json{{"who", entry.who}, {"method", entry.method}, {"request_id", entry.request_id}};
  if (!entry.tenant.empty()) json["tenant"] = entry.tenant;
  if (!entry.records.empty()) json["records"] = entry.records;
  if (!entry.retracted.empty()) json["retracted"] = entry.retracted;
  if (!entry.detail.empty()) json["detail"] = entry.detail;
  // Names are UTF-8 where they were checked; what was not is told with replacement characters.
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  MutexLock lock(mutex_);
  const uint64_t number = Append(std::move(line));
  WaitSynced(number);
  return number;
}

void AuditLog::End(uint64_t number, std::string_view code) {
  std::string line = Json{{"of", number}, {"code", std::string(code)}}.dump();
  MutexLock lock(mutex_);
  Append(std::move(line));
  if (!writing_) WriteOut(/*sync=*/false);  // else it goes with the next
}

// --- reading -------------------------------------------------------------------------------------

absl::StatusOr<AuditSummary> VerifyAuditLog(const std::string& dir, const std::string& kept) {
  AuditSummary summary;
  bool has_kept = kept.empty();
  uint64_t number_before = 0;
  UNIRUST_ASSIGN_OR_RETURN(const Files files, FilesIn(dir));
  for (const auto& [number, path] : files) {
    if (number_before != 0 && number != number_before + 1) {
      return absl::DataLossError(dir + "/" + FileName(number_before + 1) + " is missing");
    }
    // Before the first line of all there is none.
    const std::string before = summary.last > 0 || number > 1 ? summary.hash : NoHash();
    UNIRUST_ASSIGN_OR_RETURN(const FileState state, VerifyFile(path, before, kept));
    has_kept = has_kept || state.has_kept;
    number_before = number;
    if (state.first == 0) continue;  // its first line was never whole: the next file goes on
    if (summary.last != 0 && state.first != summary.last + 1) {
      return absl::DataLossError(path + ":1 is number " + std::to_string(state.first) + " after " +
                                 std::to_string(summary.last));
    }
    ++summary.files;
    if (summary.first == 0) summary.first = state.first;
    summary.last = state.last;
    summary.hash = state.hash;
  }
  if (summary.files == 0) return absl::NotFoundError("there is no audit log in " + dir);
  if (!has_kept) {
    return absl::DataLossError("no line has the hash " + kept +
                               ": lines up to it are missing, or were all made anew");
  }
  return summary;
}

}  // namespace unirust::access
