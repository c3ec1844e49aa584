#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/listings.h"
#include "resolve/set_digest.h"
#include "resolve/stretch_entries.h"
#include "resolve/verify.h"

namespace unirust::resolve {
namespace {

using store::Family;

constexpr size_t kChunk = 2000;  // rows that are looked up together
constexpr uint64_t kProgressRows = 100000;

// Handles differ between two resolutions. A block is told by its level and its first record: the blocks of one level
// have different ones.
std::string CanonicalName(WorkingSet& rows, BlockName name) {
  std::string out;
  if (store::IsRecord(name)) {
    AppendBig16(&out, 0);
    AppendBig32(&out, store::RecordOf(name).value());
  } else {
    const BlockRow& block = rows.Block(name).now();
    AppendBig16(&out, block.level);
    AppendBig32(&out, block.first.id.value());
  }
  return out;
}

std::string CanonicalNames(WorkingSet& rows, const std::vector<BlockName>& names) {
  std::vector<std::string> all;
  for (const BlockName name : names) all.push_back(CanonicalName(rows, name));
  std::sort(all.begin(), all.end());
  std::string out;
  for (const std::string& name : all) out += name;
  return out;
}

std::string Tagged(BlockName name, uint16_t level, std::string_view rest) {
  std::string out;
  AppendBig64(&out, name.value());
  AppendBig16(&out, level);
  out.append(rest);
  return out;
}

// What one generation says in several places. Pairs of digests that must be equal.
struct Inverses {
  SetDigest ups, kids;                    // names: kid of whom; blocks: whose kid
  SetDigest in_parts, part_blocks;        // names: in which part; parts: which blocks
  SetDigest touch_counts, touch_names;    // names: how many; touches: of whom
  SetDigest with_conflicts, owners;       // names: owns conflicts; conflict_owners: which entity
  SetDigest owned, conflicts;             // conflict_owners, stretches: which entries; conflicts
  SetDigest list_ends, lists;             // stretches: which records are listed first and last; the lists
};

// What of one generation does not depend on handles.
struct Content {
  SetDigest blocks;
  SetDigest parts;
  SetDigest owners;
  SetDigest expiries;
  SetDigest held_values;
  SetDigest stretches;
  SetDigest pieces;
  SetDigest runs;
  SetDigest kids;
  SetDigest touches;
  SetDigest disputes;
  Inverses inverses;
};

class GenerationReader {
 public:
  GenerationReader(const ReadContext& context, VerifyReport& report, bool tell)
      : context_(context), names_(*context.interner), report_(report), tell_(tell) {}

