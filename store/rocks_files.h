// The file system below RocksDB: the mark knows of the MANIFEST and the logs what is on disk, before RocksDB deletes
// what that makes obsolete. Only for the sources of store/.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "store/commit_mark.h"
#include "store/known_files.h"
#include "store/rocks_log.h"

namespace unirust::store {

// For one opening of a directory and the database that comes of it. Thread-safe.
class MarkingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // `mark` is null where nothing is written. `replay` is asked until Opened was called. `current` is the MANIFEST in
  // force; none in a new store.
  MarkingFileSystem(std::string dir, CommitMark* mark, LogReplay* replay,
                    std::optional<KnownManifest> current);
  const char* Name() const override { return "unirust.marking_file_system"; }

  // From now on the MANIFEST in force ends where what is known of it does. Before an opening.
  void ReadKnownOnly() { known_only_ = true; }

  // The database is open.
  void Opened(const rocksdb::DB* db) { db_ = db; }

  // A table that was not there when it was to be read; empty if there was none.
  std::string missing_table() const;

  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  // CORRUPTION also if it is a table whose properties are damaged.
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  // The first MANIFEST of an opening is refused if the replay lacks acknowledged rows: the files stay as they are.
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class CurrentManifest;
  class ManifestFile;
  class LogFile;
  rocksdb::IOStatus MarkLogs();
  rocksdb::IOStatus MarkManifest(const KnownManifest& manifest);
  // After an error the mark, and what is known, are as they were.
  rocksdb::IOStatus Mark(KnownFiles known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string dir_;
  CommitMark* const mark_;
  LogReplay* const replay_;
  const std::optional<KnownManifest> current_;
  bool known_only_ = false;
  std::atomic<const rocksdb::DB*> db_ = nullptr;
  mutable Mutex mutex_;
  std::string missing_table_ ABSL_GUARDED_BY(mutex_);
  LogLister logs_ ABSL_GUARDED_BY(mutex_);
  KnownFiles known_ ABSL_GUARDED_BY(mutex_);  // what the mark says
};

// Names of the tables in `dir` that cannot be opened, separated by commas. Cost: opens all of them.
std::string TablesThatDoNotOpen(const std::string& dir, rocksdb::Env* env);

}  // namespace unirust::store
