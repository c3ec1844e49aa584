// Keys of rows and cursors: what decodes encodes to the same bytes, and bytewise order is the order
// of what is encoded.
#include "store/keys.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/limits.h"
#include "resolve/cursor.h"
#include "store/slots.h"
#include "store/symbols.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

using namespace store;

template <typename Key>
void Decoded(Input input) {
  const std::string_view key = input.Rest();
  const std::optional<Key> decoded = Key::Decode(key);
  if (decoded) Require(decoded->Encode() == key, "a key that decodes encodes to the same bytes");
}

// The slot of a group is a hash of the rest, which no change of bytes would hit.
std::string WithSlotOfGroup(std::string_view rest) {
  std::string out;
  AppendBig16(&out, static_cast<uint16_t>(Hash64(rest) % limits::kSlots));
  return out.append(rest);
}

void DecodedGroup(Input input) { Decoded<GroupKey>(Input(WithSlotOfGroup(input.Rest()))); }

// Rows about a group: kind, the group but for its slot, the rest of the key.
template <typename Key>
void DecodedAboutGroup(Input input) {
  const char kind = static_cast<char>(input.Byte() % 4);
  const bool sized = std::is_same_v<Key, DisputeKey>;
  const std::string group = WithSlotOfGroup(input.Sized());
  std::string key = group.substr(0, 2) + kind;
  if (sized) AppendBig16(&key, static_cast<uint16_t>(group.size() - 2));
  Decoded<Key>(Input(key.append(group.substr(2)).append(input.Rest())));
}

void DecodedTouch(Input input) {
  std::string key(input.Bytes(10));
  Decoded<TouchKey>(Input(key.append(WithSlotOfGroup(input.Rest()))));
}

// Of keys that begin with the prefix: those that a seek must not pass over.
void DecodedTime(Input input) {
  const Instant from = static_cast<Instant>(input.Number(8));
  const std::string_view key = input.Rest();
  const std::optional<TimedKey> timed = TimedKey::Decode(key);
  if (!timed) return;
  std::string again;
  timed->AppendTo(&again);
  Require(again == key, "a time that decodes encodes to the same bytes");
  const Interval interval = timed->interval;
  Require(interval.start < interval.end, "an interval is not empty");
  const uint8_t level = TimedKey::LevelOf(interval);
  const std::string first = TimedKey::Seek("", level, from);
  if (interval.end > from) Require(first <= key, "a seek passes over no interval that overlaps");
  Require(key < TimedKey::Seek("", level + 1, kMinTime), "levels lie one behind the other");
  const Interval shorter{interval.start, from};
  if (from <= interval.start || interval.end <= from || TimedKey::LevelOf(shorter) != level) return;
  Require(TimedKey::SeekEnd("", shorter, from) <= key, "nor does a seek among equal starts");
}

void Values(Input input) {
  const std::string_view first = input.Sized();
  const std::string_view second = input.Rest();
  const std::string a = EncodeValue(first);
  const std::string b = EncodeValue(second);
  Require((a == b) == (first == second), "equal bytes mean equal values");
  if (AreVerbatim(a) && AreVerbatim(b)) {
    Require((a < b) == (first < second), "verbatim values are in their order");
  }
  const std::string both = EncodeValues({first, second});
  Require(both.size() <= kVerbatimValueBytesMax, "values in a key are bounded");
  const auto values = VerbatimValues(both, 2);
  Require(values.has_value() == AreVerbatim(both), "verbatim values are there");
  if (values)
    Require(*values == std::vector<std::string>{std::string(first), std::string(second)},
            "as they were");
}

void MalformedValues(Input input) {
  const size_t count = input.Byte();
  const std::string_view encoded = input.Bytes(kVerbatimValueBytesMax);
  const auto values = VerbatimValues(encoded, count);
  if (!values) return;
  const std::vector<std::string_view> views(values->begin(), values->end());
  Require(EncodeValues(views) == encoded, "values that are there encode to the same bytes");
}

void Prefixes(Input input) {
  const std::string prefix(input.Sized());
  const std::string key = prefix + std::string(input.Rest());
  const std::string end = PrefixEnd(prefix);
  Require(end.empty() ? prefix.find_first_not_of('\xFF') == std::string::npos : key < end,
          "the end of a prefix is behind all that begins with it");
}

