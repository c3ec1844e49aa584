#include "base/scratch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "base/files.h"

namespace unirust {
namespace {

std::string All(const ScratchStreams& streams, size_t stream) {
  std::string out;
  const absl::Status status = streams.Read(stream, [&](std::string_view pieces) {
    out += pieces;
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

TEST(ScratchFile, IsReadAnywhereAndEndsWhereItEnds) {
  const auto file = ScratchFile::Create().value();
  ASSERT_TRUE(file->Append("abc").ok());
  ASSERT_TRUE(file->Append("defg").ok());
  EXPECT_EQ(file->size(), 7U);
  std::string bytes(3, '-');
  EXPECT_EQ(file->Read(2, bytes).value(), 3U);
  EXPECT_EQ(bytes, "cde");
  EXPECT_EQ(file->Read(5, bytes).value(), 2U);
  EXPECT_EQ(bytes, "fge");
  EXPECT_EQ(file->Read(7, bytes).value(), 0U);
}

TEST(ScratchFile, HasNoNameAndSaysWhereItCannotBe) {
  const auto directory = TemporaryDirectory::Create().value();
  const auto file = ScratchFile::Create(directory->path()).value();
  ASSERT_TRUE(file->Append("abc").ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory->path()));
  const absl::Status refused = ScratchFile::Create(directory->path() + "/none").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr(directory->path() + "/none"));
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("TMPDIR"));
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

TEST(ScratchFile, SaysWhereThereIsNoMoreRoom) {
  const FileSizeLimit limit(1'000'001);
  const auto directory = TemporaryDirectory::Create().value();
  const auto file = ScratchFile::Create(directory->path()).value();
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = file->Append(std::string(20'000, 'x'));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(directory->path()));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("TMPDIR"));
}

// So long that what was written first has left the page cache.
TEST(ScratchFile, KeepsLongFiles) {
  const auto file = ScratchFile::Create().value();
  const auto block = [](int i) { return std::string(1U << 20U, static_cast<char>('a' + i % 26)); };
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(file->Append(block(i)).ok());
  std::string bytes(1U << 20U, '-');
  for (const int i : {0, 1, 60, 119, 0}) {
    ASSERT_EQ(file->Read(static_cast<uint64_t>(i) << 20U, bytes).value(), bytes.size());
    EXPECT_TRUE(bytes == block(i)) << i;
  }
}

TEST(ScratchStreams, KeepEachItsPiecesInOrder) {
  for (const size_t buffer_bytes : {1U, 100U, 5000U, 10'000'000U}) {
    SCOPED_TRACE(buffer_bytes);
    std::mt19937 random(7);
    const auto streams = ScratchStreams::Create(buffer_bytes).value();
    std::map<size_t, std::string> expected;
    for (int i = 0; i < 3000; ++i) {
      const size_t stream = random() % 20 * (random() % 20);
      const std::string piece(random() % 40, static_cast<char>('a' + i % 26));
      const std::string rest(random() % 3, 'R');
      ASSERT_TRUE(streams->Append(stream, piece, rest).ok());
      expected[stream] += piece + rest;
    }
    for (size_t stream = 0; stream < 500; ++stream) {
      EXPECT_EQ(All(*streams, stream), expected[stream]) << stream;
    }
  }
}

TEST(ScratchStreams, HandOutWholePieces) {
  const auto streams = ScratchStreams::Create(1000).value();
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(streams->Append(i % 7, "piece", "rest").ok());
  size_t calls = 0;
  ASSERT_TRUE(streams->Read(3, [&](std::string_view pieces) {
    EXPECT_EQ(pieces.size() % 9, 0U);
    ++calls;
    return absl::OkStatus();
  }).ok());
  EXPECT_GT(calls, 10U);
}

TEST(ScratchStreams, StopAtAnError) {
  const auto streams = ScratchStreams::Create(1).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(streams->Append(0, "x").ok());
  size_t calls = 0;
  const absl::Status status = streams->Read(0, [&](std::string_view) {
    ++calls;
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(calls, 1U);
}

}  // namespace
}  // namespace unirust
