// Writes a long file to the disk as it grows, and lets the page cache go of it: of a file that nobody reads soon it
// would keep gigabytes, in place of what others read, and new pages cost far more than used ones.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace unirust {

// Of one file that is written from its start on. Files that are not on a disk stay as they are. Not thread-safe.
class WriteBehind {
 public:
  // To be told how long the file is, after every write. Begins to write out complete stretches of some megabytes; waits
  // for those that began long before. INTERNAL if the disk did not take what was written: then the file is of no use.
  absl::Status Wrote(int fd, uint64_t size);
  // All of the file, which nobody looks at for a while. Waits until the disk has it. The same errors.
  absl::Status WroteAll(int fd, uint64_t size);

 private:
  absl::Status DropUpTo(int fd, uint64_t end);

  uint64_t begun_ = 0;    // up to where the disk was told to begin
  uint64_t dropped_ = 0;  // up to where the cache let go
};

}  // namespace unirust
