// What an ingest had acknowledged, file by file, so that a later run can skip it. The file on disk
// is replaced atomically and may lag behind by what was acknowledged in the last second; sending
// that again changes nothing.
//
// A position is a number of records and a digest of them, not an offset: it also holds for CSV, and
// a change of what was acknowledged is found out. Lines added at the end of a file are simply the
// part still to be read.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/unirust.pb.h"

namespace unirust::cli {

// The same whatever the working directory.
std::string AbsolutePath(const std::string& path);

struct Position {
  uint64_t records = 0;  // read from the start of the file, bad lines not counted
  uint64_t digest = 0;   // of those records

  // The position after one more record.
  void Advance(const proto::RecordInput& record);
  bool operator==(const Position&) const = default;
};

// Not thread-safe.
class ResumeFile {
 public:
  // `store` says where records go: a position holds for one store only. A file that does not exist is empty.
  // INVALID_ARGUMENT if it is not a resume file, or is of an ingest into another store.
  static absl::StatusOr<ResumeFile> Load(const std::string& path, const std::string& store);

  // Where an earlier run got to in an input file; the start if it is not known.
  Position Find(const std::string& input) const;

  void Set(const std::string& input, const Position& position);

  // Writes everything set so far, durably.
  absl::Status Save() const;

 private:
  ResumeFile(std::string path, std::string store)
      : path_(std::move(path)), store_(std::move(store)) {}

  std::string path_;
  std::string store_;
  std::map<std::string, Position> positions_;  // by absolute path, as a JSON string
};

}  // namespace unirust::cli
