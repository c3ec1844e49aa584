#include "base/file_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "base/files.h"
#include "base/scratch_file.h"

namespace unirust {
namespace {

using Cache = FileWriter::Cache;

class FileWriterTest : public testing::TestWithParam<Cache> {
 protected:
  void SetUp() override {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT_GE(fd_, 0);
  }
  void TearDown() override { close(fd_); }

  std::string Stored() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  const std::unique_ptr<TemporaryDirectory> directory_ = TemporaryDirectory::Create().value();
  const std::string path_ = directory_->path() + "/file";
  int fd_ = -1;
};

std::string Noise(size_t bytes) {
  std::mt19937 random(static_cast<unsigned>(bytes));
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

TEST_P(FileWriterTest, WritesWhatIsAppendedAtAnySize) {
  std::mt19937 random(3);
  FileWriter writer(fd_, GetParam());
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    const std::string piece = Noise(random() % (i % 40 == 0 ? 600'000 : 9'000));
    ASSERT_TRUE(writer.Append(piece).ok());
    expected += piece;
    if (random() % 8 == 0) {
      ASSERT_TRUE(writer.Flush().ok());
      EXPECT_LT(writer.unwritten().size(), kFileBlockBytes);
    }
    ASSERT_EQ(writer.size(), expected.size());
    ASSERT_EQ(writer.written() + writer.unwritten().size(), expected.size());
    ASSERT_TRUE(expected.ends_with(writer.unwritten()));
  }
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(writer.written(), expected.size());
  EXPECT_TRUE(Stored() == expected);
}

TEST_P(FileWriterTest, AFileMayEndAnywhere) {
  for (const size_t bytes : {0U, 1U, 4095U, 4096U, 4097U, 262'144U, 262'145U}) {
    SCOPED_TRACE(bytes);
    ASSERT_EQ(ftruncate(fd_, 0), 0);
    ASSERT_EQ(lseek(fd_, 0, SEEK_SET), 0);
    FileWriter writer(fd_, GetParam());
    ASSERT_TRUE(writer.Append(Noise(bytes)).ok());
    ASSERT_TRUE(writer.Finish().ok());
    EXPECT_TRUE(Stored() == Noise(bytes));
  }
}

// Lets files of this process grow to so many bytes only.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_P(FileWriterTest, SaysWhatTheSystemSaysWhenTheDiskTakesNoMore) {
  const FileSizeLimit limit(1'000'001);
  FileWriter writer(fd_, GetParam());
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = writer.Append(Noise(20'000));
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              testing::AnyOf(testing::HasSubstr("File too large"), testing::HasSubstr("No space")));
}

INSTANTIATE_TEST_SUITE_P(Caches, FileWriterTest, testing::Values(Cache::kUse, Cache::kPass),
                         [](const auto& test) {
                           return test.param == Cache::kUse ? "Use" : "Pass";
                         });

TEST(ScratchFile, SaysWhereThereIsNoMoreRoom) {
  const FileSizeLimit limit(1'000'001);
  const auto directory = TemporaryDirectory::Create().value();
  const auto file = ScratchFile::Create(directory->path()).value();
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = file->Append(Noise(20'000));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(directory->path()));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("TMPDIR"));
}

}  // namespace
}  // namespace unirust
