#include "store/keys.h"

#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/limits.h"

namespace unirust::store {
namespace {

constexpr unsigned kPositionBits = 22;
constexpr uint32_t kPositionMask = (1U << kPositionBits) - 1;
constexpr unsigned kSlotShift = 54;
constexpr uint64_t kHandleBit = uint64_t{1} << 53U;
constexpr size_t kHashedPrefixBytes = 16;
constexpr size_t kHashedBytes = 1 + kHashedPrefixBytes + 32;  // mark, prefix, SHA-256
constexpr size_t kAttributeBytes = 4;
constexpr char kVerbatim = 0;
constexpr char kHashed = 1;

uint16_t SlotOf(uint64_t hash) { return static_cast<uint16_t>(hash % limits::kSlots); }

// True if EncodeValues can have written `bytes`, for one value or more.
bool IsEncoded(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kVerbatimValueBytesMax) return false;
  if (bytes[0] == kHashed) return bytes.size() == kHashedBytes;
  ByteReader in(bytes.substr(1));
  do {
    in.OrderedString();
  } while (in.ok() && !in.rest().empty());
  return bytes[0] == kVerbatim && in.ok();
}

// How many bytes EncodeValue wrote at the beginning of `bytes`, if it did.
std::optional<size_t> EncodedValueBytes(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  size_t size = kHashedBytes;
  if (bytes[0] != kHashed) {
    ByteReader in(bytes.substr(1));
    in.SkipOrderedString();
    size = bytes.size() - in.rest().size();
    if (bytes[0] != kVerbatim || !in.ok() || size > kVerbatimValueBytesMax) return std::nullopt;
  }
  return size <= bytes.size() ? std::optional(size) : std::nullopt;
}

// Values as they are in a key: verbatim, or hashed if that is long.
std::string Bounded(std::string verbatim) {
  if (verbatim.size() <= kVerbatimValueBytesMax) return verbatim;
  const auto digest = Sha256(verbatim);
  verbatim[0] = kHashed;
  verbatim.resize(1 + kHashedPrefixBytes);
  verbatim.append(digest.data(), digest.size());
  return verbatim;
}

}  // namespace

RecordAddress RecordAddress::Of(RecordId id) {
  return {.slot = static_cast<uint16_t>(id.value() >> kPositionBits),
          .position = id.value() & kPositionMask};
}

RecordId RecordAddress::Id() const {
  return RecordId(static_cast<uint32_t>(slot) << kPositionBits | position);
}

RecordAddress RecordAddress::Next() const {
  RecordAddress next{.slot = slot, .position = (position + 1) & kPositionMask};
  if (next.Id() == RecordId()) next.position = 1;
  return next;
}

RecordAddress FirstAddress(std::string_view entity_type, std::string_view perspective,
                           std::string_view uid) {
  std::string identity;
  AppendString(&identity, entity_type);
  AppendString(&identity, perspective);
  AppendString(&identity, uid);
  const uint64_t hash = Hash64(identity);
  const RecordAddress address{.slot = SlotOf(hash),
                              .position = static_cast<uint32_t>(hash >> 32U) & kPositionMask};
  return address.Id() == RecordId() ? address.Next() : address;
}

BlockName NameOf(RecordId id) {
  const RecordAddress address = RecordAddress::Of(id);
  return BlockName(static_cast<uint64_t>(address.slot) << kSlotShift | address.position);
}

BlockName HandleOf(uint64_t counter) {
  return BlockName((counter % limits::kSlots) << kSlotShift | kHandleBit |
                   counter / limits::kSlots);
}

bool IsRecord(BlockName name) { return (name.value() & kHandleBit) == 0; }

RecordId RecordOf(BlockName name) {
  return RecordAddress{.slot = static_cast<uint16_t>(name.value() >> kSlotShift),
                       .position = static_cast<uint32_t>(name.value()) & kPositionMask}
      .Id();
}

std::string RecordKey::Encode() const {
  std::string out;
  AppendBig32(&out, record.value());
  return out;
}

std::optional<RecordKey> RecordKey::Decode(std::string_view key) {
  ByteReader in(key);
  const RecordKey out{.record = RecordId(in.Big32())};
  return in.done() ? std::optional(out) : std::nullopt;
}

std::string EncodeValues(const std::vector<std::string_view>& values) {
  std::string out(1, kVerbatim);
  for (const std::string_view value : values) AppendOrderedString(&out, value);
  return Bounded(std::move(out));
}

