#include "store/repair.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/fault_point.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "store/rocks_store.h"
#include "store/rocks_survey.h"
#include "store/slots.h"
#include "store/stage.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
namespace rdb = rocksdb;

constexpr char kLossesFile[] = "losses";

absl::Status SyncFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return FileFailed("open", path);
  const bool synced = fsync(file) == 0;
  const absl::Status status = synced ? absl::OkStatus() : FileFailed("sync", path);
  close(file);
  return status;
}

absl::Status WriteWhole(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text << std::flush)) return FileFailed("write", path);
  return SyncFile(path);
}

// The first bytes of a file, on disk.
absl::Status CopyFirst(const fs::path& from, const fs::path& to, uint64_t bytes) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (!error) fs::resize_file(to, bytes, error);
  if (error) return absl::InternalError("cannot copy " + from.string() + ": " + error.message());
  return SyncFile(to);
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = fs::directory_iterator(dir, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    names.push_back(it->path().filename());
  }
  if (error) return absl::InternalError("cannot list " + dir + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

// What is taken over from a damaged directory.
struct Choice {
  KnownManifest manifest;
  std::optional<LogPlace> cut = {};  // of the logs nothing behind it; none: all
};

// Makes the directory `to` of what was chosen. For good: copies, but of tables, which never change,
// another name where the file system allows. Else links.
absl::Status Fill(const std::string& from, const Choice& choice, const std::string& to,
                  bool for_good) {
  const std::string dir = fs::absolute(from);
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(dir));
  std::error_code error;
  for (const std::string& name : names) {
    const std::string source = dir + "/" + name;
    const std::string target = to + "/" + name;
    const std::optional<uint64_t> log = LogNumber(dir, source);
    if (!log && !name.ends_with(".sst") && name != "IDENTITY") continue;
    if (log && choice.cut && *log >= choice.cut->log) {
      if (*log > choice.cut->log || choice.cut->batches == 0) continue;
      const std::optional<uint64_t> end = EndOfBatches(source, choice.cut->batches);
      if (!end) return absl::DataLossError(source + " changes while it is read");
      UNIRUST_RETURN_IF_ERROR(CopyFirst(source, target, *end));
    } else if (!for_good) {
      fs::create_symlink(source, target, error);
      if (error) return FileFailed("make", target);
    } else {
      error = std::make_error_code(std::errc::not_supported);
      if (name.ends_with(".sst")) fs::create_hard_link(source, target, error);
      if (error) UNIRUST_RETURN_IF_ERROR(CopyFirst(source, target, fs::file_size(source, error)));
    }
  }
  const std::string manifest = ManifestPath(dir, choice.manifest.number);
  const std::string copy = ManifestPath(to, choice.manifest.number);
  const bool whole = GoesOnWhole(manifest, choice.manifest.bytes);
  UNIRUST_RETURN_IF_ERROR(
      CopyFirst(manifest, copy, whole ? fs::file_size(manifest, error) : choice.manifest.bytes));
  return WriteWhole(to + "/CURRENT", fs::path(copy).filename().string() + "\n");
}

