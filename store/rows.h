// The values of every family: plain structs with Encode and a checked Decode (false: the bytes are not what Encode
// writes; the caller answers DATA_LOSS). Layouts are in docs/key-encoding.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "store/keys.h"

namespace unirust::store {

// A descriptor as stored: attribute interned, value inline.
struct StoredDescriptor {
  SymbolId attribute;
  std::string value;
  Interval interval;
  bool operator==(const StoredDescriptor&) const = default;
};

// family records
struct RecordRow {
  SymbolId entity_type;
  SymbolId perspective;
  std::string uid;
  int64_t version = 0;
  bool retracted = false;
  RecordId successor;  // retracted only: a record that was in the same entity then; 0 if it was alone
  std::vector<StoredDescriptor> descriptors;  // canonical order (by the attributes' text), coalesced
  // What is left where a record was erased (docs/erasure.md): retracted, and of no identity.
  static RecordRow Erased();
  bool erased() const { return entity_type == SymbolId(); }
  std::string Encode() const;
  static bool Decode(std::string_view bytes, RecordRow* out);
};

// What a record or block says under one strong identifier (semantics.md, 5): all values held at one instant.
struct StrongRow {
  uint16_t identifier = 0;  // position in the ontology
  SymbolId domain;          // the perspective, or 0 where values compare across perspectives
  Interval interval;
  std::vector<std::string> values;  // sorted bytewise, at least one
  auto Tie() const { return std::tie(identifier, domain, interval, values); }
  friend bool operator==(const StrongRow& a, const StrongRow& b) { return a.Tie() == b.Tie(); }
  friend bool operator<(const StrongRow& a, const StrongRow& b) { return a.Tie() < b.Tie(); }
};

// A strong row and how many of a block's records have it.
struct CountedStrongRow {
  StrongRow row;
  uint64_t records = 1;
  bool operator==(const CountedStrongRow&) const = default;
};

// family names: where a block went, the settled parts that it is in (docs/resolution.md), and what else is stored about
// it, so that the usual block without any of it costs no look-up
struct NameRow {
  uint16_t up_level = 0;  // the level at which it became a kid of `up`; 0: it is a block of the last level
  BlockName up;
  struct InPart {
    uint16_t level;
    BlockName part;
    bool operator==(const InPart&) const = default;
  };
  std::vector<InPart> parts;
  uint32_t touches = 0;    // rows of family touches with this name
  bool conflicts = false;  // there is a conflict_owners row of this entity
  bool operator==(const NameRow&) const = default;
  bool empty() const { return up_level == 0 && parts.empty() && touches == 0 && !conflicts; }
  void ClearUp() {
    up_level = 0;
    up = BlockName();
  }
  std::string Encode() const;
  static bool Decode(std::string_view bytes, NameRow* out);
};

// The first record of a block in canonical order, with what orders it.
struct FirstRecord {
  RecordId id;
  SymbolId perspective;
  std::string uid;
  bool operator==(const FirstRecord&) const = default;
};

// family blocks: a block of two or more nodes, made at `level`
struct BlockRow {
  uint16_t level = 0;
  FirstRecord first;
  uint64_t records = 0;
  std::vector<BlockName> kids;           // blocks of lower levels; empty if it is large
  bool large = false;                    // its kids are in a family of their own (docs/resolution.md, 8)
  uint64_t large_kids = 0;               // of a large one: how many
  std::vector<CountedStrongRow> strong;  // sorted, rows distinct: what its records say, each for itself
  bool operator==(const BlockRow&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, BlockRow* out);
};

// family blocks: what settling (semantics.md, 6.3) left of one connected part
struct PartRow {
  uint16_t level = 0;
  std::vector<BlockName> blocks;
  bool operator==(const PartRow&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, PartRow* out);
};

// One time at which a record holds a key value.
struct Piece {
  Interval interval;
  RecordId record;
  friend auto operator<=>(const Piece&, const Piece&) = default;
};

// family groups: the records of one type that hold one value of one identity key
struct GroupRow {
  std::vector<std::string> values;     // only where the key does not have them verbatim
  std::vector<Piece> pieces;           // sorted; empty if it is large
  bool large = false;                  // its pieces and runs are in families of their own (docs/resolution.md, 8)
  uint64_t large_pieces = 0;           // of a large one: how many
  uint64_t large_records = 0;          // and of how many records
  bool divided = false;                // a run has records of several blocks of its level
  uint64_t edges = 0;                  // same_as edges of all its runs
  bool followed = false;               // a large one: its disputes are kept row by row (docs/resolution.md, 9)
  // Its rows in family touches, unless it is followed: then it is registered with all that have pieces in it.
  std::vector<BlockName> node_touches;    // nodes (level of the key)
  std::vector<BlockName> entity_touches;  // and entities (kEntityLevel)
  bool operator==(const GroupRow&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, GroupRow* out);
};

// family runs
struct RunRow {
  Instant end = 0;
  uint64_t pieces = 0;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, RunRow* out);
};

