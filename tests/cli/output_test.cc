#include "cli/output.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace unirust::cli {
namespace {

class OutputTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  const std::string path_ = testing::TempDir() + "/output-" + std::to_string(getpid());
};

TEST_F(OutputTest, AppearsWhenComplete) {
  auto out = Output::Open(path_);
  ASSERT_TRUE(out.ok()) << out.status();
  (*out)->Write(std::string(200'000, 'a'));
  EXPECT_FALSE(std::filesystem::exists(path_));
  (*out)->Write("b");
  ASSERT_TRUE((*out)->Close().ok());
  EXPECT_EQ(Read(path_), std::string(200'000, 'a') + "b");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(OutputTest, LeavesTheOldFileAloneIfNotClosed) {
  std::ofstream(path_) << "old";
  {
    auto out = Output::Open(path_);
    ASSERT_TRUE(out.ok()) << out.status();
    (*out)->Write("new");
  }
  EXPECT_EQ(Read(path_), "old");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(OutputTest, TellsThatTheDiskIsFull) {
  auto out = Output::Open("/dev/full");
  ASSERT_TRUE(out.ok()) << out.status();
  (*out)->Write("a");
  const absl::Status status = (*out)->Close();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/dev/full"), absl::string_view::npos);
}

TEST_F(OutputTest, RefusesADirectoryThatDoesNotExist) {
  EXPECT_TRUE(absl::IsNotFound(Output::Open("/nonexistent/file").status()));
}

}  // namespace
}  // namespace unirust::cli
