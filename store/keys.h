// The only codec of keys: one struct per kind of key, with Encode and a checked Decode. Integers
// are big-endian (signed ones with the sign bit flipped), so that bytewise order is logical order.
// docs/key-encoding.md shows the layouts; golden bytes are in tests/store/keys_test.cc.
//
// Placement: everything that is a record's or a key value's own begins with its slot (one of
// limits::kSlots), so that a slot is a range. Listings (attribute values, sources, conflicts,
// expiries) are local to a shard and ordered for reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interner/interner.h"
#include "model/answers.h"
#include "model/time.h"
#include "store/timed_key.h"

namespace unirust::store {

using interner::SymbolId;

// --- addresses -------------------------------------------------------------------------------------

// A record id is its slot (10 bits, from the hash of the identity) and a position in the slot (22 bits, also from the
// hash; the next free one on a collision). So an identity is found without an index, and an id tells its slot.
struct RecordAddress {
  uint16_t slot;
  uint32_t position;
  static RecordAddress Of(RecordId id);
  RecordId Id() const;
  // The address to try after this one: same slot, next position; never id 0.
  RecordAddress Next() const;
};

// Where the record of this identity is looked for first.
RecordAddress FirstAddress(std::string_view entity_type, std::string_view perspective,
                           std::string_view uid);

// The name of a block (docs/resolution.md): a record, or a handle that stands for several. Slot in
// the top 10 bits; bit 53 tells handles from records.
using BlockName = StrongId<struct BlockNameTag, uint64_t>;
BlockName NameOf(RecordId id);
BlockName HandleOf(uint64_t counter);      // counter from 1
bool IsRecord(BlockName name);
RecordId RecordOf(BlockName name);  // only if IsRecord(name)

// --- keys ------------------------------------------------------------------------------------------

// family records: the record
struct RecordKey {
  RecordId record;
  std::string Encode() const;
  static std::optional<RecordKey> Decode(std::string_view key);
};

// Values of a key or an index entry, in key bytes: verbatim up to kVerbatimValueBytesMax in all, else a prefix and the
// SHA-256 of the whole. Equal bytes mean equal values.
inline constexpr size_t kVerbatimValueBytesMax = 64;
std::string EncodeValues(const std::vector<std::string_view>& values);
std::string EncodeValue(std::string_view value);  // of one
bool AreVerbatim(std::string_view encoded);
// The values, or nothing if they are not in the bytes verbatim (or the bytes are malformed).
std::optional<std::vector<std::string>> VerbatimValues(std::string_view encoded, size_t count);

// family groups: slot, entity type, identity key (position in the ontology), values (EncodeValues)
struct GroupKey {
  SymbolId entity_type;
  uint16_t identity_key = 0;
  std::string values;
  std::string Encode() const;
  static std::optional<GroupKey> Decode(std::string_view key);
};

// Which pieces of a large group (docs/resolution.md, 8 and 9): all, those that time chains link, or one entity's.
struct PieceSetKey {
  enum class Which : uint8_t { kAll, kLinked, kEntity };
  Which which = Which::kAll;
  std::string group;  // GroupKey, encoded
  BlockName entity;   // of kEntity
  std::string Encode() const;
  static std::string Prefix(Which which, std::string_view group);  // of all sets of the kind
  static std::optional<PieceSetKey> Decode(std::string_view key);
};

// family pieces: one of a set
struct PieceKey {
  std::string set;  // PieceSetKey, encoded
  Interval interval;
  RecordId record;
  std::string Encode() const;
  static std::optional<PieceKey> Decode(std::string_view key);
};

// family runs: of a set
struct RunKey {
  std::string set;  // PieceSetKey, encoded
  Instant start = 0;
  std::string Encode() const;
  static std::optional<RunKey> Decode(std::string_view key);
};

// families names and blocks
struct NameKey {
  BlockName name;
  std::string Encode() const;
  static std::optional<NameKey> Decode(std::string_view key);
};

// family disputes: about a run of a followed group (docs/resolution.md, 9)
struct DisputeKey {
  enum class Kind : uint8_t { kNode, kEntity, kNodes, kEntities };
  Kind kind = Kind::kNodes;
  std::string group;  // GroupKey, encoded
  Instant run = 0;    // its start
  // What a node or an entity says (kNode, kEntity).
  struct Stance {
    uint16_t identifier = 0;
    SymbolId domain;
    std::string value;  // EncodeValue(value)
    Interval interval;
    BlockName block;
    bool operator==(const Stance&) const = default;
  };
  Stance stance;  // of kEntities the identifier alone, of kNodes nothing
  std::string Encode() const;
  static std::string Prefix(Kind kind, std::string_view group);
  std::string RunPrefix() const;    // of what the kind has about the run
  std::string PlacePrefix() const;  // and of the identifier and domain
  std::string ValuePrefix() const;  // and of the value
  static std::optional<DisputeKey> Decode(std::string_view key);
};

// family kids: of a large block (docs/resolution.md, 8), by the kid's first record
struct KidKey {
  BlockName block;
  SymbolId perspective;  // of the first record
  std::string uid;
  BlockName kid;
  std::string Encode() const;
  static std::string Prefix(BlockName block);
  static std::string Prefix(BlockName block, SymbolId perspective);
  static std::optional<KidKey> Decode(std::string_view key);
};

// family touches: the divided groups to look at again when a block of a level changes. `level` is
// 1-based; the entities' own rows have level kEntityLevel.
inline constexpr uint16_t kEntityLevel = 0xFFFF;
struct TouchKey {
  BlockName name;
  uint16_t level = 0;
  std::string group;  // GroupKey, encoded
  std::string Encode() const;
  static std::string Prefix(BlockName name, uint16_t level);
  static std::optional<TouchKey> Decode(std::string_view key);
};

// family attribute_values: attribute, value, time and record (timed_key.h)
struct AttributeValueKey {
  SymbolId attribute;
  std::string value;  // EncodeValue(value)
  Interval interval;
  RecordId record;
  std::string Encode() const;
  static std::string Prefix(SymbolId attribute, std::string_view encoded_value);
  // How many bytes of a key that begins with a Prefix are the Prefix; nothing if none is. Allocates nothing.
  static std::optional<size_t> PrefixBytes(std::string_view key);
  static std::optional<AttributeValueKey> Decode(std::string_view key);
};

// family sources: entity type, perspective, time and record (timed_key.h). One for each time at which the record says
// anything, coalesced; of a record that says nothing one for all time.
struct SourceKey {
  static constexpr size_t kPrefixBytes = 8;
  SymbolId entity_type;
  SymbolId perspective;
  Interval interval;
  RecordId record;
  std::string Encode() const;
  static std::string Prefix(SymbolId entity_type);
  static std::string Prefix(SymbolId entity_type, SymbolId perspective);
  static std::optional<SourceKey> Decode(std::string_view key);
};

// family conflicts: ordered as ListConflicts answers. Entries that agree in all fields up to `first_record` (its name,
// cut at kConflictNameBytesMax) are sorted by the reader; owner and ordinal make the key unique.
inline constexpr size_t kConflictNameBytesMax = 256;
inline constexpr size_t kConflictOwnerBytes = 16;
struct ConflictKey {
  ConflictKind kind = ConflictKind::kDirect;
  std::string attribute;
  Interval interval;
  std::string cause;
  std::string first_record;
  std::string owner;  // kConflictOwnerBytes of the SHA-256 of the owner's key
  uint32_t ordinal = 0;
  std::string Encode() const;
  static std::optional<ConflictKey> Decode(std::string_view key);
  // The part that sorts: the key without owner and ordinal.
  static std::string_view SortPart(std::string_view key);
};

// family conflict_owners: who an entry was computed for, so that it can be computed anew
struct ConflictOwnerKey {
  static std::string Entity(BlockName name);
  static std::optional<BlockName> EntityOf(std::string_view key);  // nothing if the owner is no entity
  static std::string Group(std::string_view group_key);
  static std::string Run(std::string_view group_key, Instant start);  // of a followed group
  static std::string SharedValue(uint16_t constraint, SymbolId entity_type, SymbolId perspective,
                                 std::string_view encoded_value);
};

// What is said of one attribute inside a large entity (docs/resolution.md, 7): by all its records, or by those of one
// perspective.
struct Voice {
  BlockName entity;
  SymbolId attribute;
  SymbolId perspective;  // 0: all
  auto operator<=>(const Voice&) const = default;
  void AppendTo(std::string* out) const;
  static constexpr size_t kBytes = 16;
  static Voice Decode(std::string_view prefix);  // of kBytes or more
};

// family held_values: records of the entity hold the value for exactly this time
struct HeldValueKey {
  Voice voice;
  std::string value;  // EncodeValue(value)
  Interval interval;
  std::string Encode() const;
  static std::string Prefix(const Voice& voice, std::string_view encoded_value);
  static std::optional<HeldValueKey> Decode(std::string_view key);
};

// family stretches: a maximal time in which the records of a voice hold the same values, one or more; and the first of
// its records
struct StretchKey {
  enum class Part : uint8_t { kStretch, kFirstRecords };
  Voice voice;
  Part part = Part::kStretch;
  Instant start = 0;
  std::string Encode() const;
  static std::string Prefix(BlockName entity);
  static std::string Prefix(const Voice& voice, Part part);
  static std::optional<StretchKey> Decode(std::string_view key);
};

// family expiries: a live record and an instant at which descriptors of it are due (docs/ontology.md, Retention)
struct ExpiryKey {
  Instant due = 0;
  RecordId record;
  std::string Encode() const;
  static std::string Prefix(Instant due);
  static std::optional<ExpiryKey> Decode(std::string_view key);
};

}  // namespace unirust::store
