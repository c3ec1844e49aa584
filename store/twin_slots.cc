#include "store/twin_slots.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"

namespace unirust::store {
namespace {

constexpr size_t kHeadBytes = 12;  // turn, length
constexpr size_t kHashBytes = 8;

std::string ReadAt(int file, off_t at, size_t bytes) {
  std::string out(bytes, '\0');
  const ssize_t count = pread(file, out.data(), out.size(), at);
  out.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return out;
}

}  // namespace

std::optional<TwinSlots::Slot> TwinSlots::ReadSlot(int file, uint64_t index) const {
  const std::string head = ReadAt(file, At(index), kHeadBytes);
  ByteReader in(head);
  const uint64_t turn = in.Big64();
  const size_t length = in.Big32();
  if (!in.ok() || turn % 2 != index || length > slot_bytes_ - kHeadBytes - kHashBytes) return {};
  const std::string stored = ReadAt(file, At(index), kHeadBytes + length + kHashBytes);
  if (stored.size() != kHeadBytes + length + kHashBytes) return {};
  const std::string_view hashed = std::string_view(stored).substr(0, kHeadBytes + length);
  if (ByteReader(std::string_view(stored).substr(hashed.size())).Big64() != Hash64(hashed)) {
    return {};
  }
  return Slot{.turn = turn, .value = stored.substr(kHeadBytes, length)};
}

std::optional<std::string> TwinSlots::Read(int file) {
  std::optional<Slot> newer = ReadSlot(file, 0);
  std::optional<Slot> other = ReadSlot(file, 1);
  if (!newer || (other && other->turn > newer->turn)) newer.swap(other);
  if (!newer) return {};
  turn_ = newer->turn;
  return std::move(newer->value);
}

bool TwinSlots::Write(int file, std::string_view value) {
  std::string slot;
  AppendBig64(&slot, turn_ + 1);
  AppendBig32(&slot, static_cast<uint32_t>(value.size()));
  slot += value;
  AppendBig64(&slot, Hash64(slot));
  const ssize_t count = pwrite(file, slot.data(), slot.size(), At((turn_ + 1) % 2));
  if (count >= 0 && count < static_cast<ssize_t>(slot.size())) errno = ENOSPC;
  if (count != static_cast<ssize_t>(slot.size())) return false;
  ++turn_;
  return true;
}

}  // namespace unirust::store