// A directory of links, or copies, as RocksDB reads it.
class RawDatabase {
 public:
  static absl::StatusOr<std::unique_ptr<RawDatabase>> Open(const std::string& dir,
                                                           const RocksOptions& rocks,
                                                           LogSurvey* survey) {
    std::unique_ptr<RawDatabase> out(new RawDatabase());
    rdb::Options options = rocks.ReadOnlyDb();
    options.wal_filter = survey;
    std::vector<std::string> names;
    UNIRUST_RETURN_IF_ERROR(
        FromRocks(rdb::DB::ListColumnFamilies(options, dir, &names), "cannot read " + dir));
    std::vector<rdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) {
      const std::optional<Family> family = FamilyNamed(name.substr(0, name.find('@')));
      families.emplace_back(name, rocks.Of(family.value_or(Family::kMeta)));
    }
    rdb::DB* raw = nullptr;
    UNIRUST_RETURN_IF_ERROR(FromRocks(
        rdb::DB::OpenForReadOnly(options, dir, families, &out->handles_, &raw), "cannot open"));
    out->db_.reset(raw);
    return out;
  }
  ~RawDatabase() {
    for (rdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;

  bool Has(const std::string& family) const {
    return std::any_of(handles_.begin(), handles_.end(),
                       [&](const auto* handle) { return handle->GetName() == family; });
  }
  // False if there is no such row of `meta`.
  absl::StatusOr<bool> GetMeta(const char* key, std::string* value) const {
    for (rdb::ColumnFamilyHandle* handle : handles_) {
      if (handle->GetName() != FamilyName(Family::kMeta)) continue;
      const rdb::Status status = db_->Get({}, handle, key, value);
      if (status.IsNotFound()) return false;
      UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot read meta"));
      return true;
    }
    return false;
  }
  // 0 without the row.
  absl::StatusOr<uint64_t> NumberIn(const char* key) const {
    std::string value;
    UNIRUST_ASSIGN_OR_RETURN(const bool found, GetMeta(key, &value));
    return found ? ByteReader(value).Big64() : 0;
  }
  // Families that have tables.
  std::vector<std::string> WithTables() const {
    std::vector<rdb::LiveFileMetaData> files;
    db_->GetLiveFilesMetaData(&files);
    std::vector<std::string> out;
    for (const rdb::LiveFileMetaData& file : files) out.push_back(file.column_family_name);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

 private:
  RawDatabase() = default;
  std::unique_ptr<rdb::DB> db_;
  std::vector<rdb::ColumnFamilyHandle*> handles_;
};

class RocksRepair final : public Repair {
 public:
  RocksRepair(RepairOptions options, std::unique_ptr<CommitMark> mark)
      : options_(std::move(options)),
        rocks_(options_.memory_budget_bytes, nullptr),
        mark_(std::move(mark)) {}

  const Loss& loss() const override { return loss_; }
  absl::Status Into(
      const std::string& target,
      const std::function<absl::Status(const std::string& dir)>& make_anew) const override;

  // Fills in choice_ and loss_. DATA_LOSS says why nothing can be proven.
  absl::Status Look();

 private:
  absl::Status ChooseManifest();
  absl::Status FindCut();
  absl::Status LookAtKept();
  absl::Status CheckTables(const RawDatabase& kept);
  absl::Status CountLost();
  // `dir` is filled; the store in it has all in tables.
  absl::Status Settle(const std::string& dir) const;
  absl::Status NoteLoss(const std::string& dir) const;

  const RepairOptions options_;
  const RocksOptions rocks_;
  const std::unique_ptr<CommitMark> mark_;
  Choice choice_;
  LogSurvey survey_;  // of all logs
  Loss loss_;
};

absl::Status RocksRepair::Look() {
  UNIRUST_RETURN_IF_ERROR(ChooseManifest());
  UNIRUST_RETURN_IF_ERROR(FindCut());
  UNIRUST_RETURN_IF_ERROR(LookAtKept());
  return CountLost();
}

// The one that CURRENT names, or the newest: what that says is on disk, and CURRENT would name it
// next. An older one is of another time.
absl::Status RocksRepair::ChooseManifest() {
  KnownFiles known = mark_->files();
  known.logs.clear();
  if (known.manifests.empty()) return absl::DataLossError("commit-mark knows no MANIFEST");
  const std::string current = ReadWholeFile(options_.dir + "/CURRENT").value_or("");
  absl::Status why;
  for (const KnownManifest& manifest : known.manifests) {
    const std::string path = ManifestPath(options_.dir, manifest.number);
    const bool named = current == fs::path(path).filename().string() + "\n";
    if (!named && manifest.number != known.manifests.back().number) continue;
    choice_.manifest = manifest;
    why = absl::DataLossError(path + " is missing");
    if (access(path.c_str(), F_OK) != 0) continue;
    UNIRUST_ASSIGN_OR_RETURN(const auto links, TemporaryDirectory::Create());
    UNIRUST_RETURN_IF_ERROR(Fill(options_.dir, choice_, links->path(), /*for_good=*/false));
    why = CheckFiles(links->path(), options_.dir, known, 0).status();
    if (!why.ok()) continue;
    if (!named) loss_.files.emplace_back("CURRENT: does not name the MANIFEST");
    return why;
  }
  return absl::DataLossError("the list of tables is gone: " + std::string(why.message()));
}

// The first place from which on acknowledged rows are damaged or missing; the end of the logs if
// none is.
absl::Status RocksRepair::FindCut() {
  UNIRUST_ASSIGN_OR_RETURN(const auto links, TemporaryDirectory::Create());
  UNIRUST_RETURN_IF_ERROR(Fill(options_.dir, choice_, links->path(), /*for_good=*/false));
  const absl::Status opened = RawDatabase::Open(links->path(), rocks_, &survey_).status();
  // A table that is ahead of the logs is looked at later. Before the logs RocksDB looks for the
  // tables.
  if (!opened.ok() && (survey_.first_logs().empty() || !absl::IsDataLoss(opened))) return opened;
  uint64_t first_needed = UINT64_MAX;
  for (const auto& [family, log] : survey_.first_logs()) first_needed = std::min(first_needed, log);
  std::vector<KnownLog> noted = mark_->files().logs;
  std::erase_if(noted, [&](const KnownLog& log) { return log.number < first_needed; });
  const bool is_needed =
      !noted.empty() && noted.front().first_sequence <= mark_->acknowledged().sequence;
  const std::vector<LogPlace>& there = survey_.logs();
  if (is_needed && (there.empty() || there.front().log > noted.front().number)) {
    choice_.cut = LogPlace{.log = noted.front().number};
    return absl::OkStatus();
  }
  if (there.empty()) return absl::OkStatus();
  choice_.cut = there.back();
  for (const KnownLog& log : noted) {  // rows of earlier logs come before the first of this one
    const bool reached = log.first_sequence <= survey_.next_sequence();
    if (log.number > there.back().log && reached) choice_.cut = LogPlace{.log = log.number};
  }
  return absl::OkStatus();
}

// What the store will be.
absl::Status RocksRepair::LookAtKept() {
  UNIRUST_ASSIGN_OR_RETURN(const auto links, TemporaryDirectory::Create());
  UNIRUST_RETURN_IF_ERROR(Fill(options_.dir, choice_, links->path(), /*for_good=*/false));
  LogSurvey replayed;
  UNIRUST_ASSIGN_OR_RETURN(const auto kept, RawDatabase::Open(links->path(), rocks_, &replayed));
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool made, kept->GetMeta(kStoreKey, &value));
  if (!made) return absl::DataLossError("not even the store's identity is left");
  UNIRUST_ASSIGN_OR_RETURN(const bool part, kept->GetMeta(kPartKey, &value));
  if (part) {
    return absl::FailedPreconditionError(
        "data directory " + options_.dir +
        " is a part of a store of several: without its last commits it does not belong to the "
        "others. Restore backups of all parts, or ingest the records anew");
  }
  UNIRUST_ASSIGN_OR_RETURN(loss_.kept, kept->NumberIn(kCommitsKey));
  loss_.acknowledged = mark_->acknowledged().commits;
  struct stat info {};
  if (stat(CommitMark::PathIn(options_.dir).c_str(), &info) == 0) {
    loss_.acknowledged_seconds = info.st_mtime;
  }
  return CheckTables(*kept);
}

// Whether all families are as after the last commit that is kept.
absl::Status RocksRepair::CheckTables(const RawDatabase& kept) {
  std::vector<std::string> ahead;
  for (const std::string& family : kept.WithTables()) {
    const auto first = survey_.first_logs().find(family);
    const bool known = first != survey_.first_logs().end();
    if (choice_.cut && (!known || first->second > choice_.cut->log)) ahead.push_back(family);
  }
  for (const Family truth : {Family::kMeta, Family::kRecords}) {
    if (std::find(ahead.begin(), ahead.end(), FamilyName(truth)) == ahead.end()) continue;
    return absl::DataLossError("tables of family " + std::string(FamilyName(truth)) +
                               " have rows of commits behind the damage, and not all: no state "
                               "that the store ever had can be made of them");
  }
  // Symbols that nobody uses yet do no harm.
  std::erase(ahead, FamilyName(Family::kSymbols));
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool rebuilding, kept.GetMeta(kRebuildingKey, &value));
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t generation, kept.NumberIn(kGenerationKey));
  bool lacks = false;
  for (size_t i = 0; i < kFamilies && loss_.kept > 0; ++i) {
    const auto family = static_cast<Family>(i);
    lacks = lacks || (IsDerived(family) && !kept.Has(GenerationFamilyName(family, generation)));
  }
  loss_.makes_anew = rebuilding || lacks || !ahead.empty();
  return absl::OkStatus();
}