std::string EncodeValue(std::string_view value) {
  std::string out;
  out.reserve(value.size() + 3);
  out.push_back(kVerbatim);
  AppendOrderedString(&out, value);
  return Bounded(std::move(out));
}

bool AreVerbatim(std::string_view encoded) { return !encoded.empty() && encoded[0] == kVerbatim; }

std::optional<std::vector<std::string>> VerbatimValues(std::string_view encoded, size_t count) {
  if (!AreVerbatim(encoded)) return std::nullopt;
  ByteReader in(encoded.substr(1));
  std::vector<std::string> values;
  for (size_t i = 0; i < count; ++i) values.push_back(in.OrderedString());
  return in.done() ? std::optional(std::move(values)) : std::nullopt;
}

std::string GroupKey::Encode() const {
  std::string rest;
  AppendBig32(&rest, entity_type.value());
  AppendBig16(&rest, identity_key);
  rest += values;
  std::string out;
  AppendBig16(&out, SlotOf(Hash64(rest)));
  return out + rest;
}

std::optional<GroupKey> GroupKey::Decode(std::string_view key) {
  ByteReader in(key);
  const uint16_t slot = in.Big16();
  const uint64_t hash = Hash64(in.rest());
  GroupKey out;
  out.entity_type = SymbolId(in.Big32());
  out.identity_key = in.Big16();
  if (!in.ok() || slot != SlotOf(hash) || !IsEncoded(in.rest())) return std::nullopt;
  out.values = std::string(in.rest());
  return out;
}

namespace {

// The slot of a group stays in front, behind it what tells rows about the group apart.
template <typename Kind>
std::string TaggedGroup(Kind kind, std::string_view group) {
  std::string out(group.substr(0, 2));
  AppendBig8(&out, static_cast<uint8_t>(kind));
  out.append(group.substr(2));
  return out;
}

}  // namespace

std::string PieceSetKey::Encode() const {
  std::string out = Prefix(which, group);
  if (which == Which::kEntity) AppendBig64(&out, entity.value());
  return out;
}

std::string PieceSetKey::Prefix(Which which, std::string_view group) {
  return TaggedGroup(which, group);
}

std::optional<PieceSetKey> PieceSetKey::Decode(std::string_view key) {
  constexpr size_t kHeadBytes = 2 + 1;
  if (key.size() < kHeadBytes) return std::nullopt;
  const auto which = static_cast<uint8_t>(key[2]);
  if (which > static_cast<uint8_t>(Which::kEntity)) return std::nullopt;
  PieceSetKey out;
  out.which = static_cast<Which>(which);
  std::string_view rest = key.substr(kHeadBytes);
  if (out.which == Which::kEntity) {
    if (rest.size() < sizeof(uint64_t)) return std::nullopt;
    ByteReader in(rest.substr(rest.size() - sizeof(uint64_t)));
    out.entity = BlockName(in.Big64());
    rest.remove_suffix(sizeof(uint64_t));
  }
  out.group = std::string(key.substr(0, 2)) + std::string(rest);
  return GroupKey::Decode(out.group) ? std::optional(std::move(out)) : std::nullopt;
}

std::string PieceKey::Encode() const {
  std::string out = set;
  AppendBigSigned64(&out, interval.start);
  AppendBigSigned64(&out, interval.end);
  AppendBig32(&out, record.value());
  return out;
}

std::optional<PieceKey> PieceKey::Decode(std::string_view key) {
  constexpr size_t kTailBytes = 8 + 8 + 4;
  if (key.size() < kTailBytes) return std::nullopt;
  ByteReader in(key.substr(key.size() - kTailBytes));
  PieceKey out;
  out.set = std::string(key.substr(0, key.size() - kTailBytes));
  out.interval.start = in.BigSigned64();
  out.interval.end = in.BigSigned64();
  out.record = RecordId(in.Big32());
  const bool sound = out.interval.start < out.interval.end && PieceSetKey::Decode(out.set);
  return sound ? std::optional(std::move(out)) : std::nullopt;
}

std::string RunKey::Encode() const {
  std::string out = set;
  AppendBigSigned64(&out, start);
  return out;
}

std::optional<RunKey> RunKey::Decode(std::string_view key) {
  constexpr size_t kTailBytes = 8;
  if (key.size() < kTailBytes) return std::nullopt;
  ByteReader in(key.substr(key.size() - kTailBytes));
  RunKey out{.set = std::string(key.substr(0, key.size() - kTailBytes)), .start = in.BigSigned64()};
  return PieceSetKey::Decode(out.set) ? std::optional(std::move(out)) : std::nullopt;
}

