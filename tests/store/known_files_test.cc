#include "store/known_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Header of a log's record, then a batch that begins with the sequence number, little-endian.
std::string LogThatBeginsWith(char sequence) {
  return std::string(6, 'h') + '\1' + sequence + std::string(7, '\0') + std::string(4, '\1') + "rows";
}

uint64_t Sequence100() { return 100; }

TEST(KnownFiles, AreDecodedAsTheyWereEncoded) {
  const KnownFiles files{.manifests = {{4, 100, 7}, {9, 20, 8}}, .logs = {{5, 1}, {10, 77}}};
  EXPECT_EQ(KnownFiles::Decode(files.Encode()), files);
  EXPECT_EQ(KnownFiles::Decode(KnownFiles().Encode()), KnownFiles());
  const std::string bytes = files.Encode();
  EXPECT_EQ(KnownFiles::Decode(bytes.substr(0, bytes.size() - 1)), std::nullopt);
  EXPECT_EQ(KnownFiles::Decode(""), std::nullopt);
}

TEST(KnownFiles, OfMoreLogsThanTheLimitTheOldestAndTheNewestAreKept) {
  KnownFiles files;
  for (uint64_t n = 1; n <= limits::kLogsMarkedMax; ++n) files.logs.push_back({n, n * 10});
  EXPECT_EQ(KnownFiles::Decode(files.Encode()), files);
  files.logs.push_back({limits::kLogsMarkedMax + 1, 1});
  const auto kept = KnownFiles::Decode(files.Encode());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->logs.size(), limits::kLogsMarkedMax);
  EXPECT_EQ(kept->logs.front(), files.logs.front());
  EXPECT_EQ(kept->logs.back(), files.logs.back());
}

TEST(LogLister, TellsWhereEachLogBegins) {
  const TempDir dir;
  LogLister lister;
  Write(LogPath(dir.path(), 3), LogThatBeginsWith(5));
  Write(LogPath(dir.path(), 4), "");  // never got a row
  Write(LogPath(dir.path(), 12), "");
  Write(dir.path() + "/LOG.log", "of another kind");
  auto logs = lister.List(dir.path(), Sequence100);
  ASSERT_TRUE(logs.ok()) << logs.status();
  EXPECT_THAT(*logs, ElementsAre(KnownLog{3, 5}, KnownLog{12, 100}));
  Write(LogPath(dir.path(), 12), LogThatBeginsWith(44));
  logs = lister.List(dir.path(), Sequence100);
  ASSERT_TRUE(logs.ok()) << logs.status();
  EXPECT_THAT(*logs, ElementsAre(KnownLog{3, 5}, KnownLog{12, 44}));
}

class CheckFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write(dir_.path() + "/CURRENT", "MANIFEST-000007\n");
    Write(ManifestPath(dir_.path(), 7), "edits");
    Write(LogPath(dir_.path(), 8), LogThatBeginsWith(5));
    Write(LogPath(dir_.path(), 9), "");
    auto files = LookAtFiles(dir_.path(), 9);
    ASSERT_TRUE(files.ok()) << files.status();
    files_ = *files;
  }
  absl::Status Check(uint64_t acknowledged = 9) const {
    return CheckFiles(dir_.path(), "SHOWN", files_, acknowledged).status();
  }
  void ExpectLoss(const std::string& part) const {
    EXPECT_EQ(Check().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(Check().message()), HasSubstr(part));
  }

  TempDir dir_;
  KnownFiles files_;
};

TEST_F(CheckFilesTest, AreFineAsTheyWereAndWithMore) {
  EXPECT_EQ(Check(), absl::OkStatus());
  Write(ManifestPath(dir_.path(), 7), "edits, and one more");
  EXPECT_EQ(Check(), absl::OkStatus());
}

TEST_F(CheckFilesTest, AManifestThatDoesNotBeginAsItShouldIsNamed) {
  for (const char* text : {"edit", "edots", ""}) {
    Write(ManifestPath(dir_.path(), 7), text);
    ExpectLoss("SHOWN/MANIFEST-000007 is damaged");
  }
  Write(dir_.path() + "/CURRENT", "MANIFEST-000006\n");
  ExpectLoss("SHOWN/CURRENT");
}

TEST_F(CheckFilesTest, ALogIsMissedOnlyIfItHadAcknowledgedRows) {
  Write(LogPath(dir_.path(), 8), "");
  ExpectLoss("SHOWN/000008.log is missing or empty");
  EXPECT_EQ(Check(4), absl::OkStatus());
  Write(LogPath(dir_.path(), 8), LogThatBeginsWith(5));
  EXPECT_EQ(Check(10).code(), absl::StatusCode::kDataLoss) << "row 10 is in log 9";
}

}  // namespace
}  // namespace unirust::store
