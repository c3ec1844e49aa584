#include "resolve/finish.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/hash.h"
#include "base/status_macros.h"
#include "resolve/conflicts.h"
#include "resolve/names.h"

namespace unirust::resolve {
namespace {

using store::Family;
using store::NameOf;
using store::RecordOf;

// The value of a constraint whose owners may have changed.
struct SharedValue {
  uint16_t constraint;
  SymbolId entity_type;
  SymbolId perspective;  // 0: all
  std::string value;
  auto operator<=>(const SharedValue&) const = default;
};

class Finisher {
 public:
  Finisher(WorkingSet& rows, interner::Interner& interner, const BlockDelta& entities,
           absl::flat_hash_set<GroupState*> groups, store::CountersRow& counters,
           store::Batch& batch)
      : rows_(rows),
        names_(interner),
        entities_(entities),
        groups_(std::move(groups)),
        counters_(counters),
        batch_(batch),
        top_(rows.rules().levels()) {}

  absl::Status Run() {
    CollectGroups();
    for (GroupState* group : groups_) FinishGroup(*group);
    FinishEntities();
    for (const SharedValue& value : shared_values_) FinishSharedValue(value);
    counters_.entities += entities_.fresh.size();
    counters_.entities -= entities_.gone.size();
    Write();
    UNIRUST_RETURN_IF_ERROR(names_.status());
    return rows_.status();
  }

 private:
  void CollectGroups() {
    for (auto& [key, group] : rows_.groups()) {
      if (group.now.pieces != group.before.pieces) groups_.insert(&group);
    }
    for (const auto* names : {&entities_.gone, &entities_.changed}) {
      for (const BlockName name : *names) CollectTouched(name);
    }
  }

  void CollectTouched(BlockName entity) {
    if (rows_.Name(entity).before.touches == 0) return;
    const auto cursor = rows_.reader().ScanPrefix(
        Family::kTouches, store::TouchKey::Prefix(entity, store::kEntityLevel));
    for (; cursor->Valid(); cursor->Next()) {
      const auto key = store::TouchKey::Decode(cursor->key());
      if (!key) return rows_.Fail(store::Damaged(Family::kTouches, cursor->key()));
      groups_.insert(&rows_.Group(key->group));
    }
    if (!cursor->status().ok()) rows_.Fail(cursor->status());
  }

  // --- groups ------------------------------------------------------------------------------------

  void FinishGroup(GroupState& group) {
    const std::vector<Piece> evidence = rows_.Evidence(group, group.now);
    const auto level = static_cast<uint16_t>(group.key.identity_key + 1);
    std::vector<Interval> intervals;
    for (const Piece& piece : evidence) intervals.push_back(piece.interval);
    std::set<BlockName> nodes;
    std::set<BlockName> entities;
    std::vector<Conflict> contested;
    group.now.divided = false;
    group.now.edges = 0;
    for (const auto& [first, last] : Chains(intervals)) {
      const std::vector<Piece> run(evidence.begin() + static_cast<ptrdiff_t>(first),
                                   evidence.begin() + static_cast<ptrdiff_t>(last));
      group.now.edges += SameAsEdges(run);
      if (!IsDivided(run, level)) continue;
      group.now.divided = true;
      for (const Piece& piece : run) {
        const BlockName record = NameOf(piece.record);
        if (level > 1) nodes.insert(rows_.BlockNow(record, static_cast<uint16_t>(level - 1)));
        entities.insert(rows_.BlockNow(record, top_));
      }
      for (Conflict& entry : Contested(group, run)) contested.push_back(std::move(entry));
    }
    Register(group, level, {nodes.begin(), nodes.end()}, &GroupRow::node_touches);
    Register(group, store::kEntityLevel, {entities.begin(), entities.end()},
             &GroupRow::entity_touches);
    counters_.same_as += group.now.edges;
    counters_.same_as -= group.before.edges;
    if (group.before.divided || group.now.divided) {
      Replace(store::ConflictOwnerKey::Group(group.encoded_key), contested);
    }
  }

  bool IsDivided(const std::vector<Piece>& run, uint16_t level) {
    if (run.size() < 2) return false;
    const BlockName block = rows_.BlockNow(NameOf(run[0].record), level);
    return std::any_of(run.begin(), run.end(), [&](const Piece& piece) {
      return rows_.BlockNow(NameOf(piece.record), level) != block;
    });
  }

  // semantics.md, 9: a piece is linked if an earlier one of its entity reaches into it. Pieces of one record never
  // overlap, so that one is another record's.
  uint64_t SameAsEdges(const std::vector<Piece>& run) {
    if (run.size() < 2) return 0;
    uint64_t edges = 0;
    std::map<BlockName, Instant> reach;
    for (const Piece& piece : run) {
      const BlockName entity = rows_.BlockNow(NameOf(piece.record), top_);
      const auto [it, inserted] = reach.emplace(entity, piece.interval.end);
      if (inserted) continue;
      if (piece.interval.start < it->second) ++edges;
      it->second = std::max(it->second, piece.interval.end);
    }
    return edges;
  }