namespace {

bool IsStance(DisputeKey::Kind kind) {
  return kind == DisputeKey::Kind::kNode || kind == DisputeKey::Kind::kEntity;
}

}  // namespace

std::string DisputeKey::Prefix(Kind kind, std::string_view group) {
  std::string sized(group.substr(0, 2));
  AppendBig16(&sized, static_cast<uint16_t>(group.size() - 2));
  sized.append(group.substr(2));
  return TaggedGroup(kind, sized);
}

std::string DisputeKey::RunPrefix() const {
  std::string out = Prefix(kind, group);
  AppendBigSigned64(&out, run);
  return out;
}

std::string DisputeKey::PlacePrefix() const {
  std::string out = RunPrefix();
  AppendBig16(&out, stance.identifier);
  AppendBig32(&out, stance.domain.value());
  return out;
}

std::string DisputeKey::ValuePrefix() const { return PlacePrefix() + stance.value; }

std::string DisputeKey::Encode() const {
  std::string out = IsStance(kind) ? ValuePrefix() : RunPrefix();
  if (kind == Kind::kEntities) AppendBig16(&out, stance.identifier);
  if (!IsStance(kind)) return out;
  AppendBigSigned64(&out, stance.interval.start);
  AppendBigSigned64(&out, stance.interval.end);
  AppendBig64(&out, stance.block.value());
  return out;
}

std::optional<DisputeKey> DisputeKey::Decode(std::string_view key) {
  ByteReader in(key);
  DisputeKey out;
  AppendBig16(&out.group, in.Big16());
  const uint8_t kind = in.Big8();
  if (kind > static_cast<uint8_t>(Kind::kEntities)) return std::nullopt;
  out.kind = static_cast<Kind>(kind);
  const size_t group_bytes = in.Big16();
  if (!in.ok() || in.rest().size() < group_bytes) return std::nullopt;
  out.group.append(in.rest().substr(0, group_bytes));
  in = ByteReader(in.rest().substr(group_bytes));
  out.run = in.BigSigned64();
  if (out.kind != Kind::kNodes) out.stance.identifier = in.Big16();
  if (IsStance(out.kind)) {
    out.stance.domain = SymbolId(in.Big32());
    const auto bytes = EncodedValueBytes(in.rest());
    if (!bytes) return std::nullopt;
    out.stance.value = std::string(in.rest().substr(0, *bytes));
    in = ByteReader(in.rest().substr(*bytes));
    out.stance.interval.start = in.BigSigned64();
    out.stance.interval.end = in.BigSigned64();
    out.stance.block = BlockName(in.Big64());
    if (out.stance.interval.start >= out.stance.interval.end) return std::nullopt;
  }
  const bool sound = in.done() && GroupKey::Decode(out.group);
  return sound ? std::optional(std::move(out)) : std::nullopt;
}

std::string NameKey::Encode() const {
  std::string out;
  AppendBig64(&out, name.value());
  return out;
}

std::optional<NameKey> NameKey::Decode(std::string_view key) {
  ByteReader in(key);
  const NameKey out{.name = BlockName(in.Big64())};
  return in.done() ? std::optional(out) : std::nullopt;
}

std::string KidKey::Prefix(BlockName block) { return NameKey{block}.Encode(); }

std::string KidKey::Prefix(BlockName block, SymbolId perspective) {
  std::string out = Prefix(block);
  AppendBig32(&out, perspective.value());
  return out;
}

std::string KidKey::Encode() const {
  std::string out = Prefix(block, perspective);
  AppendOrderedString(&out, uid);
  AppendBig64(&out, kid.value());
  return out;
}

std::optional<KidKey> KidKey::Decode(std::string_view key) {
  ByteReader in(key);
  KidKey out;
  out.block = BlockName(in.Big64());
  out.perspective = SymbolId(in.Big32());
  out.uid = in.OrderedString();
  out.kid = BlockName(in.Big64());
  return in.done() ? std::optional(out) : std::nullopt;
}

std::string TouchKey::Prefix(BlockName name, uint16_t level) {
  std::string out;
  AppendBig64(&out, name.value());
  AppendBig16(&out, level);
  return out;
}

std::string TouchKey::Encode() const { return Prefix(name, level) + group; }

std::optional<TouchKey> TouchKey::Decode(std::string_view key) {
  ByteReader in(key);
  TouchKey out;
  out.name = BlockName(in.Big64());
  out.level = in.Big16();
  if (!in.ok() || !GroupKey::Decode(in.rest())) return std::nullopt;
  out.group = std::string(in.rest());
  return out;
}

