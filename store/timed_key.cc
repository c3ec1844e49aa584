#include "store/timed_key.h"

#include <bit>

#include "base/bytes.h"

namespace unirust::store {
namespace {

// Of the intervals of one level: their lengths less one, in just the bytes that the longest takes.
size_t LengthBytes(uint8_t level) { return (level + 7U) / 8; }

uint64_t LengthLessOne(const Interval& interval) {
  return static_cast<uint64_t>(interval.end) - static_cast<uint64_t>(interval.start) - 1;
}

void AppendLength(std::string* out, uint8_t level, uint64_t less_one) {
  for (size_t i = LengthBytes(level); i > 0; --i) {
    AppendBig8(out, static_cast<uint8_t>(less_one >> 8U * (i - 1)));
  }
}

}  // namespace

uint8_t TimedKey::LevelOf(const Interval& interval) {
  return static_cast<uint8_t>(std::bit_width(LengthLessOne(interval)));
}

void TimedKey::AppendTo(std::string* prefix) const {
  const uint8_t level = LevelOf(interval);
  AppendBig8(prefix, level);
  AppendBigSigned64(prefix, interval.start);
  AppendLength(prefix, level, LengthLessOne(interval));
  AppendBig32(prefix, record.value());
}

std::optional<TimedKey> TimedKey::Decode(std::string_view end) {
  ByteReader in(end);
  TimedKey out;
  const uint8_t level = in.Big8();
  out.interval.start = in.BigSigned64();
  if (level > 64) return std::nullopt;
  uint64_t less_one = 0;
  for (size_t i = 0; i < LengthBytes(level); ++i) less_one = less_one << 8U | in.Big8();
  out.record = RecordId(in.Big32());
  const uint64_t room = static_cast<uint64_t>(kMaxTime) - static_cast<uint64_t>(out.interval.start);
  if (!in.done() || std::bit_width(less_one) != level || less_one >= room) return std::nullopt;
  out.interval.end =
      static_cast<Instant>(static_cast<uint64_t>(out.interval.start) + less_one + 1);
  return out;
}

std::string TimedKey::Seek(std::string_view prefix, uint8_t level, Instant from) {
  std::string out(prefix);
  AppendBig8(&out, level);
  // An interval of this level is at most 2^level long: the earliest start that reaches past `from`.
  const uint64_t reach = level >= 64 ? ~uint64_t{0} : (uint64_t{1} << level) - 1;
  const uint64_t room = static_cast<uint64_t>(from) - static_cast<uint64_t>(kMinTime);
  const Instant start =
      room < reach ? kMinTime : static_cast<Instant>(static_cast<uint64_t>(from) - reach);
  AppendBigSigned64(&out, start);
  return out;
}

std::string TimedKey::SeekEnd(std::string_view prefix, const Interval& interval, Instant from) {
  std::string out(prefix);
  const uint8_t level = LevelOf(interval);
  AppendBig8(&out, level);
  AppendBigSigned64(&out, interval.start);
  // Ends at from + 1 or later; if no interval of the level can, the bytes of the longest lead behind it.
  const uint64_t less_one = static_cast<uint64_t>(from) - static_cast<uint64_t>(interval.start);
  if (std::bit_width(less_one) > level) return PrefixEnd(out);
  AppendLength(&out, level, less_one);
  return out;
}

}  // namespace unirust::store
