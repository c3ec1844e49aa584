// Reads and decodes input files in a thread of its own, a few chunks ahead of their sending.
//
//   ChunkSource source(options, report);
//   for (;;) { UNIRUST_ASSIGN_OR_RETURN(bool more, source.Next(&chunk)); if (!more) break; ... }
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "cli/ingest/resume_file.h"
#include "proto/unirust.pb.h"

namespace unirust::text {
class WriteReader;
}

namespace unirust::cli {

// Records of one file that are sent together, never more than a message may hold.
struct Chunk {
  proto::IngestRecordsChunk message;  // the index of a record is its position
  std::vector<uint64_t> lines;        // of the records, for messages
  size_t bytes = 0;                   // of the message, or a little more
  std::string file;                   // its path, or "standard input"
  Position
      end;  // in the file, once these records are acknowledged; only kept if the run can be resumed
};

// Next is for one thread.
class ChunkSource {
 public:
  struct Options {
    std::vector<std::string> files;  // "-": standard input
    std::string mapping;             // of CSV files
    size_t records_max = 1000;       // in a chunk
    bool keep_going = false;
    const ResumeFile* resume =
        nullptr;  // skip what it says was acknowledged; null: start at the beginning
  };

  // Bad lines are told to `report`, from the reading thread, as "FILE: line 7: what is wrong".
  ChunkSource(Options options, std::function<void(const std::string&)> report);
  ~ChunkSource();  // abandons what was not taken

  // The next chunk; false at the end of the last file. After the chunks before it: INVALID_ARGUMENT
  // at the first bad line (without keep_going), or if a file was changed since it was acknowledged
  // in part; the status of a failed read.
  absl::StatusOr<bool> Next(Chunk* chunk);

  uint64_t bad_lines() const { return bad_lines_; }
  uint64_t skipped_records() const { return skipped_records_; }  // acknowledged by an earlier run

 private:
  void ReadAll();
  absl::Status ReadFile(const std::string& file);
  absl::StatusOr<std::optional<Position>> SkipAcknowledged(const std::string& file,
                                                           text::WriteReader& reader);
  absl::Status BadLine(const std::string& message);
  absl::Status Add(const std::string& file, uint64_t line, proto::RecordInput record, Chunk* chunk);
  bool Put(Chunk chunk);

  const Options options_;
  const std::function<void(const std::string&)> report_;
  std::atomic<uint64_t> bad_lines_{0};
  std::atomic<uint64_t> skipped_records_{0};

  Mutex mutex_;
  CondVar changed_;
  std::deque<Chunk> ready_ ABSL_GUARDED_BY(mutex_);
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);  // set when the reader is done

  Thread thread_;  // last: starts when all else is there
};

}  // namespace unirust::cli
