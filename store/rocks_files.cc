#include "store/rocks_files.h"

#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/hash.h"
#include "base/log.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

constexpr char kTableSuffix[] = ".sst";
constexpr uint64_t kBlockBytesMax = 1U << 24U;  // of a table's properties, and of what names them

uint32_t Little32(std::string_view bytes) {
  uint32_t out = 0;
  for (size_t i = 4; i-- > 0;) out = out << 8U | static_cast<unsigned char>(bytes[i]);
  return out;
}

// A block of a table with its trailer: compression and checksum, 1 and 4 bytes.
rdb::IOStatus ReadBlock(const rdb::FSRandomAccessFile& table, ByteReader handle,
                        std::string* contents) {
  constexpr size_t kTrailerBytes = 5;
  constexpr uint32_t kOfLastByte = 0x6b9083d9;
  const uint64_t at = handle.Varint();
  const uint64_t bytes = handle.Varint();
  if (!handle.ok() || bytes > kBlockBytesMax) return rdb::IOStatus::Corruption("a block's place");
  contents->resize(bytes + kTrailerBytes);
  rdb::Slice read;
  rdb::IOStatus status = table.Read(at, contents->size(), {}, &read, contents->data(), nullptr);
  if (!status.ok()) return status;
  if (read.size() != contents->size()) return rdb::IOStatus::Corruption("a block is cut off");
  *contents = read.ToString();
  const uint32_t stored = Little32(std::string_view(*contents).substr(bytes + 1));
  const auto last = static_cast<unsigned char>((*contents)[bytes]);
  contents->resize(bytes);
  const uint32_t wanted = static_cast<uint32_t>(Hash64(*contents)) ^ last * kOfLastByte;
  return stored == wanted ? status : rdb::IOStatus::Corruption("a block's checksum");
}

// RocksDB 7.8 parses the properties of a table before it compares their checksum, and some that are damaged end the
// process by an assertion. The formats are those of its table/format.cc, footer version 5, checksums XXH3; whatever
// else is wrong with a table RocksDB tells.
rdb::IOStatus CheckProperties(const rdb::FSRandomAccessFile& table, uint64_t size) {
  constexpr size_t kFooterBytes = 53;
  constexpr size_t kVersionAt = 41;
  constexpr char kXxh3 = 4;
  if (size < kFooterBytes) return rdb::IOStatus::OK();
  std::string footer(kFooterBytes, '\0');
  rdb::Slice read;
  rdb::IOStatus status =
      table.Read(size - kFooterBytes, kFooterBytes, {}, &read, footer.data(), nullptr);
  if (!status.ok() || read.size() != kFooterBytes) return status;
  footer = read.ToString();
  const std::string_view view = footer;
  if (view[0] != kXxh3 || Little32(view.substr(kVersionAt)) != 5) return status;
  std::string names;
  status = ReadBlock(table, ByteReader(view.substr(1)), &names);
  ByteReader in(names);
  while (status.ok() && in.ok()) {  // entries of a whole key each, until the restart points
    const uint64_t shared = in.Varint();
    const uint64_t key_bytes = in.Varint();
    const uint64_t value_bytes = in.Varint();
    if (shared != 0) break;
    const std::string_view key = in.Bytes(key_bytes);
    const std::string_view value = in.Bytes(value_bytes);
    std::string properties;
    if (in.ok() && key == "rocksdb.properties") {
      return ReadBlock(table, ByteReader(value), &properties);
    }
  }
  return status;
}

}  // namespace

// A MANIFEST that is written: hashed as it grows, marked when it was synced.
class MarkingFileSystem::ManifestFile : public rdb::FSWritableFileOwnerWrapper {
 public:
  ManifestFile(std::unique_ptr<rdb::FSWritableFile> file, uint64_t number, MarkingFileSystem* files)
      : FSWritableFileOwnerWrapper(std::move(file)), number_(number), files_(files) {}

