#include "store/known_files.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifestPrefix = "MANIFEST-";
constexpr std::string_view kLogSuffix = ".log";
constexpr char kRemedy[] = ". Restore a backup";

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string SixDigits(uint64_t number) {
  std::array<char, 24> out{};
  std::snprintf(out.data(), out.size(), "%06llu", static_cast<unsigned long long>(number));
  return out.data();
}

// RocksDB's formats: a record of a log or a MANIFEST has checksum, length (little-endian) and type (4, 2 and 1 bytes).
constexpr size_t kTypeAt = 6;
constexpr size_t kRecordHeadBytes = 7;

// The sequence number that the first batch of a log begins with, 0 if there is none yet. A batch begins with its
// sequence number (8 bytes, little-endian) and its count (4).
uint64_t ReadFirstSequence(const fs::path& path) {
  constexpr size_t kSequenceAt = kRecordHeadBytes;
  std::array<char, kSequenceAt + 12> head{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(head.data(), head.size()) || head[kTypeAt] == 0) return 0;
  uint64_t sequence = 0;
  for (size_t i = 8; i-- > 0;) {
    sequence = sequence << 8U | static_cast<unsigned char>(head[kSequenceAt + i]);
  }
  return sequence;
}

std::string ReadCurrent(const std::string& dir) {
  return ReadWholeFile(dir + "/CURRENT").value_or("");
}

// The hash of the first bytes of a file, at most `bytes_max`; `bytes` tells how many there were.
uint64_t HashOf(const std::string& path, uint64_t bytes_max, uint64_t* bytes) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(1U << 16U);
  Hash64Stream hash;
  *bytes = 0;
  while (file && *bytes < bytes_max) {
    const uint64_t wanted = std::min<uint64_t>(buffer.size(), bytes_max - *bytes);
    file.read(buffer.data(), static_cast<std::streamsize>(wanted));
    const auto count = static_cast<size_t>(file.gcount());
    hash.Add({buffer.data(), count});
    *bytes += count;
  }
  return hash.Value();
}

std::optional<uint64_t> NumberInCurrent(const std::string& dir) {
  const std::string text = ReadCurrent(dir);
  if (!text.starts_with(kManifestPrefix) || !text.ends_with('\n')) return std::nullopt;
  return ParseNumber(std::string_view(text).substr(kManifestPrefix.size(),
                                                   text.size() - kManifestPrefix.size() - 1));
}

std::optional<uint64_t> LogNumber(std::string_view name) {
  if (!name.ends_with(kLogSuffix)) return std::nullopt;
  return ParseNumber(name.substr(0, name.size() - kLogSuffix.size()));
}

// Walks the records of a log or a MANIFEST by their heads. Blocks of 32 KiB; a record does not begin in the last 6
// bytes of one. Type 0 is of bytes that were never written.
class RecordWalk {
 public:
  RecordWalk(const std::string& path, uint64_t at)
      : file_(path, std::ios::binary | std::ios::ate),
        size_(static_cast<uint64_t>(std::max<std::streamoff>(file_.tellg(), 0))),
        at_(at) {}

  // Past the next record; false if there is no whole one.
  bool Next() {
    constexpr uint64_t kBlockBytes = 32U << 10U;
    if (at_ == size_) return false;
    const uint64_t left = kBlockBytes - at_ % kBlockBytes;
    if (left < kRecordHeadBytes) {
      at_ += left;
      return Next();
    }
    std::array<char, kRecordHeadBytes> head{};
    file_.seekg(static_cast<std::streamoff>(at_));
    if (!file_.read(head.data(), head.size()) || head[kTypeAt] == 0) return false;
    type_ = head[kTypeAt];
    const uint64_t length = static_cast<unsigned char>(head[4]) |
                            static_cast<uint64_t>(static_cast<unsigned char>(head[5])) << 8U;
    if (kRecordHeadBytes + length > std::min(left, size_ - at_)) return false;
    at_ += kRecordHeadBytes + length;
    return true;
  }
  char type() const { return type_; }   // of the last record
  uint64_t at() const { return at_; }  // where it ends
  bool at_end() const { return at_ == size_; }

 private:
  std::ifstream file_;
  const uint64_t size_;
  uint64_t at_;
  char type_ = 0;
};

}  // namespace

std::string ManifestPath(const std::string& dir, uint64_t number) {
  return dir + "/" + std::string(kManifestPrefix) + SixDigits(number);
}

std::string LogPath(const std::string& dir, uint64_t number) {
  return dir + "/" + SixDigits(number) + std::string(kLogSuffix);
}

std::optional<uint64_t> ManifestNumber(const std::string& dir, const std::string& path) {
  const std::string prefix = dir + "/" + std::string(kManifestPrefix);
  if (!path.starts_with(prefix)) return std::nullopt;
  return ParseNumber(std::string_view(path).substr(prefix.size()));
}

std::optional<uint64_t> LogNumber(const std::string& dir, const std::string& path) {
  if (!path.starts_with(dir + "/")) return std::nullopt;
  return LogNumber(std::string_view(path).substr(dir.size() + 1));
}

