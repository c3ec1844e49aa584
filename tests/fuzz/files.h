// Files for targets that read them, in one directory of the process below TMPDIR.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {

inline const std::string& Directory() {
  static const std::unique_ptr<TemporaryDirectory> directory = TemporaryDirectory::Create().value();
  return directory->path();
}

// What the file holds already stays behind its new bytes if `flags` has no O_TRUNC.
inline void WriteFile(const std::string& path, std::string_view bytes, off_t at = 0,
                      int flags = O_TRUNC) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  const ssize_t written = pwrite(file, bytes.data(), bytes.size(), at);
  Require(close(file) == 0 && written == static_cast<ssize_t>(bytes.size()),
          "a file can be written");
}

// A descriptor of a file without a name.
inline int FileOf(std::string_view bytes) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  const ssize_t written = pwrite(file, bytes.data(), bytes.size(), 0);
  Require(written == static_cast<ssize_t>(bytes.size()), "a file can be written");
  return file;
}

}  // namespace unirust::fuzz
