// Directories that Store::Open refuses, each with its status.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "store/commit_mark.h"
#include "store/known_files.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using ::testing::HasSubstr;

absl::Status OpenStatus(const std::string& dir, uint32_t shard_id = 0) {
  return Store::Open({.dir = dir, .shard_id = shard_id}).status();
}

void ExpectRefused(const absl::Status& status, absl::StatusCode code, const std::string& part) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(part));
}

// The directory as a plain RocksDB database. What it then is, the mark takes for what it should be.
void WithRocksDb(
    const std::string& dir,
    const std::function<void(rocksdb::DB&, const std::vector<rocksdb::ColumnFamilyHandle*>&)>&
        change) {
  rocksdb::Options options;
  options.create_if_missing = true;
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(options, dir, &names).ok())
    names = {rocksdb::kDefaultColumnFamilyName};
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, dir, families, &handles, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  change(*db, handles);
  for (rocksdb::ColumnFamilyHandle* handle : handles)
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  ASSERT_TRUE(db->Close().ok());
  if (!std::filesystem::exists(CommitMark::PathIn(dir))) return;
  const auto mark = CommitMark::Open(dir, CommitMark::IfAbsent::kRefuse);
  ASSERT_TRUE(mark.ok()) << mark.status();
  const auto files = LookAtFiles(dir, (*mark)->acknowledged().sequence);
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ((*mark)->SetFiles(*files), absl::OkStatus());
}

void PutMeta(const std::string& dir, const std::string& key, const std::string& value) {
  WithRocksDb(dir, [&](rocksdb::DB& db, const auto& handles) {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle->GetName() != "meta") continue;
      ASSERT_TRUE(db.Put({}, handle, key, value).ok());
    }
  });
}

std::string StoreRow(uint32_t format, uint32_t shard) {
  std::string row;
  AppendBig32(&row, format);
  AppendBig32(&row, shard);
  row.resize(24);
  return row;
}

class RefusalTest : public ::testing::Test {
 protected:
  void Create(uint32_t shard_id = 0) { ASSERT_EQ(OpenStatus(Dir(), shard_id), absl::OkStatus()); }
  std::string Dir() const { return temp_.path() + "/data"; }
  TempDir temp_;
};

TEST_F(RefusalTest, AnotherShardsDirectory) {
  Create(3);
  ExpectRefused(OpenStatus(Dir(), 4), absl::StatusCode::kFailedPrecondition,
                "is of shard 3, not of shard 4");
  EXPECT_TRUE(OpenStatus(Dir(), 3).ok());
}

TEST_F(RefusalTest, AnUnknownFormatVersion) {
  Create();
  for (const uint32_t version : {0U, 1U, 2U, 3U, 4U, 5U, 8U, 0xFFFFFFFFU}) {
    PutMeta(Dir(), "store", StoreRow(version, 0));
    ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kFailedPrecondition,
                  "has format version " + std::to_string(version));
  }
  PutMeta(Dir(), "store", StoreRow(7, 0));
  EXPECT_TRUE(OpenStatus(Dir()).ok());
}

// A store of the version before is known as the same one, and upgraded by who opens it to write.
TEST_F(RefusalTest, NotTheVersionBefore) {
  Create();
  PutMeta(Dir(), "store", StoreRow(6, 0));
  const auto identity = [&](bool read_only) {
    const auto store = Store::Open({.dir = Dir(), .read_only = read_only});
    return (*store)->Latest().ReadIdentity().value();
  };
  const auto version = [&] {
    const auto store = Store::Open({.dir = Dir(), .read_only = true});
    std::string row;
    EXPECT_TRUE((*store)->Latest().Get(Family::kMeta, "store", &row).value());
    return ByteReader(row).Big32();
  };
  EXPECT_EQ(identity(/*read_only=*/true), StoreRow(6, 0));
  EXPECT_EQ(version(), 6U);
  EXPECT_EQ(identity(/*read_only=*/false), StoreRow(6, 0));
  EXPECT_EQ(version(), 7U);
  EXPECT_EQ(identity(/*read_only=*/false), StoreRow(6, 0));
}

TEST_F(RefusalTest, ADamagedIdentityOrGeneration) {
  Create();
  PutMeta(Dir(), "store", "abc");
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kDataLoss, "family meta");
  PutMeta(Dir(), "store", StoreRow(6, 0));
  PutMeta(Dir(), "generation", "abc");
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kDataLoss, "family meta");
  PutMeta(Dir(), "generation", std::string(7, '\0') + "\7");
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kDataLoss,
                "lacks column families of generation 7");
}

// The last of the derived families, as if the store had been killed before it made it.
void DropLastFamily(const std::string& dir) {
  WithRocksDb(dir, [](rocksdb::DB& db, const auto& handles) {
    ASSERT_THAT(handles.back()->GetName(), ::testing::EndsWith("@0"));
    ASSERT_TRUE(db.DropColumnFamily(handles.back()).ok());
  });
}

TEST_F(RefusalTest, NotOneWhoseCreationWasCutShort) {
  Create();
  DropLastFamily(Dir());
  ExpectRefused(Store::Open({.dir = Dir(), .read_only = true}).status(),
                absl::StatusCode::kFailedPrecondition, "its creation was cut short");
  {
    auto store = Store::Open({.dir = Dir()});
    ASSERT_TRUE(store.ok()) << store.status();
    Batch batch;
    batch.Put(Family::kConflicts, "key", "value");
    (*store)->Commit(std::move(batch));
  }
  DropLastFamily(Dir());
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kDataLoss,
                "lacks column families of generation 0");
}

