// What is known of RocksDB's MANIFEST and logs beside themselves, so that an opening notices when either has lost what
// was on disk. RocksDB takes a MANIFEST that ends early, or an oldest log that is missing, for the whole.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace unirust::store {

// What to do where a part of the acknowledged commits may be there (repair.h).
inline constexpr char kRestoreOrRepair[] =
    ". Restore a backup; where there is none, `unirust repair` tells what is left";

// A MANIFEST begins with `bytes` bytes whose Hash64 is `hash`.
struct KnownManifest {
  uint64_t number = 0;
  uint64_t bytes = 0;
  uint64_t hash = 0;
  bool operator==(const KnownManifest&) const = default;
};

// A log that was there when the MANIFEST was last written. If a row of `first_sequence` or later was acknowledged, then
// the log has rows, the first of them of this sequence number or a later one.
struct KnownLog {
  uint64_t number = 0;
  uint64_t first_sequence = 0;
  bool operator==(const KnownLog&) const = default;
};

struct KnownFiles {
  std::vector<KnownManifest> manifests;  // what CURRENT may name: one, or the one before and its successor
  std::vector<KnownLog> logs;            // ascending; some may be obsolete

  // Of more than kLogsMarkedMax logs, the oldest and the newest.
  std::string Encode() const;
  static std::optional<KnownFiles> Decode(std::string_view bytes);
  bool operator==(const KnownFiles&) const = default;
};

std::string ManifestPath(const std::string& dir, uint64_t number);
std::string LogPath(const std::string& dir, uint64_t number);
// The number of a MANIFEST, or of a log, which lies in `dir`.
std::optional<uint64_t> ManifestNumber(const std::string& dir, const std::string& path);
std::optional<uint64_t> LogNumber(const std::string& dir, const std::string& path);

// Lists the logs of a directory, without those that never got a row. Remembers what it read of them.
class LogLister {
 public:
  // `next_sequence` tells a sequence number that is past all rows of all logs but the newest. INTERNAL if the directory
  // cannot be read. Cost: reads the head of every log that was not there, or was empty, the last time.
  absl::StatusOr<std::vector<KnownLog>> List(const std::string& dir,
                                             absl::FunctionRef<uint64_t()> next_sequence);

 private:
  std::map<uint64_t, uint64_t> first_sequences_;  // by number; 0: the log had no row
};

// What is to be known of a directory that nobody writes to; no row after `acknowledged` was acknowledged. Reads all of
// the MANIFEST.
absl::StatusOr<KnownFiles> LookAtFiles(const std::string& dir, uint64_t acknowledged);

// The MANIFEST that CURRENT names. DATA_LOSS, which names the file as one of `shown_dir`: CURRENT names none that is
// known, or that does not begin as it should; or there is no log, or nothing in it, that had acknowledged rows.
// Cost: reads all of the MANIFEST and the head of each log.
absl::StatusOr<KnownManifest> CheckFiles(const std::string& dir, const std::string& shown_dir,
                                         const KnownFiles& known, uint64_t acknowledged);

// Whether a MANIFEST, which is whole up to `bytes`, goes on with whole records to its end, without a hole. Their
// checksums are RocksDB's business. Cost: reads the head of each record from there on.
bool GoesOnWhole(const std::string& manifest, uint64_t bytes);

// Where the first `batches` batches of a log end, which are whole; none if there are not so many. Their checksums are
// RocksDB's business.
std::optional<uint64_t> EndOfBatches(const std::string& log, uint64_t batches);

}  // namespace unirust::store