  absl::StatusOr<Content> Run() {
    UNIRUST_RETURN_IF_ERROR(Walk<NameRow>(Family::kNames, &GenerationReader::TakeName));
    UNIRUST_RETURN_IF_ERROR(WalkBlocks());
    UNIRUST_RETURN_IF_ERROR(WalkOwners());
    UNIRUST_RETURN_IF_ERROR(WalkKeys(Family::kConflicts, content_.inverses.conflicts));
    UNIRUST_RETURN_IF_ERROR(WalkKeys(Family::kExpiries, content_.expiries));
    using Reader = GenerationReader;
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kTouches, &Reader::TakeTouch));
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kPieces, &Reader::TakePiece));
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kRuns, &Reader::TakeRun));
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kDisputes, &Reader::TakeDispute));
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kKids, &Reader::TakeKid));
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kHeldValues, &Reader::TakeHeldValue));
    UNIRUST_RETURN_IF_ERROR(WalkRowsOfBlocks(Family::kStretches, &Reader::TakeStretch));
    UNIRUST_RETURN_IF_ERROR(names_.status());
    return content_;
  }

 private:
  template <typename Row>
  absl::Status Walk(Family family, void (GenerationReader::*take)(std::string_view, const Row&)) {
    uint64_t rows = 0;
    const auto cursor = context_.reader.Scan(family, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      Row row;
      if (Row::Decode(cursor->value(), &row)) {
        (this->*take)(cursor->key(), row);
      } else {
        Undecodable(family, cursor->key());
      }
      Count(family, ++rows);
    }
    return cursor->status();
  }

  // Their values are empty, or others are compared by what they mean.
  absl::Status WalkKeys(Family family, SetDigest& digest) {
    return WalkRows(family, [&](std::string_view key, std::string_view) { digest.Add(key); });
  }

  absl::Status WalkRows(Family family,
                        absl::FunctionRef<void(std::string_view, std::string_view)> take) {
    uint64_t rows = 0;
    const auto cursor = context_.reader.Scan(family, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      take(cursor->key(), cursor->value());
      Count(family, ++rows);
    }
    return cursor->status();
  }

  void Count(Family family, uint64_t rows) {
    if (tell_ && rows % kProgressRows == 0) report_.Progress(store::FamilyName(family), rows);
  }

  void Undecodable(Family family, std::string_view key) {
    if (tell_) report_.Fault(std::string(store::Damaged(family, key).message()));
  }

  void TakeName(std::string_view key, const NameRow& row) {
    const auto name = store::NameKey::Decode(key);
    if (!name) return Undecodable(Family::kNames, key);
    if (row.up_level != 0) {
      content_.inverses.ups.Add(Tagged(name->name, row.up_level, store::NameKey{row.up}.Encode()));
    }
    for (const NameRow::InPart& part : row.parts) {
      content_.inverses.in_parts.Add(
          Tagged(name->name, part.level, store::NameKey{part.part}.Encode()));
    }
    content_.inverses.touch_counts.Add(key, row.touches);
    if (row.conflicts) content_.inverses.with_conflicts.Add(key);
  }

  // Blocks and parts, some thousand at a time, so that what they name is read in sweeps.
  absl::Status WalkBlocks() {
    uint64_t rows = 0;
    const auto cursor = context_.reader.Scan(Family::kBlocks, "", "");
    while (cursor->Valid()) {
      std::vector<std::pair<BlockName, PartRow>> parts;
      for (size_t n = 0; n < kChunk && cursor->Valid(); cursor->Next(), ++n) {
        Count(Family::kBlocks, ++rows);
        const auto key = store::NameKey::Decode(cursor->key());
        BlockRow block;
        PartRow part;
        if (key && BlockRow::Decode(cursor->value(), &block)) {
          TakeBlock(key->name, std::move(block));
        } else if (key && PartRow::Decode(cursor->value(), &part)) {
          parts.emplace_back(key->name, std::move(part));
        } else {
          Undecodable(Family::kBlocks, cursor->key());
        }
      }
      UNIRUST_RETURN_IF_ERROR(TakeParts(parts));
    }
    return cursor->status();
  }

  void TakeBlock(BlockName name, BlockRow block) {
    for (const BlockName kid : block.kids) {
      content_.inverses.kids.Add(Tagged(kid, block.level, store::NameKey{name}.Encode()));
    }
    const std::string kids = std::to_string(KidCount(block));
    block.kids.clear();  // handles; the levels below tell who they are
    content_.blocks.Add(block.Encode(), kids);
  }

  absl::Status TakeParts(const std::vector<std::pair<BlockName, PartRow>>& parts) {
    WorkingSet rows(context_.reader, *context_.rules);
    std::vector<BlockName> named;
    for (const auto& [name, part] : parts) {
      for (const BlockName block : part.blocks) {
        if (!store::IsRecord(block)) named.push_back(block);
      }
    }
    rows.PreloadBlocks(named);
    for (const auto& [name, part] : parts) {
      for (const BlockName block : part.blocks) {
        content_.inverses.part_blocks.Add(
            Tagged(block, part.level, store::NameKey{name}.Encode()));
      }
      content_.parts.Add(std::to_string(part.level), CanonicalNames(rows, part.blocks));
    }
    return rows.status();
  }

  absl::Status WalkOwners() {
    uint64_t rows = 0;
    const auto cursor = context_.reader.Scan(Family::kConflictOwners, "", "");
    while (cursor->Valid()) {
      std::vector<Owner> owners;
      for (; owners.size() < kChunk && cursor->Valid(); cursor->Next()) {
        Count(Family::kConflictOwners, ++rows);
        store::ConflictOwnerRow row;
        if (!store::ConflictOwnerRow::Decode(cursor->value(), &row)) {
          Undecodable(Family::kConflictOwners, cursor->key());
          continue;
        }
        for (const std::string& entry : row.keys) content_.inverses.owned.Add(entry);
        owners.push_back({std::string(cursor->key()), row.keys.size(), row.edges});
      }
      UNIRUST_RETURN_IF_ERROR(TakeOwners(owners));
    }
    return cursor->status();
  }

  struct Owner {
    std::string key;
    size_t entries;
    uint64_t edges;
  };

  absl::Status TakeOwners(const std::vector<Owner>& owners) {
    WorkingSet rows(context_.reader, *context_.rules);
    std::vector<BlockName> blocks;
    for (const Owner& owner : owners) {
      const auto entity = store::ConflictOwnerKey::EntityOf(owner.key);
      if (entity && !store::IsRecord(*entity)) blocks.push_back(*entity);
    }
    rows.PreloadBlocks(blocks);
    for (const Owner& owner : owners) {
      const auto entity = store::ConflictOwnerKey::EntityOf(owner.key);
      if (entity) content_.inverses.owners.Add(store::NameKey{*entity}.Encode());
      content_.owners.Add(entity ? CanonicalName(rows, *entity) : owner.key,
                          std::to_string(owner.entries) + " " + std::to_string(owner.edges));
    }
    return rows.status();
  }

  // Rows that name blocks, some thousand at a time.
  absl::Status WalkRowsOfBlocks(Family family,
                                void (GenerationReader::*take)(WorkingSet&, std::string_view,
                                                               std::string_view)) {
    uint64_t seen = 0;
    const auto cursor = context_.reader.Scan(family, "", "");
    while (cursor->Valid()) {
      WorkingSet rows(context_.reader, *context_.rules);
      for (size_t n = 0; n < kChunk && cursor->Valid(); cursor->Next(), ++n) {
        Count(family, ++seen);
        (this->*take)(rows, cursor->key(), cursor->value());
      }
      UNIRUST_RETURN_IF_ERROR(rows.status());
    }
    return cursor->status();
  }

  // The key with a name for the entity that does not depend on handles.
  static std::string CanonicalKey(WorkingSet& rows, const store::Voice& voice,
                                  std::string_view key) {
    return CanonicalName(rows, voice.entity) + std::string(key.substr(sizeof(BlockName)));
  }

  void TakeTouch(WorkingSet& rows, std::string_view key, std::string_view /*value*/) {
    const auto touch = store::TouchKey::Decode(key);
    if (!touch) return Undecodable(Family::kTouches, key);
    content_.inverses.touch_names.Add(store::NameKey{touch->name}.Encode(), 1);
    std::string place = CanonicalName(rows, touch->name);
    AppendBig16(&place, touch->level);
    content_.touches.Add(place, touch->group);
  }

  static std::string CanonicalSet(WorkingSet& rows, const store::PieceSetKey& set) {
    if (set.which != store::PieceSetKey::Which::kEntity) return set.Encode();
    return store::PieceSetKey::Prefix(set.which, set.group) + CanonicalName(rows, set.entity);
  }

  void TakePiece(WorkingSet& rows, std::string_view key, std::string_view /*value*/) {
    const auto piece = store::PieceKey::Decode(key);
    const auto set = piece ? store::PieceSetKey::Decode(piece->set) : std::nullopt;
    if (!set) return Undecodable(Family::kPieces, key);
    content_.pieces.Add(CanonicalSet(rows, *set) + std::string(key.substr(piece->set.size())));
  }

  void TakeRun(WorkingSet& rows, std::string_view key, std::string_view value) {
    const auto run = store::RunKey::Decode(key);
    const auto set = run ? store::PieceSetKey::Decode(run->set) : std::nullopt;
    if (!set) return Undecodable(Family::kRuns, key);
    content_.runs.Add(CanonicalSet(rows, *set) + std::string(key.substr(run->set.size())), value);
  }

  // How many are listed beyond the first ones depends on what happened.
  void TakeDispute(WorkingSet& rows, std::string_view key, std::string_view value) {
    using Kind = store::DisputeKey::Kind;
    const auto dispute = store::DisputeKey::Decode(key);
    store::DisputedNodesRow nodes;
    store::DisputedEntitiesRow entities;
    if (dispute && dispute->kind == Kind::kEntities &&
        store::DisputedEntitiesRow::Decode(value, &entities)) {
      for (auto* list : {&entities.first_entities, &entities.first_records}) {
        list->resize(std::min(list->size(), limits::kConflictNamesMax));
      }
      content_.disputes.Add(key, entities.Encode());
    } else if (dispute && dispute->kind == Kind::kNodes &&
               store::DisputedNodesRow::Decode(value, &nodes)) {
      content_.disputes.Add(key, value);
    } else if (dispute && dispute->kind != Kind::kEntities && dispute->kind != Kind::kNodes) {
      const std::string_view place = key.substr(0, key.size() - sizeof(BlockName));
      content_.disputes.Add(std::string(place) + CanonicalName(rows, dispute->stance.block), value);
    } else {
      Undecodable(Family::kDisputes, key);
    }
  }

  void TakeKid(WorkingSet& rows, std::string_view key, std::string_view /*value*/) {
    const auto kid = store::KidKey::Decode(key);
    if (!kid) return Undecodable(Family::kKids, key);
    content_.inverses.kids.Add(Tagged(kid->kid, rows.Block(kid->block).now().level,
                                      store::NameKey{kid->block}.Encode()));
    content_.kids.Add(CanonicalName(rows, kid->block) + CanonicalName(rows, kid->kid),
                      std::to_string(kid->perspective.value()) + kid->uid);
  }

  void TakeHeldValue(WorkingSet& rows, std::string_view key, std::string_view value) {
    const auto decoded = store::HeldValueKey::Decode(key);
    store::HeldValueRow row;
    if (!decoded || !store::HeldValueRow::Decode(value, &row)) {
      return Undecodable(Family::kHeldValues, key);
    }
    content_.held_values.Add(CanonicalKey(rows, decoded->voice, key), value);
  }

  // How many records are listed beyond the first ones depends on what happened.
  void TakeStretch(WorkingSet& rows, std::string_view key, std::string_view value) {
    const auto decoded = store::StretchKey::Decode(key);
    store::StretchRow row;
    store::FirstRecordsRow list;
    if (decoded && decoded->part == store::StretchKey::Part::kStretch &&
        store::StretchRow::Decode(value, &row)) {
      const SymbolId type = rows.Record(row.first.id).row.now().entity_type;
      const StretchEntries entries =
          EntriesOf(decoded->voice, type, decoded->start, row, *context_.rules, names_);
      for (const std::string& entry : entries.keys) content_.inverses.owned.Add(entry);
      content_.inverses.list_ends.Add(
          FirstRecordsKey(decoded->voice, decoded->start),
          store::FirstRecordsRow{{row.first, row.last_listed}}.Encode() +
              std::to_string(row.listed));
      row.last_listed = FirstRecord();
      row.listed = 1;
      content_.stretches.Add(CanonicalKey(rows, decoded->voice, key), row.Encode());
    } else if (decoded && decoded->part == store::StretchKey::Part::kFirstRecords &&
               store::FirstRecordsRow::Decode(value, &list)) {
      content_.inverses.lists.Add(
          key, store::FirstRecordsRow{{list.records.front(), list.records.back()}}.Encode() +
                   std::to_string(list.records.size()));
      list.records.resize(std::min(list.records.size(), limits::kConflictNamesMax));
      content_.stretches.Add(CanonicalKey(rows, decoded->voice, key), list.Encode());
    } else {
      Undecodable(Family::kStretches, key);
    }
  }

  const ReadContext& context_;
  Names names_;
  VerifyReport& report_;
  const bool tell_;  // of progress and faults: those of the other generation are nobody's business
  Content content_;
};

