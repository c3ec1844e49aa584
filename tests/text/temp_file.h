// A file with given content that is removed at the end of its scope.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace unirust::text {

class TempFile {
 public:
  explicit TempFile(std::string_view content, const std::string& suffix = "")
      : path_(::testing::TempDir() + "unirust_text_XXXXXX" + suffix) {
    const int fd = mkstemps(path_.data(), static_cast<int>(suffix.size()));
    EXPECT_GE(fd, 0) << path_;
    EXPECT_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
  }
  ~TempFile() { unlink(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace unirust::text
