#include "store/slots.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "model/answers.h"
#include "store/keys.h"

namespace unirust::store {
namespace {

constexpr unsigned kBitsBelowSlot = 6;  // in the first two bytes of keys that begin with a name

// Where in its keys a family has the slot.
enum class Place {
  kNowhere,
  kTopBits,    // the top 10 bits of the first two bytes
  kTwoBytes,   // the first two bytes
  kRecordId,   // the key ends with a record id
  kOwnerHash,  // the key ends with the hash of an owner and a number
};

Place PlaceIn(Family family) {
  switch (family) {
    case Family::kMeta:
    case Family::kSymbols:
    case Family::kOutbox:
      return Place::kNowhere;
    case Family::kRecords:
    case Family::kNames:
    case Family::kBlocks:
    case Family::kTouches:
    case Family::kKids:
    case Family::kHeldValues:
    case Family::kStretches:
      return Place::kTopBits;
    case Family::kGroups:
    case Family::kPieces:
    case Family::kRuns:
    case Family::kDisputes:
    case Family::kConflictOwners:
      return Place::kTwoBytes;
    case Family::kAttributeValues:
    case Family::kSources:
    case Family::kExpiries:
      return Place::kRecordId;
    case Family::kConflicts:
      return Place::kOwnerHash;
  }
  return Place::kNowhere;
}

std::optional<uint16_t> FirstSlot(Place place, std::string_view key) {
  ByteReader in(key);
  const uint16_t head = in.Big16();
  if (!in.ok()) return std::nullopt;
  const auto slot = static_cast<uint16_t>(place == Place::kTopBits ? head >> kBitsBelowSlot : head);
  return slot < limits::kSlots ? std::optional(slot) : std::nullopt;
}

}  // namespace

bool HasSlots(Family family) { return PlaceIn(family) != Place::kNowhere; }

std::optional<uint16_t> SlotOf(Family family, std::string_view key) {
  constexpr size_t kIdBytes = 4;
  constexpr size_t kOwnerTailBytes = kConflictOwnerBytes + 4;
  switch (const Place place = PlaceIn(family)) {
    case Place::kNowhere:
      return std::nullopt;
    case Place::kTopBits:
    case Place::kTwoBytes:
      return FirstSlot(place, key);
    case Place::kRecordId:
      if (key.size() < kIdBytes) return std::nullopt;
      return RecordAddress::Of(RecordId(ByteReader(key.substr(key.size() - kIdBytes)).Big32()))
          .slot;
    case Place::kOwnerHash:
      if (key.size() < kOwnerTailBytes) return std::nullopt;
      return ByteReader(key.substr(key.size() - kOwnerTailBytes)).Big16() % limits::kSlots;
  }
  return std::nullopt;
}

std::optional<std::string> FirstKeyOf(Family family, uint16_t slot) {
  const Place place = PlaceIn(family);
  if (place != Place::kTopBits && place != Place::kTwoBytes) return std::nullopt;
  const uint32_t head = uint32_t{slot} << (place == Place::kTopBits ? kBitsBelowSlot : 0);
  std::string out;
  AppendBig16(&out, static_cast<uint16_t>(head));
  return out;
}

std::optional<uint16_t> SlotOfRange(Family family, std::string_view lower, std::string_view upper) {
  const Place place = PlaceIn(family);
  if (place != Place::kTopBits && place != Place::kTwoBytes) return std::nullopt;
  const std::optional<uint16_t> slot = FirstSlot(place, lower);
  if (!slot) return std::nullopt;
  if (*slot + 1U == limits::kSlots && place == Place::kTopBits) return slot;  // no key is behind it
  const std::optional<std::string> end = FirstKeyOf(family, *slot + 1);
  return !upper.empty() && upper <= *end ? slot : std::nullopt;
}

}  // namespace unirust::store