std::string AttributeValueKey::Prefix(SymbolId attribute, std::string_view encoded_value) {
  std::string out;
  out.reserve(kAttributeBytes + encoded_value.size() + TimedKey::kBytesMax);
  AppendBig32(&out, attribute.value());
  out.append(encoded_value);
  return out;
}

std::string AttributeValueKey::Encode() const {
  std::string out = Prefix(attribute, value);
  TimedKey{interval, record}.AppendTo(&out);
  return out;
}

std::optional<size_t> AttributeValueKey::PrefixBytes(std::string_view key) {
  if (key.size() <= kAttributeBytes) return std::nullopt;
  const std::optional<size_t> value_bytes = EncodedValueBytes(key.substr(kAttributeBytes));
  return value_bytes ? std::optional(kAttributeBytes + *value_bytes) : std::nullopt;
}

std::optional<AttributeValueKey> AttributeValueKey::Decode(std::string_view key) {
  const std::optional<size_t> prefix_bytes = PrefixBytes(key);
  if (!prefix_bytes) return std::nullopt;
  const auto timed = TimedKey::Decode(key.substr(*prefix_bytes));
  if (!timed) return std::nullopt;
  const std::string_view value = key.substr(0, *prefix_bytes).substr(kAttributeBytes);
  return AttributeValueKey{.attribute = SymbolId(ByteReader(key).Big32()),
                           .value = std::string(value),
                           .interval = timed->interval,
                           .record = timed->record};
}

std::string SourceKey::Prefix(SymbolId entity_type) {
  std::string out;
  out.reserve(kPrefixBytes + TimedKey::kBytesMax);
  AppendBig32(&out, entity_type.value());
  return out;
}

std::string SourceKey::Prefix(SymbolId entity_type, SymbolId perspective) {
  std::string out = Prefix(entity_type);
  AppendBig32(&out, perspective.value());
  return out;
}

std::string SourceKey::Encode() const {
  std::string out = Prefix(entity_type, perspective);
  TimedKey{interval, record}.AppendTo(&out);
  return out;
}

std::optional<SourceKey> SourceKey::Decode(std::string_view key) {
  if (key.size() <= kPrefixBytes) return std::nullopt;
  const auto timed = TimedKey::Decode(key.substr(kPrefixBytes));
  if (!timed) return std::nullopt;
  ByteReader in(key);
  SourceKey out;
  out.entity_type = SymbolId(in.Big32());
  out.perspective = SymbolId(in.Big32());
  out.interval = timed->interval;
  out.record = timed->record;
  return out;
}

std::string ConflictKey::Encode() const {
  std::string out;
  AppendBig8(&out, static_cast<uint8_t>(kind));
  AppendOrderedString(&out, attribute);
  AppendBigSigned64(&out, interval.start);
  AppendBigSigned64(&out, interval.end);
  AppendOrderedString(&out, cause);
  AppendOrderedString(&out, std::string_view(first_record).substr(0, kConflictNameBytesMax));
  out += owner;
  AppendBig32(&out, ordinal);
  return out;
}

std::optional<ConflictKey> ConflictKey::Decode(std::string_view key) {
  ByteReader in(key);
  ConflictKey out;
  const uint8_t kind = in.Big8();
  out.attribute = in.OrderedString();
  out.interval.start = in.BigSigned64();
  out.interval.end = in.BigSigned64();
  out.cause = in.OrderedString();
  out.first_record = in.OrderedString();
  out.owner = in.Bytes(kConflictOwnerBytes);
  out.ordinal = in.Big32();
  if (!in.done() || kind > static_cast<uint8_t>(ConflictKind::kIndirect)) return std::nullopt;
  if (out.first_record.size() > kConflictNameBytesMax) return std::nullopt;
  out.kind = static_cast<ConflictKind>(kind);
  return out;
}

std::string_view ConflictKey::SortPart(std::string_view key) {
  constexpr size_t kTailBytes = kConflictOwnerBytes + 4;
  return key.substr(0, key.size() < kTailBytes ? 0 : key.size() - kTailBytes);
}

std::string ConflictOwnerKey::Entity(BlockName name) {
  std::string out;
  AppendBig16(&out, static_cast<uint16_t>(name.value() >> kSlotShift));
  out.push_back('e');
  AppendBig64(&out, name.value());
  return out;
}