std::string KnownFiles::Encode() const {
  std::vector<KnownLog> kept = logs;
  if (kept.size() > limits::kLogsMarkedMax) {
    kept[limits::kLogsMarkedMax - 1] = kept.back();
    kept.resize(limits::kLogsMarkedMax);
  }
  std::string out;
  AppendBig32(&out, static_cast<uint32_t>(manifests.size()));
  for (const KnownManifest& manifest : manifests) {
    AppendBig64(&out, manifest.number);
    AppendBig64(&out, manifest.bytes);
    AppendBig64(&out, manifest.hash);
  }
  for (const KnownLog& log : kept) {
    AppendBig64(&out, log.number);
    AppendBig64(&out, log.first_sequence);
  }
  return out;
}

std::optional<KnownFiles> KnownFiles::Decode(std::string_view bytes) {
  KnownFiles out;
  ByteReader in(bytes);
  for (uint32_t left = in.Big32(); left > 0 && in.ok(); --left) {
    KnownManifest& manifest = out.manifests.emplace_back();
    manifest.number = in.Big64();
    manifest.bytes = in.Big64();
    manifest.hash = in.Big64();
  }
  while (in.ok() && !in.done()) {
    KnownLog& log = out.logs.emplace_back();
    log.number = in.Big64();
    log.first_sequence = in.Big64();
  }
  return in.ok() ? std::optional(out) : std::nullopt;
}

absl::StatusOr<std::vector<KnownLog>> LogLister::List(const std::string& dir,
                                                      absl::FunctionRef<uint64_t()> next_sequence) {
  std::map<uint64_t, uint64_t> found;
  std::error_code error;
  for (auto it = fs::directory_iterator(dir, error);
       !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::optional<uint64_t> number = LogNumber(it->path().filename().string());
    if (number) found[*number] = 0;
  }
  if (error) return absl::InternalError("cannot list " + dir + ": " + error.message());
  const uint64_t next = next_sequence();  // before the look whether the newest has rows
  std::vector<KnownLog> out;
  for (auto& [number, first] : found) {
    const auto remembered = first_sequences_.find(number);
    if (remembered != first_sequences_.end()) first = remembered->second;
    if (first == 0) first = ReadFirstSequence(LogPath(dir, number));
    const bool is_newest = number == found.rbegin()->first;
    if (first == 0 && !is_newest) continue;
    out.push_back({.number = number, .first_sequence = first == 0 ? next : first});
  }
  first_sequences_ = std::move(found);
  return out;
}

absl::StatusOr<KnownFiles> LookAtFiles(const std::string& dir, uint64_t acknowledged) {
  const std::optional<uint64_t> number = NumberInCurrent(dir);
  if (!number) return absl::DataLossError(dir + "/CURRENT names no MANIFEST");
  KnownManifest manifest{.number = *number};
  manifest.hash = HashOf(ManifestPath(dir, *number), UINT64_MAX, &manifest.bytes);
  KnownFiles out;
  out.manifests.push_back(manifest);
  UNIRUST_ASSIGN_OR_RETURN(out.logs, LogLister().List(dir, [&] { return acknowledged + 1; }));
  return out;
}

absl::StatusOr<KnownManifest> CheckFiles(const std::string& dir, const std::string& shown_dir,
                                         const KnownFiles& known, uint64_t acknowledged) {
  const std::optional<uint64_t> number = NumberInCurrent(dir);
  const auto manifest =
      std::find_if(known.manifests.begin(), known.manifests.end(),
                   [&](const KnownManifest& m) { return number && m.number == *number; });
  if (manifest == known.manifests.end()) {
    return absl::DataLossError(shown_dir + "/CURRENT is damaged, or of another time than "
                               "commit-mark: it does not name the store's MANIFEST" +
                               kRestoreOrRepair);
  }
  const std::string path = ManifestPath(dir, *number);
  if (access(path.c_str(), F_OK) != 0) {
    return absl::DataLossError(ManifestPath(shown_dir, *number) + " is missing" + kRemedy);
  }
  uint64_t bytes = 0;
  const uint64_t hash = HashOf(path, manifest->bytes, &bytes);
  if (bytes != manifest->bytes || hash != manifest->hash) {
    return absl::DataLossError(ManifestPath(shown_dir, *number) + " is damaged: its first " +
                               std::to_string(manifest->bytes) +
                               " bytes are not what was written" + kRemedy);
  }
  for (const KnownLog& log : known.logs) {
    if (log.first_sequence > acknowledged) continue;
    if (ReadFirstSequence(LogPath(dir, log.number)) > 0) continue;
    return absl::DataLossError(LogPath(shown_dir, log.number) +
                               " is missing or empty: it had acknowledged commits" +
                               kRestoreOrRepair);
  }
  return *manifest;
}

bool GoesOnWhole(const std::string& manifest, uint64_t bytes) {
  RecordWalk walk(manifest, bytes);
  while (walk.Next()) {
  }
  return walk.at_end();
}

std::optional<uint64_t> EndOfBatches(const std::string& log, uint64_t batches) {
  constexpr char kFull = 1;
  constexpr char kLast = 4;
  RecordWalk walk(log, 0);
  for (uint64_t ended = 0; ended < batches;) {
    if (!walk.Next()) return std::nullopt;
    if (walk.type() == kFull || walk.type() == kLast) ++ended;
  }
  return walk.at();
}

}  // namespace unirust::store
