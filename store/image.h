// A data directory as it is at one instant, although the shard that owns it goes on: a read-only opening works on it.
//
// RocksDB's own ways to read beside a writer do not do: a secondary instance neither asks the filter that notices gaps
// in the log (rocks_log.h) nor says so when a log was deleted before it was read, and either may miss the rows of a log
// that was flushed after the list of files was read. Here every file is held open between two looks at that list
// (CURRENT and the MANIFEST), which have to be equal: so whatever the list needs is there and stays.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/files.h"

namespace unirust::store {

// Not thread-safe.
class DirectoryImage {
 public:
  // `dir` has a file CURRENT. Writes nothing there and takes no lock. RESOURCE_EXHAUSTED if the process may not have
  // that many files open (its limit is raised as far as it may be); UNAVAILABLE if the list never stands still;
  // PERMISSION_DENIED. Cost: opens every file of the directory, copies the MANIFEST.
  static absl::StatusOr<std::unique_ptr<DirectoryImage>> Take(const std::string& dir);
  ~DirectoryImage();
  DirectoryImage(const DirectoryImage&) = delete;
  DirectoryImage& operator=(const DirectoryImage&) = delete;

  // A temporary directory like the original, for readers; the logs in it may still grow. Its links lead to the
  // descriptors held here.
  const std::string& path() const { return path_; }

  // Removes the directory until the next Show, for readers that hold its files open: nobody else can remove it then,
  // and a process that is killed leaves nothing.
  void Hide() { links_.reset(); }
  absl::Status Show();

  // Whether the list of files still is the one of the image.
  bool IsCurrent() const;

 private:
  // What says which files there are: the name in CURRENT, and how much of that file there is.
  struct FileList {
    std::string current;
    uint64_t manifest_bytes = 0;
    bool operator==(const FileList&) const = default;
  };
  struct File {
    std::string name;
    int descriptor;
  };

  explicit DirectoryImage(std::string dir) : dir_(std::move(dir)) {}
  absl::StatusOr<FileList> Look() const;
  absl::Status HoldFiles();
  void LetGo();
  absl::Status MakeLinks() const;
  absl::Status CopyManifest(const File& file) const;

  std::string dir_;
  FileList list_;
  std::vector<File> files_;
  std::string path_;
  std::unique_ptr<TemporaryDirectory> links_;
};

}  // namespace unirust::store
