#include "base/watched_file.h"

#include <sys/stat.h>

namespace unirust {

FileStamp StampOf(const std::string& path) {
  constexpr int64_t kSettlesNs = 1'000'000'000;
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return {};
  const int64_t changed_ns = file.st_ctim.tv_sec * 1'000'000'000 + file.st_ctim.tv_nsec;
  if (static_cast<int64_t>(WallClockMicros()) * 1000 - changed_ns < kSettlesNs) return {};
  return {.inode = file.st_ino, .size = file.st_size, .changed_ns = changed_ns};
}

}  // namespace unirust
