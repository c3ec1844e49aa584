// The Store of a directory. open.cc finds it there, store.cc works on it, backup.cc copies it. Only for the sources of
// store/.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/thread.h"
#include "store/commit_mark.h"
#include "store/image.h"
#include "store/rocks_files.h"
#include "store/rocks_log.h"
#include "store/rocks_options.h"
#include "store/rocks_reader.h"
#include "store/store.h"

namespace unirust::store {

// Rows of `meta` that are the store's own.
inline constexpr char kStoreKey[] = "store";            // format version, shard id, store id
inline constexpr char kGenerationKey[] = "generation";  // of the derived families
inline constexpr char kSealedKey[] = "sealed";          // a generation that is complete, but not switched to
inline constexpr char kClearedKey[] = "cleared";        // how many commits there were at the last Clear
inline constexpr char kCommitsKey[] = "commits";        // how many there were, this one with them
inline constexpr char kRebuildingKey[] = "rebuilding";  // there while indexes and derived families are made anew

// What a store is known by, of its row kStoreKey: all but the format version, in whose place is that of the first
// stores that were upgraded.
std::string IdentityIn(std::string_view store_row);

class RocksStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> OpenToWrite(const StoreOptions& options);
  static absl::StatusOr<std::unique_ptr<Store>> OpenToRead(const StoreOptions& options);
  ~RocksStore() override;

  Reader Latest() const override;
  Reader Snapshot() const override;
  void Commit(Batch batch) override;
  absl::Status BeginGeneration() override;
  bool HasPending() const override;
  Reader Pending() const override;
  absl::Status CommitPending(Batch batch) override;
  absl::StatusOr<uint64_t> SwitchGeneration(Batch batch) override;
  absl::Status DropPending() override;
  absl::Status SealPending() override;
  absl::Status Clear(Batch batch) override;
  absl::Status Checkpoint(const std::string& dir) const override;
  absl::StatusOr<BackupInfo> Backup(const BackupPlan& plan,
                                    const std::function<bool()>& stop) const override;
  absl::Status VerifyChecksums() const override;
  uint64_t Moment() const override;
  absl::Status AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const override;
  absl::Status Rewrite(uint64_t moment, const InTurn& in_turn,
                       const std::function<bool()>& stop) override;
  StorageMetrics Metrics() const override;

  // Every row is in tables when it returns, and no log is needed for any.
  absl::Status FlushAll();

 private:
  explicit RocksStore(StoreOptions options)
      : options_(std::move(options)), rocks_(options_.memory_budget_bytes, options_.block_cache) {}

  // --- open.cc
  absl::Status Load();
  absl::Status OpenImage(const std::string& image, const KnownFiles& known);
  absl::StatusOr<std::vector<std::string>> ListFamilies(const std::string& dir) const;
  // The names of the families.
  absl::StatusOr<std::vector<std::string>> OpenMark();
  void LookBelow(const std::string& dir, const KnownFiles& known,
                 const std::optional<KnownManifest>& manifest);
  absl::Status OpenFamilies(const std::string& dir, const std::vector<std::string>& names);
  rocksdb::ColumnFamilyOptions OptionsOf(Family family) const;  // at the opening
  void ShrinkBuffers(std::shared_ptr<Families> families);
  absl::Status WhyNotOpen(const std::string& dir, const rocksdb::Status& status) const;
  absl::Status CheckIdentity();
  absl::Status MakeIdentity();
  absl::Status Upgrade();
  absl::Status CheckCommits();
  absl::Status CheckRebuilding() const;
  absl::Status CheckIsWhole() const;
  absl::Status EmptyIndexes();
  absl::StatusOr<uint64_t> NumberIn(const char* key, uint64_t fallback) const;
  absl::StatusOr<std::shared_ptr<Families>> TakeGeneration(uint64_t generation);
  absl::Status LacksFamilies(uint64_t generation) const;
  absl::Status ChooseGeneration();
  absl::Status DropLeftovers();
  // False if there is no such row of `meta`.
  absl::StatusOr<bool> GetMeta(const char* key, std::string* value) const;

  // --- rewrite.cc
  std::vector<rocksdb::ColumnFamilyHandle*> FamiliesInUse(
      std::vector<std::shared_ptr<Families>>* keep) const;
  absl::Status Compact(const std::vector<rocksdb::ColumnFamilyHandle*>& handles,
                       const std::function<bool()>& stop);
  // What lies in the directory when a rewrite begins.
  struct OldFiles {
    std::vector<std::shared_ptr<Families>> keep;  // the handles of:
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    std::set<std::string> tables;
    std::set<std::string> logs;
  };
  absl::Status FlushAll(OldFiles* old);
  void DeleteNothing(const std::string& key);
  absl::Status DeleteObsolete();
  absl::Status BeginManifest();

  // --- store.cc
  absl::Status VerifyChecksumsIn(const std::string& dir) const;
  absl::StatusOr<std::shared_ptr<Families>> CreateGeneration(uint64_t generation);
  absl::Status DropGeneration(const std::shared_ptr<Families>& families);
  static void Add(Batch batch, const Families& families, rocksdb::WriteBatch* rows);
  void Write(Batch batch, const Families& families, bool sync);
  void CommitRows(rocksdb::WriteBatch* rows);
  void FlushLogs();
  [[noreturn]] void CannotWrite(const std::string& why) const;
  // Of a family that is not derived.
  rocksdb::ColumnFamilyHandle* Of(Family family) const {
    return fixed_->handles[static_cast<size_t>(family)];
  }
  Reader MakeReader(std::shared_ptr<Families> families, bool snapshot) const;

  StoreOptions options_;
  const RocksOptions rocks_;
  LogReplay log_replay_;
  std::unique_ptr<CommitMark> mark_;  // null if the store is open to read
  std::unique_ptr<DirectoryImage> image_;  // what it reads then, shown while tables are opened anew
  Acknowledged acknowledged_;         // by the mark, when the store was opened
  std::shared_ptr<MarkingFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;  // of `files`
  std::unique_ptr<rocksdb::DB> db_;
  std::string identity_;             // IdentityIn
  uint64_t commits_ = 0;             // the committing thread's
  std::shared_ptr<Families> fixed_;  // not derived
  std::map<std::string, rocksdb::ColumnFamilyHandle*> found_;  // derived ones found at opening, until chosen or dropped
  uint64_t last_generation_ = 0;
  bool replays_ = false;               // there was much to replay: write buffers are larger than usual
  std::atomic<bool> closing_ = false;  // ends `shrinking`
  Thread shrinking_;
  mutable Mutex mutex_;
  std::shared_ptr<Families> current_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Families> pending_ ABSL_GUARDED_BY(mutex_);
};

// A whole, durable copy, which has at least what was acknowledged, gets a mark of its own.
absl::Status AddMark(const std::string& dir, const Acknowledged& acknowledged);

std::string GenerationFamilyName(Family family, uint64_t generation);

}  // namespace unirust::store
