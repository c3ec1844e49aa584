// Writes a file at its end, in large pieces; a long one past the page cache. Of a file that nobody reads soon the cache
// would keep gigabytes, in place of what others read, and fresh pages of it cost more time than the disk takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"

namespace unirust {

// What the disk reads and writes past the page cache: whole blocks, from and to memory that begins like one.
inline constexpr size_t kFileBlockBytes = 4096;

struct FreeBlocks {
  void operator()(char* blocks) const;
};
using FileBlocks = std::unique_ptr<char, FreeBlocks>;
FileBlocks NewFileBlocks(size_t bytes);  // a multiple of kFileBlockBytes

// Not thread-safe. The message of an error is what the system says, its code UNKNOWN; after one the file is of no use.
class FileWriter {
 public:
  enum class Cache { kUse, kPass };

  // Does not own `fd`. kPass: a regular file, empty and nobody else's; where the file system knows of nothing but its
  // cache, that is used.
  FileWriter(int fd, Cache cache);

  absl::Status Append(std::string_view bytes);
  // All but part of a block, which stays in memory; under kUse all. Leaves its other memory until the next Append.
  absl::Status Flush();
  // All. Nothing may be appended any more.
  absl::Status Finish();

  uint64_t size() const { return written_ + buffered_; }
  uint64_t written() const { return written_; }
  std::string_view unwritten() const { return {buffer_.get(), buffered_}; }  // what comes behind

 private:
  absl::Status WriteFirst(size_t bytes);  // of the buffer
  bool UseCache();

  const int fd_;
  bool direct_;
  FileBlocks buffer_;
  size_t buffer_bytes_ = 0;
  size_t buffered_ = 0;
  uint64_t written_ = 0;
};

}  // namespace unirust