// A listing of conflicts, one by one.
class ConflictStream {
 public:
  explicit ConflictStream(const ReadContext& context) : context_(context) {}

  // Null at the end. Valid until the next call.
  absl::StatusOr<const Conflict*> Next() {
    while (next_ == page_.items.size()) {
      if (next_ > 0 && page_.cursor.empty()) return nullptr;
      UNIRUST_ASSIGN_OR_RETURN(
          page_, ListConflicts(context_, {}, limits::kPageItemsDefault, page_.cursor));
      next_ = 0;
      if (page_.items.empty() && page_.cursor.empty()) return nullptr;
    }
    return &page_.items[next_++];
  }

 private:
  const ReadContext& context_;
  Page<Conflict> page_;
  size_t next_ = 0;
};

class DerivedVerifier {
 public:
  DerivedVerifier(const ReadContext& stored, const ReadContext& fresh, VerifyReport& report)
      : stored_(stored), fresh_(fresh), names_(*stored.interner), report_(report) {}

  absl::Status Run() {
    UNIRUST_RETURN_IF_ERROR(CompareBlocksOfRecords());
    UNIRUST_RETURN_IF_ERROR(CompareGroups());
    UNIRUST_RETURN_IF_ERROR(CompareConflicts());
    UNIRUST_ASSIGN_OR_RETURN(const Content stored, GenerationReader(stored_, report_, true).Run());
    UNIRUST_ASSIGN_OR_RETURN(const Content fresh, GenerationReader(fresh_, report_, false).Run());
    Expect(stored.blocks == fresh.blocks,
           "blocks: first records, sizes or strong identifiers differ from a fresh resolution");
    Expect(stored.parts == fresh.parts, "blocks: settled parts differ from a fresh resolution");
    Expect(stored.owners == fresh.owners,
           "conflict_owners: numbers of entries or edges differ from a fresh resolution");
    Expect(stored.expiries == fresh.expiries,
           "expiries: differ from what the records and the rules of retention say");
    Expect(stored.pieces == fresh.pieces, "pieces: of large groups differ from a fresh resolution");
    Expect(stored.runs == fresh.runs, "runs: of large groups differ from a fresh resolution");
    Expect(stored.kids == fresh.kids,
           "kids: of large blocks, or their first records, differ from a fresh resolution");
    Expect(stored.held_values == fresh.held_values,
           "held_values: who holds what in large entities differs from a fresh resolution");
    Expect(stored.stretches == fresh.stretches,
           "stretches: times, values or records differ from a fresh resolution");
    Expect(stored.touches == fresh.touches,
           "touches: where groups are registered differs from a fresh resolution");
    Expect(stored.disputes == fresh.disputes,
           "disputes: who clashes in large groups differs from a fresh resolution");
    CompareInverses(stored.inverses);
    return names_.status();
  }

