// A small value in a file that is replaced again and again: two slots, written in turn, so that one is whole whenever a
// write is cut off. Each has a turn, a length, the value and a hash of all three.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unirust::store {

// One thread at a time.
class TwinSlots {
 public:
  // The slots begin at `offset` and `offset` + `slot_bytes`: in blocks of their own, so that no device damages both at
  // once.
  constexpr TwinSlots(off_t offset, size_t slot_bytes) : offset_(offset), slot_bytes_(slot_bytes) {}

  // The newer whole value; none if neither slot is whole.
  std::optional<std::string> Read(int file);

  // Over the older one. Not synced. False if it fails, with errno; the newer one is as it was.
  bool Write(int file, std::string_view value);

 private:
  struct Slot {
    uint64_t turn = 0;
    std::string value;
  };
  std::optional<Slot> ReadSlot(int file, uint64_t index) const;
  off_t At(uint64_t index) const { return offset_ + static_cast<off_t>(index * slot_bytes_); }

  off_t offset_;
  size_t slot_bytes_;
  uint64_t turn_ = 0;  // of the newer value; its slot is turn_ % 2
};

}  // namespace unirust::store