// family disputes, by nodes: of a run
struct DisputedNodesRow {
  uint64_t nodes = 0;  // how many are disputed; one at least
  std::string Encode() const;
  static bool Decode(std::string_view bytes, DisputedNodesRow* out);
};

// family disputes, by entities: of a run and a strong identifier on which some of its entities clash
struct DisputedEntitiesRow {
  uint64_t entities = 0;  // that do
  uint64_t records = 0;   // of these that have pieces in the run
  // The first ones in canonical order, of all of them or as many as the one who writes keeps.
  std::vector<FirstRecord> first_entities;  // by their first records
  std::vector<FirstRecord> first_records;
  bool operator==(const DisputedEntitiesRow&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, DisputedEntitiesRow* out);
};

// family attribute_values
struct AttributeValueRow {
  SymbolId entity_type;
  SymbolId perspective;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, AttributeValueRow* out);
};

// family held_values
struct HeldValueRow {
  uint64_t records = 0;  // how many hold it
  std::string value;     // only where the key does not have it verbatim
  std::string Encode() const;
  static bool Decode(std::string_view bytes, HeldValueRow* out);
};

// family stretches
struct StretchRow {
  Instant end = 0;
  uint64_t values = 0;   // how many are held
  uint64_t steps = 0;    // how many begin or end to be held at its start
  uint64_t records = 0;  // that hold one of them in it
  FirstRecord first;     // of these
  FirstRecord last_listed;   // the last one that the row of first records has
  uint32_t listed = 0;       // how many it has
  bool operator==(const StretchRow&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, StretchRow* out);
};

// family stretches: the first records of a stretch, in canonical order
struct FirstRecordsRow {
  std::vector<FirstRecord> records;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, FirstRecordsRow* out);
};

// family conflicts: what the key does not say
struct ConflictRow {
  // Set for those of a large entity: its records and values are in families stretches and held_values, the others below
  // are empty but for `entity_type`.
  std::optional<Voice> voice;
  std::string entity_type;
  std::vector<Identity> records;  // entity_type is not repeated in them on disk
  uint64_t record_count = 0;
  std::string key;
  std::vector<std::string> values;
  std::vector<std::string> entities;
  uint64_t entity_count = 0;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, ConflictRow* out);
};

// family conflict_owners
struct ConflictOwnerRow {
  std::vector<std::string> keys;  // in family conflicts
  uint64_t edges = 0;             // conflicts_with edges of these entries
  bool operator==(const ConflictOwnerRow&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, ConflictOwnerRow* out);
};

// family meta, name "counters"
struct CountersRow {
  uint64_t records = 0;  // live
  uint64_t entities = 0;
  uint64_t conflicts = 0;
  uint64_t same_as = 0;
  uint64_t conflicts_with = 0;
  uint64_t handles = 0;  // made so far
  std::string Encode() const;
  static bool Decode(std::string_view bytes, CountersRow* out);
};

// family meta, row "retention"
struct RetentionRow {
  Instant declared = 0;  // every descriptor that was due before it is gone
  std::string Encode() const;
  static bool Decode(std::string_view bytes, RetentionRow* out);
};

// family meta, row "erasures"; absent: nothing was ever erased
inline constexpr char kErasuresKey[] = "erasures";
struct ErasuresRow {
  Erasures erasures;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, ErasuresRow* out);
};

}  // namespace unirust::store