 private:
  void Expect(bool holds, std::string_view fault) {
    if (!holds) report_.Fault(fault);
  }

  void CompareInverses(const Inverses& all) {
    Expect(all.ups == all.kids, "names and blocks: not every kid is listed by its block, or the "
                                "other way round");
    Expect(all.in_parts == all.part_blocks, "names and blocks: settled parts and their blocks do "
                                            "not name each other");
    Expect(all.touch_counts == all.touch_names, "names: numbers of touches are wrong");
    Expect(all.with_conflicts == all.owners, "names and conflict_owners: do not name each other");
    Expect(all.owned == all.conflicts,
           "conflict_owners or stretches, and conflicts: do not name each other");
    Expect(all.list_ends == all.lists, "stretches: lists of first records are not what is said of "
                                       "them");
  }

  // The block of each record, level by level.
  absl::Status CompareBlocksOfRecords() {
    uint64_t records = 0;
    const auto cursor = stored_.reader.Scan(Family::kRecords, "", "");
    while (cursor->Valid()) {
      WorkingSet stored(stored_.reader, *stored_.rules);
      WorkingSet fresh(fresh_.reader, *fresh_.rules);
      std::vector<std::pair<RecordId, RecordRow>> chunk;
      std::vector<BlockName> names;
      for (; chunk.size() < kChunk && cursor->Valid(); cursor->Next()) {
        if (++records % kProgressRows == 0) report_.Progress("entities", records);
        const auto key = store::RecordKey::Decode(cursor->key());
        RecordRow row;
        if (!key || !RecordRow::Decode(cursor->value(), &row)) {
          return store::Damaged(Family::kRecords, cursor->key());
        }
        if (row.retracted) continue;
        names.push_back(store::NameOf(key->record));
        chunk.emplace_back(key->record, std::move(row));
      }
      stored.PreloadNames(names);
      fresh.PreloadNames(names);
      for (const auto& [id, row] : chunk) CompareBlocksOfRecord(id, row, stored, fresh);
      UNIRUST_RETURN_IF_ERROR(stored.status());
      UNIRUST_RETURN_IF_ERROR(fresh.status());
    }
    return cursor->status();
  }