  void Register(const GroupState& group, uint16_t level, std::vector<BlockName> wanted,
                std::vector<BlockName> GroupRow::*list) {
    GroupRow& now = rows_.Group(group.encoded_key).now;
    const std::vector<BlockName>& before = group.before.*list;
    for (const BlockName name : before) {
      if (!std::binary_search(wanted.begin(), wanted.end(), name)) {
        batch_.Delete(Family::kTouches, store::TouchKey{name, level, group.encoded_key}.Encode());
        --rows_.Name(name).now.touches;
      }
    }
    for (const BlockName name : wanted) {
      if (!std::binary_search(before.begin(), before.end(), name)) {
        batch_.Put(Family::kTouches, store::TouchKey{name, level, group.encoded_key}.Encode(), "");
        ++rows_.Name(name).now.touches;
      }
    }
    now.*list = std::move(wanted);
  }

  std::vector<Conflict> Contested(const GroupState& group, const std::vector<Piece>& run) {
    Interval interval = run[0].interval;
    std::map<BlockName, std::set<RecordId>> holders;
    for (const Piece& piece : run) {
      interval.end = std::max(interval.end, piece.interval.end);
      holders[rows_.BlockNow(NameOf(piece.record), top_)].insert(piece.record);
    }
    if (holders.size() < 2) return {};
    std::vector<RunEntity> entities;
    for (const auto& [entity, records] : holders) {
      RunEntity out{.signature = &rows_.SignatureNow(entity), .first = {}, .records = {}};
      const FirstRecord first = rows_.FirstNow(entity);
      out.first = {names_.Text(group.key.entity_type), names_.Text(first.perspective), first.uid};
      for (const RecordId record : records) out.records.push_back(&rows_.Record(record).now);
      entities.push_back(std::move(out));
    }
    return ContestedRun(rows_.rules().keys()[group.key.identity_key], group.values, interval,
                        entities, rows_.rules(), names_);
  }

  // --- entities ----------------------------------------------------------------------------------

  void FinishEntities() {
    std::set<BlockName> again(entities_.fresh.begin(), entities_.fresh.end());
    again.insert(entities_.changed.begin(), entities_.changed.end());
    std::vector<RecordId> written;
    for (const auto& [id, record] : rows_.records()) {
      if (record.written) written.push_back(id);
    }
    for (const RecordId id : written) {
      const RecordState& record = rows_.Record(id);
      if (record.live_before) CollectSharedValues(record.before);
      if (!record.live_now) continue;
      CollectSharedValues(record.now);
      again.insert(rows_.BlockNow(NameOf(id), top_));
    }
    for (const BlockName entity : entities_.gone) {
      ReplaceOfEntity(entity, {});
      if (rows_.rules().constraints().empty()) continue;
      for (const RecordId id : rows_.RecordsBefore(entity)) {
        CollectSharedValues(rows_.Record(id).before);
      }
    }
    for (const BlockName entity : again) {
      std::vector<const RecordRow*> records;
      for (const RecordId id : rows_.RecordsNow(entity)) records.push_back(&rows_.Record(id).now);
      if (records.empty()) continue;
      ReplaceOfEntity(entity, EntityConflicts(records, rows_.rules(), names_));
    }
  }

  void ReplaceOfEntity(BlockName entity, const std::vector<Conflict>& entries) {
    NameState& name = rows_.Name(entity);
    if (!name.before.conflicts && entries.empty()) return;
    name.now.conflicts = !entries.empty();
    Replace(store::ConflictOwnerKey::Entity(entity), entries);
  }

  // --- values shared between entities ----------------------------------------------------------------

  void CollectSharedValues(const RecordRow& record) {
    const std::vector<ConstraintRule>& constraints = rows_.rules().constraints();
    for (size_t i = 0; i < constraints.size(); ++i) {
      const ConstraintRule& rule = constraints[i];
      if (!rule.types.Has(record.entity_type)) continue;
      for (const store::StoredDescriptor& d : record.descriptors) {
        if (d.attribute != rule.attribute || !rows_.rules().Counts(d.attribute, d.value)) continue;
        shared_values_.insert({static_cast<uint16_t>(i), record.entity_type,
                               rule.within_perspective ? record.perspective : SymbolId(),
                               d.value});
      }
    }
  }