std::optional<BlockName> ConflictOwnerKey::EntityOf(std::string_view key) {
  ByteReader in(key);
  in.Big16();
  if (in.Big8() != 'e') return std::nullopt;
  const BlockName name(in.Big64());
  return in.done() && Entity(name) == key ? std::optional(name) : std::nullopt;
}

std::string ConflictOwnerKey::Group(std::string_view group_key) {
  std::string out(group_key.substr(0, 2));
  out.push_back('g');
  out.append(group_key.substr(2));
  return out;
}

std::string ConflictOwnerKey::Run(std::string_view group_key, Instant start) {
  std::string out(group_key.substr(0, 2));
  out.push_back('r');
  out.append(group_key.substr(2));
  AppendBigSigned64(&out, start);
  return out;
}

std::string ConflictOwnerKey::SharedValue(uint16_t constraint, SymbolId entity_type,
                                          SymbolId perspective, std::string_view encoded_value) {
  std::string rest(1, 'v');
  AppendBig16(&rest, constraint);
  AppendBig32(&rest, entity_type.value());
  AppendBig32(&rest, perspective.value());
  rest.append(encoded_value);
  std::string out;
  AppendBig16(&out, SlotOf(Hash64(rest)));
  return out + rest;
}

void Voice::AppendTo(std::string* out) const {
  AppendBig64(out, entity.value());
  AppendBig32(out, attribute.value());
  AppendBig32(out, perspective.value());
}

Voice Voice::Decode(std::string_view prefix) {
  ByteReader in(prefix);
  Voice out;
  out.entity = BlockName(in.Big64());
  out.attribute = SymbolId(in.Big32());
  out.perspective = SymbolId(in.Big32());
  return out;
}

std::string HeldValueKey::Prefix(const Voice& voice, std::string_view encoded_value) {
  std::string out;
  out.reserve(Voice::kBytes + encoded_value.size() + 2 * sizeof(Instant));
  voice.AppendTo(&out);
  out.append(encoded_value);
  return out;
}

std::string HeldValueKey::Encode() const {
  std::string out = Prefix(voice, value);
  AppendBigSigned64(&out, interval.start);
  AppendBigSigned64(&out, interval.end);
  return out;
}

std::optional<HeldValueKey> HeldValueKey::Decode(std::string_view key) {
  if (key.size() <= Voice::kBytes) return std::nullopt;
  HeldValueKey out{.voice = Voice::Decode(key), .value = "", .interval = {}};
  const std::optional<size_t> value_bytes = EncodedValueBytes(key.substr(Voice::kBytes));
  if (!value_bytes) return std::nullopt;
  out.value = std::string(key.substr(Voice::kBytes, *value_bytes));
  ByteReader in(key.substr(Voice::kBytes + *value_bytes));
  out.interval.start = in.BigSigned64();
  out.interval.end = in.BigSigned64();
  return in.done() && out.interval.start < out.interval.end ? std::optional(out) : std::nullopt;
}

std::string StretchKey::Prefix(BlockName entity) { return NameKey{entity}.Encode(); }

std::string StretchKey::Prefix(const Voice& voice, Part part) {
  std::string out;
  voice.AppendTo(&out);
  AppendBig8(&out, static_cast<uint8_t>(part));
  return out;
}

std::string StretchKey::Encode() const {
  std::string out = Prefix(voice, part);
  AppendBigSigned64(&out, start);
  return out;
}

std::optional<StretchKey> StretchKey::Decode(std::string_view key) {
  if (key.size() <= Voice::kBytes) return std::nullopt;
  ByteReader in(key.substr(Voice::kBytes));
  const uint8_t part = in.Big8();
  const StretchKey out{.voice = Voice::Decode(key),
                       .part = static_cast<Part>(part),
                       .start = in.BigSigned64()};
  const bool known = part <= static_cast<uint8_t>(Part::kFirstRecords);
  return in.done() && known ? std::optional(out) : std::nullopt;
}

std::string ExpiryKey::Prefix(Instant due) {
  std::string out;
  AppendBigSigned64(&out, due);
  return out;
}

std::string ExpiryKey::Encode() const {
  std::string out = Prefix(due);
  AppendBig32(&out, record.value());
  return out;
}

std::optional<ExpiryKey> ExpiryKey::Decode(std::string_view key) {
  ByteReader in(key);
  ExpiryKey out;
  out.due = in.BigSigned64();
  out.record = RecordId(in.Big32());
  return in.done() ? std::optional(out) : std::nullopt;
}

}  // namespace unirust::store