  rdb::IOStatus Append(const rdb::Slice& data, const rdb::IOOptions& options,
                       rdb::IODebugContext* debug) override {
    return Appended(data, FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  rdb::IOStatus Append(const rdb::Slice& data, const rdb::IOOptions& options,
                       const rdb::DataVerificationInfo& info,
                       rdb::IODebugContext* debug) override {
    return Appended(data, FSWritableFileOwnerWrapper::Append(data, options, info, debug));
  }
  rdb::IOStatus Sync(const rdb::IOOptions& options, rdb::IODebugContext* debug) override {
    rdb::IOStatus status = files_->MarkLogs();
    FaultPoint("manifest.before_sync");
    if (status.ok()) status = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (!status.ok()) return status;
    FaultPoint("manifest.synced");
    return files_->MarkManifest({.number = number_, .bytes = bytes_, .hash = hash_.Value()});
  }

 private:
  rdb::IOStatus Appended(const rdb::Slice& data, rdb::IOStatus status) {
    if (!status.ok()) return status;
    hash_.Add({data.data(), data.size()});
    bytes_ += data.size();
    return status;
  }

  const uint64_t number_;
  MarkingFileSystem* const files_;
  Hash64Stream hash_;
  uint64_t bytes_ = 0;
};

// A log that is written.
class MarkingFileSystem::LogFile : public rdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  rdb::IOStatus Append(const rdb::Slice& data, const rdb::IOOptions& options,
                       rdb::IODebugContext* debug) override {
    rdb::IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    FaultPoint("log.appended");
    return status;
  }
  rdb::IOStatus Append(const rdb::Slice& data, const rdb::IOOptions& options,
                       const rdb::DataVerificationInfo& info,
                       rdb::IODebugContext* debug) override {
    rdb::IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, info, debug);
    FaultPoint("log.appended");
    return status;
  }
  rdb::IOStatus Sync(const rdb::IOOptions& options, rdb::IODebugContext* debug) override {
    FaultPoint("log.before_sync");
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
};

// The MANIFEST that an opening reads. What is known of it is compared with its hash as it is read: RocksDB takes some
// bytes that are damaged for the end, and would delete the tables that are named behind them.
class MarkingFileSystem::CurrentManifest : public rdb::FSSequentialFileOwnerWrapper {
 public:
  CurrentManifest(std::unique_ptr<rdb::FSSequentialFile> file, const KnownManifest& known,
                  bool known_only)
      : FSSequentialFileOwnerWrapper(std::move(file)),
        known_(known),
        known_only_(known_only),
        left_(known.bytes) {}

  rdb::IOStatus Read(size_t bytes, const rdb::IOOptions& options, rdb::Slice* result,
                     char* scratch, rdb::IODebugContext* debug) override {
    const size_t wanted = known_only_ ? std::min<uint64_t>(bytes, left_) : bytes;
    rdb::IOStatus status =
        FSSequentialFileOwnerWrapper::Read(wanted, options, result, scratch, debug);
    if (!status.ok() || left_ == 0) return status;
    const size_t known = std::min<uint64_t>(result->size(), left_);
    hash_.Add({result->data(), known});
    left_ -= known;
    const bool is_cut = known == 0 && wanted > 0;
    if (!is_cut && (left_ > 0 || hash_.Value() == known_.hash)) return status;
    return rdb::IOStatus::Corruption("the MANIFEST is not what was written");
  }
  rdb::IOStatus Skip(uint64_t /*bytes*/) override { return rdb::IOStatus::NotSupported("Skip"); }

 private:
  const KnownManifest known_;
  const bool known_only_;
  uint64_t left_;  // of the known part, to be read
  Hash64Stream hash_;
};

MarkingFileSystem::MarkingFileSystem(std::string dir, CommitMark* mark, LogReplay* replay,
                                     std::optional<KnownManifest> current)
    : FileSystemWrapper(rdb::FileSystem::Default()),
      dir_(std::move(dir)),
      mark_(mark),
      replay_(replay),
      current_(current) {
  if (mark == nullptr) return;
  MutexLock lock(mutex_);
  known_.logs = mark->files().logs;
  if (current) known_.manifests.push_back(*current);
}

rdb::IOStatus MarkingFileSystem::NewSequentialFile(const std::string& path,
                                                   const rdb::FileOptions& options,
                                                   std::unique_ptr<rdb::FSSequentialFile>* file,
                                                   rdb::IODebugContext* debug) {
  const std::optional<uint64_t> log = LogNumber(dir_, path);
  if (log && db_ == nullptr) replay_->BeginLog(*log);
  rdb::IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, file, debug);
  if (status.ok() && current_ && ManifestNumber(dir_, path) == current_->number) {
    *file = std::make_unique<CurrentManifest>(std::move(*file), *current_, known_only_);
  }
  return status;
}

std::string MarkingFileSystem::missing_table() const {
  MutexLock lock(mutex_);
  return missing_table_;
}

