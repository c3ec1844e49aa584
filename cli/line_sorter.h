// Sorts any number of lines bytewise in bounded memory: full buffers are sorted and spilled to
// temporary files, which are merged when the lines are read back. The files are unlinked as soon as
// they are open, so nothing is left behind however the process ends.
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

namespace unirust::cli {

class LineSorter {
 public:
  struct Options {
    size_t buffer_bytes =
        64ULL << 20U;       // of lines and their index held before a spill; larger: fewer files
    size_t fan_in = 64;     // files merged at once, at least 2; bounds open files and read buffers
    std::string directory;  // for the spill files; empty: $TMPDIR, else /tmp
  };

  explicit LineSorter(Options options);
  ~LineSorter();
  LineSorter(const LineSorter&) = delete;
  LineSorter& operator=(const LineSorter&) = delete;

  // Takes a line without its newline; it must not contain one. An error of a spill file says where
  // it was.
  absl::Status Add(std::string_view line);

  // Hands out every line added, in order. Call once, after the last Add. Stops at the first error
  // of `emit`.
  absl::Status Drain(const std::function<absl::Status(std::string_view)>& emit);

 private:
  class Run;     // a sorted spill file, read from its start
  class Writer;  // one that is being written

  // Where a buffered line is.
  struct Slot {
    uint64_t prefix;  // of the rest that is being compared: eight bytes, big-endian, zero-padded
    size_t offset;
    size_t size;
  };

  std::string_view Line(const Slot& slot) const { return {bytes_.data() + slot.offset, slot.size}; }
  // Sorts lines that agree in so many first bytes, or in all they have and zero bytes.
  void SortBehind(size_t agreed, std::span<Slot> slots);
  absl::Status Spill();
  absl::Status AddRun(size_t level, std::unique_ptr<Run> run);
  absl::StatusOr<std::unique_ptr<Writer>> NewWriter() const;

  Options options_;
  std::vector<char> bytes_;
  std::vector<Slot> slots_;
  // Files by how often their lines were merged: fan_in files of a level become one of the next, so
  // that a line is copied O(log lines) times.
  std::vector<std::vector<std::unique_ptr<Run>>> levels_;
};

}  // namespace unirust::cli