  // Records now holding the value: the index as it was before the batch, less the records that the batch wrote, plus
  // what these hold now.
  void FinishSharedValue(const SharedValue& shared) {
    const ConstraintRule& rule = rows_.rules().constraints()[shared.constraint];
    const std::string encoded = store::EncodeValues({shared.value});
    std::vector<SharedClaim> claims;
    const auto wanted = [&](SymbolId type, SymbolId perspective) {
      return type == shared.entity_type &&
             (shared.perspective == SymbolId() || shared.perspective == perspective);
    };
    const auto add = [&](RecordId id, const Interval& interval) {
      claims.push_back({interval, &rows_.Record(id).now,
                        rows_.BlockNow(NameOf(id), top_).value()});
    };
    const auto cursor = rows_.reader().ScanPrefix(
        Family::kAttributeValues, store::AttributeValueKey::Prefix(rule.attribute, encoded));
    for (; cursor->Valid(); cursor->Next()) {
      const auto key = store::AttributeValueKey::Decode(cursor->key());
      store::AttributeValueRow row;
      if (!key || !store::AttributeValueRow::Decode(cursor->value(), key->start, &row)) {
        return rows_.Fail(store::Damaged(Family::kAttributeValues, cursor->key()));
      }
      if (!wanted(row.entity_type, row.perspective)) continue;
      const auto written = rows_.records().find(key->record);
      if (written != rows_.records().end() && written->second.written) continue;
      add(key->record, {key->start, row.end});
    }
    if (!cursor->status().ok()) return rows_.Fail(cursor->status());
    for (const RecordId id : WrittenHolders(rule.attribute, shared.value)) {
      const RecordRow& record = rows_.Record(id).now;
      if (!wanted(record.entity_type, record.perspective)) continue;
      for (const store::StoredDescriptor& d : record.descriptors) {
        if (d.attribute == rule.attribute && d.value == shared.value) add(id, d.interval);
      }
    }
    Replace(store::ConflictOwnerKey::SharedValue(shared.constraint, shared.entity_type,
                                                 shared.perspective, encoded),
            SharedValueConflicts(rule, shared.value, claims, names_));
  }

  const std::set<RecordId>& WrittenHolders(SymbolId attribute, const std::string& value) {
    if (!written_holders_) {
      written_holders_.emplace();
      std::set<SymbolId> constrained;
      for (const ConstraintRule& rule : rows_.rules().constraints()) {
        constrained.insert(rule.attribute);
      }
      for (const auto& [id, record] : rows_.records()) {
        if (!record.written || !record.live_now) continue;
        for (const store::StoredDescriptor& d : record.now.descriptors) {
          if (constrained.contains(d.attribute)) {
            (*written_holders_)[{d.attribute, d.value}].insert(id);
          }
        }
      }
    }
    return (*written_holders_)[{attribute, value}];
  }

  // --- conflict rows -------------------------------------------------------------------------------

  // The entries of one owner are `entries` from now on.
  void Replace(const std::string& owner, const std::vector<Conflict>& entries) {
    store::ConflictOwnerRow before;
    std::string bytes;
    const absl::StatusOr<bool> found = rows_.reader().Get(Family::kConflictOwners, owner, &bytes);
    if (!found.ok()) return rows_.Fail(found.status());
    if (*found && !store::ConflictOwnerRow::Decode(bytes, &before)) {
      return rows_.Fail(store::Damaged(Family::kConflictOwners, owner));
    }
    if (!*found && entries.empty()) return;
    for (const std::string& key : before.keys) conflict_rows_[key] = std::nullopt;
    store::ConflictOwnerRow now;
    const auto digest = Sha256(owner);
    for (const Conflict& entry : entries) {
      const store::ConflictKey key{
          .kind = entry.kind,
          .attribute = entry.attribute,
          .interval = entry.interval,
          .cause = entry.cause,
          .first_record = entry.records.empty() ? "" : RecordName(entry.records[0]),
          .owner = std::string(digest.data(), store::kConflictOwnerBytes),
          .ordinal = static_cast<uint32_t>(now.keys.size())};
      now.keys.push_back(key.Encode());
      now.edges += EdgeCount(entry);
      conflict_rows_[now.keys.back()] =
          store::ConflictRow{entry.entity_type, entry.records,  entry.record_count, entry.key,
                             entry.values,      entry.entities, entry.entity_count}
              .Encode();
    }
    counters_.conflicts += now.keys.size();
    counters_.conflicts -= before.keys.size();
    counters_.conflicts_with += now.edges;
    counters_.conflicts_with -= before.edges;
    if (now.keys.empty()) {
      batch_.Delete(Family::kConflictOwners, owner);
    } else {
      batch_.Put(Family::kConflictOwners, owner, now.Encode());
    }
  }

  void Write() {
    for (auto& [key, row] : conflict_rows_) {
      if (row) {
        batch_.Put(Family::kConflicts, key, *std::move(row));
      } else {
        batch_.Delete(Family::kConflicts, key);
      }
    }
  }

  WorkingSet& rows_;
  Names names_;
  const BlockDelta& entities_;
  absl::flat_hash_set<GroupState*> groups_;
  store::CountersRow& counters_;
  store::Batch& batch_;
  const uint16_t top_;  // the last level: its blocks are the entities
  std::set<SharedValue> shared_values_;
  std::optional<std::map<std::pair<SymbolId, std::string>, std::set<RecordId>>> written_holders_;
  std::map<std::string, std::optional<std::string>> conflict_rows_;
};

}  // namespace

absl::Status Finish(WorkingSet& rows, interner::Interner& interner, const BlockDelta& entities,
                    absl::flat_hash_set<GroupState*> groups, store::CountersRow& counters,
                    store::Batch& batch) {
  return Finisher(rows, interner, entities, std::move(groups), counters, batch).Run();
}

}  // namespace unirust::resolve
