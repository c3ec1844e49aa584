// Sorts any number of lines bytewise in bounded memory: full buffers are sorted and spilled to
// temporary files, which are merged when the lines are read back; while one is spilled, on a thread of its own, the
// next one fills. The files are unlinked as soon as they are open, so nothing is left behind however the process ends.
//
//   LineSorter sorter({});
//   UNIRUST_RETURN_IF_ERROR(sorter.Add("b"));
//   UNIRUST_RETURN_IF_ERROR(sorter.Add("a"));
//   UNIRUST_RETURN_IF_ERROR(sorter.Drain([](std::string_view line) { ...; return absl::OkStatus();
//   }));
//
// Equal lines are all kept. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/byte_buffer.h"
#include "base/thread.h"

namespace unirust::cli {

class LineSorter {
 public:
  struct Options {
    size_t buffer_bytes =
        64ULL << 20U;       // of lines and their index, in two buffers; larger: fewer files
    size_t fan_in = 512;    // files merged at once, at least 2; bounds open files and read buffers
    std::string directory;  // for the spill files; empty: ScratchDirectory()
  };

  explicit LineSorter(Options options);
  ~LineSorter();
  LineSorter(const LineSorter&) = delete;
  LineSorter& operator=(const LineSorter&) = delete;

  // Takes a line without its newline; it must not contain one. An error of a spill file says where
  // it was; that of one may come with the next.
  absl::Status Add(std::string_view line);

  // Hands out every line added, in order. Call once, after the last Add. Stops at the first error
  // of `emit`.
  absl::Status Drain(const std::function<absl::Status(std::string_view)>& emit);

 private:
  class Run;     // a sorted spill file, read from its start
  class MergeAhead;  // some of them as one
  class Writer;  // one that is being written

  // Where a buffered line is.
  struct Slot {
    uint64_t prefix;  // of the rest that is being compared: eight bytes, big-endian, zero-padded
    size_t offset;
    size_t size;
  };

  struct Buffer {
    std::string_view Line(const Slot& slot) const {
      return bytes.view().substr(slot.offset, slot.size);
    }
    // How many bytes from `agreed` on all of the lines have in common.
    size_t Common(size_t agreed, std::span<const Slot> lines) const;
    // Sorts lines that agree in so many first bytes, or in all they have and zero bytes.
    void SortBehind(size_t agreed, std::span<Slot> lines) const;
    void Sort() { SortBehind(0, slots); }

    ByteBuffer bytes;
    std::vector<Slot> slots;
  };

  // Waits for the last spill, and begins that of what was added since.
  absl::Status BeginSpill();
  absl::Status Spill(Buffer* buffer);
  absl::Status AddRun(size_t level, std::unique_ptr<Run> run);
  absl::StatusOr<std::unique_ptr<Writer>> NewWriter() const;

  Options options_;
  Buffer filling_;
  // Files by how often their lines were merged: fan_in files of a level become one of the next, so
  // that a line is copied O(log lines) times.
  std::vector<std::vector<std::unique_ptr<Run>>> levels_;
  Buffer spilling_;
  absl::Status spilled_;
  Thread spiller_;  // until it is joined, levels_, spilling_ and spilled_ are its own
};

}  // namespace unirust::cli