  void CompareBlocksOfRecord(RecordId id, const RecordRow& row, WorkingSet& stored,
                             WorkingSet& fresh) {
    const BlockName name = store::NameOf(id);
    for (uint16_t level = 1; level <= stored_.rules->levels(); ++level) {
      const std::string found = CanonicalName(stored, stored.BlockNow(name, level));
      if (found == CanonicalName(fresh, fresh.BlockNow(name, level))) continue;
      return report_.Fault("names: " + RecordName(names_.IdentityOf(row)) + " is in another " +
                           (level == stored_.rules->levels() ? "entity" : "block") +
                           " after key " + stored_.rules->keys()[level - 1].name +
                           " than in a fresh resolution");
    }
  }

  absl::Status CompareGroups() {
    const auto stored = stored_.reader.Scan(Family::kGroups, "", "");
    const auto fresh = fresh_.reader.Scan(Family::kGroups, "", "");
    uint64_t rows = 0;
    while (stored->Valid() || fresh->Valid()) {
      if (++rows % kProgressRows == 0) report_.Progress("groups", rows);
      const int order = !stored->Valid()  ? 1
                        : !fresh->Valid() ? -1
                                          : stored->key().compare(fresh->key());
      if (order == 0) UNIRUST_RETURN_IF_ERROR(CompareGroup(*stored, *fresh));
      if (order < 0) report_.Fault(GroupName(stored->key()) + " should not be there");
      if (order > 0) report_.Fault(GroupName(fresh->key()) + " is missing");
      if (order <= 0) stored->Next();
      if (order >= 0) fresh->Next();
    }
    UNIRUST_RETURN_IF_ERROR(stored->status());
    return fresh->status();
  }