rdb::IOStatus MarkingFileSystem::NewRandomAccessFile(
    const std::string& path, const rdb::FileOptions& options,
    std::unique_ptr<rdb::FSRandomAccessFile>* file, rdb::IODebugContext* debug) {
  rdb::IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, file, debug);
  if (!path.ends_with(kTableSuffix)) return status;
  const std::string name = std::filesystem::path(path).filename();
  if (!status.ok()) {
    MutexLock lock(mutex_);
    missing_table_ = name;
    return status;
  }
  uint64_t size = 0;
  status = GetFileSize(path, options.io_options, &size, debug);
  if (status.ok()) status = CheckProperties(**file, size);
  return status.IsCorruption() ? rdb::IOStatus::Corruption(name, status.ToString()) : status;
}

rdb::IOStatus MarkingFileSystem::NewWritableFile(const std::string& path,
                                                 const rdb::FileOptions& options,
                                                 std::unique_ptr<rdb::FSWritableFile>* file,
                                                 rdb::IODebugContext* debug) {
  const std::optional<uint64_t> manifest = ManifestNumber(dir_, path);
  if (manifest && db_ == nullptr) {
    const absl::Status replayed = replay_->Check(dir_);
    if (!replayed.ok()) return rdb::IOStatus::Corruption(std::string(replayed.message()));
  }
  rdb::IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (status.ok() && manifest) {
    *file = std::make_unique<ManifestFile>(std::move(*file), *manifest, this);
  }
  if (status.ok() && LogNumber(dir_, path)) *file = std::make_unique<LogFile>(std::move(*file));
  return status;
}

rdb::IOStatus MarkingFileSystem::DeleteFile(const std::string& path,
                                            const rdb::IOOptions& options,
                                            rdb::IODebugContext* debug) {
  const std::optional<uint64_t> log = LogNumber(dir_, path);
  if (!log) return FileSystemWrapper::DeleteFile(path, options, debug);
  MutexLock lock(mutex_);  // until it is gone: else MarkLogs could see it again
  KnownFiles known = known_;
  const size_t erased =
      std::erase_if(known.logs, [&](const KnownLog& other) { return other.number == *log; });
  if (erased > 0) {
    const rdb::IOStatus marked = Mark(std::move(known));
    if (!marked.ok()) {  // RocksDB takes a file that cannot be deleted for no failure, and would go on
      Die(kExitStorage, marked.ToString() +
                            ". Nothing acknowledged is lost; free space or mend the disk, then "
                            "start again");
    }
  }
  FaultPoint("log.before_delete");
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

// Before the list of tables says which logs are obsolete: it may be on disk, and the next mark not.
rdb::IOStatus MarkingFileSystem::MarkLogs() {
  MutexLock lock(mutex_);
  absl::StatusOr<std::vector<KnownLog>> logs = logs_.List(dir_, [this] {
    const rdb::DB* db = db_;
    return (db == nullptr ? mark_->acknowledged().sequence : db->GetLatestSequenceNumber()) + 1;
  });
  if (!logs.ok()) return rdb::IOStatus::IOError(std::string(logs.status().message()));
  if (*logs == known_.logs) return rdb::IOStatus::OK();
  return Mark({.manifests = known_.manifests, .logs = *std::move(logs)});
}

rdb::IOStatus MarkingFileSystem::MarkManifest(const KnownManifest& manifest) {
  MutexLock lock(mutex_);
  KnownFiles known = known_;
  std::vector<KnownManifest>& manifests = known.manifests;
  if (!manifests.empty() && manifests.back().number == manifest.number) {
    manifests.back() = manifest;
  } else {  // CURRENT names the one before until this one is whole
    if (manifests.size() > 1) manifests.erase(manifests.begin());
    manifests.push_back(manifest);
  }
  return Mark(std::move(known));
}

rdb::IOStatus MarkingFileSystem::Mark(KnownFiles known) {
  const absl::Status status = mark_->SetFiles(known);
  if (!status.ok()) return rdb::IOStatus::IOError(std::string(status.message()));
  known_ = std::move(known);
  return rdb::IOStatus::OK();
}

std::string TablesThatDoNotOpen(const std::string& dir, rdb::Env* env) {
  rdb::Options options;
  options.env = env;
  std::string names;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(dir, ignored)) {
    const std::string name = file.path().filename();
    if (!name.ends_with(kTableSuffix)) continue;
    if (rdb::SstFileReader(options).Open(file.path()).ok()) continue;
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

}  // namespace unirust::store