// What is left out of each file, and how many records are in that.
absl::Status RocksRepair::CountLost() {
  if (!choice_.cut) return absl::OkStatus();
  const LogPlace& cut = *choice_.cut;
  std::error_code error;
  for (const KnownLog& log : mark_->files().logs) {
    const bool behind = log.number >= cut.log;
    if (!behind || fs::exists(LogPath(options_.dir, log.number), error)) continue;
    loss_.files.push_back(fs::path(LogPath("", log.number)).filename().string() + ": is missing");
  }
  const auto records = survey_.family_ids().find(FamilyName(Family::kRecords));
  std::set<std::string> keys;
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(options_.dir));
  for (const std::string& name : names) {
    const std::string path = options_.dir + "/" + name;
    const std::optional<uint64_t> log = LogNumber(options_.dir, path);
    if (!log || *log < cut.log) continue;
    const uint64_t size = fs::file_size(path, error);
    const uint64_t begin = *log > cut.log ? 0 : EndOfBatches(path, cut.batches).value_or(0);
    if (begin == size) continue;
    loss_.files.push_back(name + ": from byte " + std::to_string(begin) + " to " +
                          std::to_string(size));
    if (records == survey_.family_ids().end()) continue;
    UNIRUST_RETURN_IF_ERROR(AddPutKeys(path, begin, records->second, &keys));
  }
  loss_.readable_records = keys.size();
  return absl::OkStatus();
}