  absl::Status CompareGroup(const store::Cursor& stored, const store::Cursor& fresh) {
    GroupRow a;
    GroupRow b;
    if (!GroupRow::Decode(fresh.value(), &b)) return store::Damaged(Family::kGroups, fresh.key());
    if (!GroupRow::Decode(stored.value(), &a)) {
      report_.Fault(GroupName(stored.key()) + " cannot be decoded");
      return absl::OkStatus();
    }
    WorkingSet rows_a(stored_.reader, *stored_.rules);
    WorkingSet rows_b(fresh_.reader, *fresh_.rules);
    const bool touches = CanonicalNames(rows_a, a.node_touches) ==
                             CanonicalNames(rows_b, b.node_touches) &&
                         CanonicalNames(rows_a, a.entity_touches) ==
                             CanonicalNames(rows_b, b.entity_touches);
    UNIRUST_RETURN_IF_ERROR(rows_a.status());
    UNIRUST_RETURN_IF_ERROR(rows_b.status());
    const auto rest = [](const GroupRow& row) {
      return std::tie(row.values, row.pieces, row.large, row.large_pieces, row.large_records,
                      row.divided, row.followed, row.edges);
    };
    if (touches && rest(a) == rest(b)) return absl::OkStatus();
    report_.Fault(GroupName(stored.key()) + " differs from a fresh resolution");
    return absl::OkStatus();
  }

  std::string GroupName(std::string_view key) {
    const auto group = store::GroupKey::Decode(key);
    if (!group || group->identity_key >= stored_.rules->keys().size()) {
      return "groups: a row with a malformed key";
    }
    const KeyRule& rule = stored_.rules->keys()[group->identity_key];
    std::string out = "groups: " + names_.Text(group->entity_type) + " by " + rule.name + " =";
    const auto values = store::VerbatimValues(group->values, rule.attributes.size());
    if (!values) return out + " (long values)";
    for (const std::string& value : *values) out += " '" + value + "'";
    return out;
  }

  // Both listings are in one order.
  absl::Status CompareConflicts() {
    ConflictStream stored(stored_);
    ConflictStream fresh(fresh_);
    for (uint64_t entries = 1;; ++entries) {
      if (entries % kProgressRows == 0) report_.Progress("conflicts", entries);
      UNIRUST_ASSIGN_OR_RETURN(const Conflict* a, stored.Next());
      UNIRUST_ASSIGN_OR_RETURN(const Conflict* b, fresh.Next());
      if (a == nullptr && b == nullptr) return absl::OkStatus();
      if (a != nullptr && b != nullptr && *a == *b) continue;
      const Conflict& first = a != nullptr ? *a : *b;
      report_.Fault("conflicts: from " + std::string(ConflictKindName(first.kind)) + " on " +
                    first.attribute + ", entry " + std::to_string(entries) +
                    " of the list, on they differ from a fresh resolution");
      return absl::OkStatus();
    }
  }

  const ReadContext& stored_;
  const ReadContext& fresh_;
  Names names_;
  VerifyReport& report_;
};

}  // namespace

absl::Status VerifyDerived(const ReadContext& stored, const ReadContext& fresh,
                           VerifyReport& report) {
  return DerivedVerifier(stored, fresh, report).Run();
}

}  // namespace unirust::resolve