TEST_F(RefusalTest, AColumnFamilyOfANewerProgram) {
  Create();
  WithRocksDb(Dir(), [](rocksdb::DB& db, const auto&) {
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    ASSERT_TRUE(db.CreateColumnFamily({}, "time_series", &handle).ok());
    ASSERT_TRUE(db.DestroyColumnFamilyHandle(handle).ok());
  });
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kFailedPrecondition, "'time_series'");
}

TEST_F(RefusalTest, ADatabaseOfAnotherProgram) {
  WithRocksDb(Dir(),
              [](rocksdb::DB& db, const auto&) { ASSERT_TRUE(db.Put({}, "their", "row").ok()); });
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kFailedPrecondition, "not unirust's");
  WithRocksDb(Dir(), [](rocksdb::DB& db, const auto& handles) {
    std::string value;
    EXPECT_TRUE(db.Get({}, "their", &value).ok());
    EXPECT_EQ(handles.size(), 1U) << "nothing was created in it";
  });
}

TEST_F(RefusalTest, ADirectoryThatThisProcessHasOpen) {
  const auto store = Store::Open({.dir = Dir()});
  ASSERT_TRUE(store.ok());
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kUnavailable, "in use by another process");
}

TEST_F(RefusalTest, ADirectoryThatAnotherProcessHasOpen) {
  Create();
  std::array<int, 2> locked{};
  std::array<int, 2> release{};
  ASSERT_EQ(pipe(locked.data()), 0);
  ASSERT_EQ(pipe(release.data()), 0);
  const std::string lock_file = Dir() + "/LOCK";
  const pid_t child = fork();
  if (child == 0) {  // only what is safe after a fork of a process with threads
    struct flock all {};
    all.l_type = F_WRLCK;
    all.l_whence = SEEK_SET;
    const int fd = open(lock_file.c_str(), O_RDWR);
    const char ok = fcntl(fd, F_SETLK, &all) == 0 ? 'y' : 'n';
    close(release[1]);
    char ignored = 0;
    if (write(locked[1], &ok, 1) == 1 && read(release[0], &ignored, 1) >= 0) _exit(0);
    _exit(1);
  }
  char ok = 'n';
  ASSERT_EQ(read(locked[0], &ok, 1), 1);
  ASSERT_EQ(ok, 'y');
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kUnavailable, "in use by another process");
  close(release[1]);
  int exit_status = 0;
  ASSERT_EQ(waitpid(child, &exit_status, 0), child);
  for (const int fd : {locked[0], locked[1], release[0]}) close(fd);
  EXPECT_TRUE(OpenStatus(Dir()).ok());
}

TEST_F(RefusalTest, APathThatIsNoDirectoryOrCannotBeMade) {
  std::ofstream(Dir()) << "a file";
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kPermissionDenied, Dir());
  ExpectRefused(OpenStatus(Dir() + "/below"), absl::StatusCode::kPermissionDenied, "cannot create");
  ExpectRefused(OpenStatus(temp_.path() + "/no/parent"), absl::StatusCode::kPermissionDenied,
                "cannot create");
}

TEST_F(RefusalTest, ADirectoryThatIsNotWritable) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  Create();
  std::filesystem::permissions(
      Dir(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  ExpectRefused(OpenStatus(Dir()), absl::StatusCode::kPermissionDenied,
                "must be readable and writable");
  std::filesystem::permissions(Dir(), std::filesystem::perms::owner_all);
}

// A path that says "lock" is no sign of a lock.
TEST_F(RefusalTest, ADirectoryWithoutItsManifestIsNotCalledInUse) {
  const std::string dir = temp_.path() + "/clock";
  ASSERT_TRUE(OpenStatus(dir).ok());
  for (const auto& file : std::filesystem::directory_iterator(dir)) {
    if (file.path().filename().string().starts_with("MANIFEST"))
      std::filesystem::remove(file.path());
  }
  const absl::Status status = OpenStatus(dir);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), absl::StatusCode::kUnavailable) << status;
}

// Flips one byte in the middle of the file.
void Damage(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 0x55));
}

TEST_F(RefusalTest, AManifestWithAFlippedByte) {
  Create();
  for (const auto& file : std::filesystem::directory_iterator(Dir())) {
    if (file.path().filename().string().starts_with("MANIFEST")) Damage(file.path());
  }
  EXPECT_EQ(OpenStatus(Dir()).code(), absl::StatusCode::kDataLoss);
}

TEST_F(RefusalTest, DamagedRowsAreReportedWhenTheyAreRead) {
  {
    auto store = Store::Open({.dir = Dir()});
    ASSERT_TRUE(store.ok());
    Batch batch;
    for (int i = 0; i < 1000; ++i)
      batch.Put(Family::kRecords, "key" + std::to_string(i), std::string(100, 'x'));
    (*store)->Commit(std::move(batch));
  }
  WithRocksDb(Dir(), [](const auto&, const auto&) {});  // its recovery turns the log into a table
  std::filesystem::path largest;
  for (const auto& file : std::filesystem::directory_iterator(Dir())) {
    if (file.path().extension() != ".sst") continue;
    if (largest.empty() || file.file_size() > std::filesystem::file_size(largest))
      largest = file.path();
  }
  ASSERT_FALSE(largest.empty());
  Damage(largest);
  const auto store = Store::Open({.dir = Dir()});
  ASSERT_TRUE(store.ok()) << store.status();
  const Reader reader = (*store)->Latest();
  const auto cursor = reader.Scan(Family::kRecords, "", "");
  while (cursor->Valid()) cursor->Next();
  EXPECT_EQ(cursor->status().code(), absl::StatusCode::kDataLoss) << cursor->status();
}

}  // namespace
}  // namespace unirust::store