absl::Status RocksRepair::Into(
    const std::string& target,
    const std::function<absl::Status(const std::string& dir)>& make_anew) const {
  UNIRUST_ASSIGN_OR_RETURN(const auto stage, Stage::Make(target));
  UNIRUST_RETURN_IF_ERROR(MakeDirectory(stage->data()));
  UNIRUST_RETURN_IF_ERROR(Fill(options_.dir, choice_, stage->data(), /*for_good=*/true));
  UNIRUST_RETURN_IF_ERROR(SyncDirectory(stage->data()));
  FaultPoint("repair.copied");
  UNIRUST_RETURN_IF_ERROR(AddMark(stage->data(), {.commits = loss_.kept}));
  UNIRUST_RETURN_IF_ERROR(Settle(stage->data()));
  FaultPoint("repair.settled");
  if (loss_.makes_anew) UNIRUST_RETURN_IF_ERROR(make_anew(stage->data()));
  UNIRUST_RETURN_IF_ERROR(NoteLoss(stage->data()));
  return stage->Publish([] { FaultPoint("repair.renamed"); });
}

// The MANIFEST may tell of sequence numbers behind the cut, from which RocksDB goes on: in a log
// that is replayed that would be a gap.
absl::Status RocksRepair::Settle(const std::string& dir) const {
  {
    UNIRUST_ASSIGN_OR_RETURN(
        const auto store,
        RocksStore::OpenToWrite({.dir = dir,
                                 .shard_id = options_.shard_id,
                                 .memory_budget_bytes = options_.memory_budget_bytes,
                                 .rebuild = loss_.makes_anew}));
    UNIRUST_RETURN_IF_ERROR(static_cast<RocksStore&>(*store).FlushAll());
  }
  LogSurvey left;
  UNIRUST_RETURN_IF_ERROR(RawDatabase::Open(dir, rocks_, &left).status());
  if (left.logs().empty()) return absl::OkStatus();
  return absl::InternalError("rows of " + dir + " are in logs still");
}

absl::Status RocksRepair::NoteLoss(const std::string& dir) const {
  std::vector<std::string> losses = Losses(options_.dir);
  if (loss_.commits() > 0) {
    losses.push_back(UtcTime(static_cast<int64_t>(WallClockMicros() / 1'000'000)) + ": commits " +
                     std::to_string(loss_.kept + 1) + " to " + std::to_string(loss_.acknowledged) +
                     " were acknowledged and given up; what is left of them is in " +
                     fs::absolute(options_.dir).string());
  }
  if (losses.empty()) return absl::OkStatus();
  return WriteWhole(dir + "/" + kLossesFile, absl::StrJoin(losses, "\n") + "\n");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Repair>> Repair::Begin(const RepairOptions& options) {
  const absl::Status refused = Store::Open({.dir = options.dir,
                                            .shard_id = options.shard_id,
                                            .memory_budget_bytes = options.memory_budget_bytes,
                                            .read_only = true})
                                   .status();
  if (refused.ok()) return std::unique_ptr<Repair>();
  if (!absl::IsDataLoss(refused)) return refused;
  auto mark = CommitMark::Open(options.dir, CommitMark::IfAbsent::kRefuse);
  absl::Status status = mark.status();
  if (status.ok()) {
    auto repair = std::make_unique<RocksRepair>(options, *std::move(mark));
    status = repair->Look();
    if (status.ok()) return std::unique_ptr<Repair>(std::move(repair));
  }
  if (!absl::IsDataLoss(status)) return status;
  std::string why;
  if (status.message() != refused.message()) why = ": " + std::string(status.message());
  return absl::DataLossError(std::string(refused.message()) + ". It cannot be repaired" + why);
}

std::vector<std::string> Losses(const std::string& dir) {
  return absl::StrSplit(ReadWholeFile(dir + "/" + kLossesFile).value_or(""), '\n',
                        absl::SkipEmpty());
}

}  // namespace unirust::store