void Slots(Input input) {
  const auto family = static_cast<Family>(input.Byte() % kFamilies);
  const std::string_view key = input.Rest();
  const std::optional<uint16_t> slot = SlotOf(family, key);
  Require(!slot || (HasSlots(family) && *slot < limits::kSlots), "a slot is one of the slots");
  if (!slot) return;
  const std::optional<std::string> first = FirstKeyOf(family, *slot);
  if (first) Require(*first <= key, "the first key of a slot is before all of it");
}

void Owners(Input input) {
  const std::string_view key = input.Rest();
  const std::optional<BlockName> entity = ConflictOwnerKey::EntityOf(key);
  if (entity)
    Require(ConflictOwnerKey::Entity(*entity) == key, "an owner encodes to the same bytes");
}

void Symbols(Input input) {
  const std::string_view key = input.Sized();
  const std::string_view value = input.Rest();
  const std::optional<SymbolRow> row = DecodeSymbol(key, value);
  if (!row) return;
  Require(key == (row->by_id ? SymbolByIdKey(row->id) : SymbolByTextKey(row->text)),
          "a symbol's key");
  const std::string text = row->retired ? std::string(kRetiredText) : row->text;
  Require(value == (row->by_id ? text : EncodeSymbolId(row->id)), "a symbol's value");
}

void Names(Input input) {
  const RecordId id(static_cast<uint32_t>(input.Number(4)));
  Require(RecordAddress::Of(id).Id() == id, "an id is its address");
  Require(IsRecord(NameOf(id)) && RecordOf(NameOf(id)) == id, "a record's name names it");
  Require(!IsRecord(HandleOf(input.Number(6) + 1)), "a handle is no record");
  const std::string_view type = input.Sized();
  const std::string_view perspective = input.Sized();
  const RecordAddress first = FirstAddress(type, perspective, input.Rest());
  Require(first.Id() != RecordId() && first.Next().Id() != RecordId(), "id 0 is no record");
}

const resolve::Listing kListing{.lineage = {.store = 1, .history = 2}, .name = "listing"};

void Cursors(Input input) {
  const std::string_view cursor = input.Rest();
  const absl::StatusOr<std::string> position = resolve::DecodeCursor(kListing, cursor);
  if (!position.ok()) return RequireRefusal(position.status(), absl::StatusCode::kInvalidArgument);
  if (cursor.empty()) return Require(position->empty(), "no cursor is no position");
  Require(resolve::EncodeCursor(kListing, *position) == cursor,
          "a cursor encodes to the same bytes");
}

// With the hash that fits.
void SealedCursors(Input input) {
  std::string cursor(input.Rest());
  AppendBig64(&cursor, Hash64(cursor));
  const absl::StatusOr<std::string> position = resolve::DecodeCursor(kListing, cursor);
  if (absl::IsFailedPrecondition(position.status())) {
    return RequireRefusal(position.status(), absl::StatusCode::kFailedPrecondition);
  }
  Cursors(Input(cursor));
}

}  // namespace

void Keys(std::string_view input) {
  static constexpr std::array kKinds{Decoded<RecordKey>,
                                     DecodedGroup,
                                     DecodedAboutGroup<PieceSetKey>,
                                     DecodedAboutGroup<PieceKey>,
                                     DecodedAboutGroup<RunKey>,
                                     DecodedAboutGroup<DisputeKey>,
                                     Decoded<NameKey>,
                                     Decoded<KidKey>,
                                     DecodedTouch,
                                     Decoded<AttributeValueKey>,
                                     Decoded<SourceKey>,
                                     Decoded<ConflictKey>,
                                     Decoded<HeldValueKey>,
                                     Decoded<StretchKey>,
                                     Decoded<ExpiryKey>,
                                     DecodedTime,
                                     Values,
                                     MalformedValues,
                                     Prefixes,
                                     Slots,
                                     Owners,
                                     Symbols,
                                     Names,
                                     Cursors,
                                     SealedCursors,
                                     Decoded<GroupKey>,
                                     Decoded<PieceKey>,
                                     Decoded<DisputeKey>};
  RunKind(kKinds, input);
}

}  // namespace unirust::fuzz
