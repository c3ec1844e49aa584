#include "resolve/finish.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/conflicts.h"
#include "resolve/finish_groups.h"
#include "resolve/large_entity.h"
#include "resolve/names.h"
#include "resolve/record_moves.h"

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
  Finisher(WorkingSet& rows, interner::Interner& interner, const EntityDelta& entities,
           std::vector<GroupState*> groups, store::CountersRow& counters,
           store::Batch& batch)
      : rows_(rows),
        names_(interner),
        entities_(entities),
        groups_(std::move(groups)),
        counters_(counters),
        batch_(batch),
        top_(rows.rules().levels()) {}

  absl::Status Run() {
    GroupFinisher(rows_, names_, entities_, counters_,
                  [&](const std::string& owner, const std::vector<Conflict>& entries) {
                    Replace(owner, entries);
                  })
        .Run(std::move(groups_));
    FinishEntities();
    for (const SharedValue& value : shared_values_) FinishSharedValue(value);
    counters_.entities += entities_.fresh.size();
    counters_.entities -= entities_.gone.size();
    Write();
    UNIRUST_RETURN_IF_ERROR(names_.status());
    return rows_.status();
  }

 private:
  // --- entities ----------------------------------------------------------------------------------

  void FinishEntities() {
    std::vector<BlockName> again(entities_.fresh.begin(), entities_.fresh.end());
    again.insert(again.end(), entities_.changed.begin(), entities_.changed.end());
    for (const RecordId id : rows_.Written()) {
      const RecordState& record = rows_.Record(id);
      if (record.live_before) CollectSharedValues(record.row.before());
      if (!record.live_now) continue;
      CollectSharedValues(record.row.now());
      again.push_back(rows_.BlockNow(NameOf(id), top_));
    }
    std::sort(again.begin(), again.end());
    again.erase(std::unique(again.begin(), again.end()), again.end());
    for (const BlockName entity : entities_.gone) {
      ReplaceOfEntity(entity, {});
      if (WasLarge(entity)) large_.insert(entity);
      CollectSharedValuesOf(rows_.RecordsBefore(entity));
    }
    for (const BlockName block : entities_.moved) {
      CollectSharedValuesOf(rows_.RecordsBefore(block));
    }
    for (const BlockName entity : again) {
      if (WasLarge(entity) || IsLarge(entity)) large_.insert(entity);
      if (IsLarge(entity)) {
        ReplaceOfEntity(entity, {});
        continue;
      }
      std::vector<const RecordRow*> records;
      for (const RecordId id : rows_.RecordsNow(entity)) {
        records.push_back(&rows_.Record(id).row.now());
      }
      if (records.empty()) continue;
      ReplaceOfEntity(entity, EntityConflicts(records, rows_.rules(), names_));
    }
    if (!large_.empty()) FinishLargeEntities();
  }

  void ReplaceOfEntity(BlockName entity, const std::vector<Conflict>& entries) {
    NameState& name = rows_.Name(entity);
    if (!name.before.conflicts && entries.empty()) return;
    name.now.conflicts = !entries.empty();
    Replace(store::ConflictOwnerKey::Entity(entity), entries);
  }

  // --- large entities ------------------------------------------------------------------------------

  bool WasLarge(BlockName entity) {
    return !store::IsRecord(entity) && rows_.Exists(entity, top_).before &&
           rows_.Block(entity).before().records >= limits::kLargeEntityRecordsMin;
  }

  bool IsLarge(BlockName entity) {
    return !store::IsRecord(entity) && rows_.Exists(entity, top_).now &&
           rows_.Block(entity).now().records >= limits::kLargeEntityRecordsMin;
  }

  // Records that a large entity lost or gained; one that changed is both.
  struct Turnover {
    std::vector<RecordId> lost;
    std::vector<RecordId> gained;
  };

  void FinishLargeEntities() {
    std::map<BlockName, Turnover> turnovers;
    for (const RecordId id : RecordsThatMoved(rows_, entities_)) {
      const RecordState& record = rows_.Record(id);
      const BlockName name = NameOf(id);
      const BlockName before = record.live_before ? rows_.BlockBefore(name, top_) : BlockName();
      const BlockName now = record.live_now ? rows_.BlockNow(name, top_) : BlockName();
      if (before == now && !record.written) continue;
      if (large_.contains(before)) turnovers[before].lost.push_back(id);
      if (large_.contains(now)) turnovers[now].gained.push_back(id);
    }
    for (const BlockName entity : large_) FinishLargeEntity(entity, turnovers[entity]);
  }

  void FinishLargeEntity(BlockName name, const Turnover& turnover) {
    const bool was = WasLarge(name);
    const bool is = IsLarge(name);
    const RecordId some = is ? rows_.FirstNow(name).id : rows_.FirstBefore(name).id;
    const RecordState& record = rows_.Record(some);
    const RecordRow& row = is ? record.row.now() : record.row.before();
    LargeEntity entity(rows_, names_, name, row.entity_type);
    const size_t changes = turnover.lost.size() + turnover.gained.size();
    if (!is) {
      entity.Clear();
    } else if (!was || changes > rows_.Block(name).now().records / 4) {
      entity.MakeAnew();
    } else {
      for (const RecordId id : turnover.lost) entity.Remove(id, rows_.Record(id).row.before());
      for (const RecordId id : turnover.gained) entity.Add(id, rows_.Record(id).row.now());
    }
    const std::string type = names_.Text(row.entity_type);
    entity.Finish([&](const store::Voice& voice, const StretchEntries& before,
                      const StretchEntries& now) { ReplaceOfStretch(voice, type, before, now); });
  }

  void ReplaceOfStretch(const store::Voice& voice, const std::string& entity_type,
                        const StretchEntries& before, const StretchEntries& now) {
    Count(before, now);
    if (before.keys == now.keys) return;
    for (const std::string& key : before.keys) conflict_rows_[key] = std::nullopt;
    store::ConflictRow row;
    row.voice = voice;
    row.entity_type = entity_type;
    for (const std::string& key : now.keys) conflict_rows_[key] = row.Encode();
  }

  // --- values shared between entities ----------------------------------------------------------------

  // Of records whose entity is another one now.
  void CollectSharedValuesOf(const std::vector<RecordId>& records) {
    if (rows_.rules().constraints().empty()) return;
    for (const RecordId id : records) CollectSharedValues(rows_.Record(id).row.before());
  }

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
    const std::string encoded = store::EncodeValue(shared.value);
    std::vector<SharedClaim> claims;
    const auto wanted = [&](SymbolId type, SymbolId perspective) {
      return type == shared.entity_type &&
             (shared.perspective == SymbolId() || shared.perspective == perspective);
    };
    const auto add = [&](RecordId id, const Interval& interval) {
      claims.push_back({interval, &rows_.Record(id).row.now(),
                        rows_.BlockNow(NameOf(id), top_).value()});
    };
    const auto cursor = rows_.reader().ScanPrefix(
        Family::kAttributeValues, store::AttributeValueKey::Prefix(rule.attribute, encoded));
    for (; cursor->Valid(); cursor->Next()) {
      const auto key = store::AttributeValueKey::Decode(cursor->key());
      store::AttributeValueRow row;
      if (!key || !store::AttributeValueRow::Decode(cursor->value(), &row)) {
        return rows_.Fail(store::Damaged(Family::kAttributeValues, cursor->key()));
      }
      if (!wanted(row.entity_type, row.perspective)) continue;
      const RecordState* record = rows_.FindLoaded(key->record);
      if (record != nullptr && record->written) continue;
      add(key->record, key->interval);
    }
    if (!cursor->status().ok()) return rows_.Fail(cursor->status());
    for (const RecordId id : WrittenHolders(rule.attribute, shared.value)) {
      const RecordRow& record = rows_.Record(id).row.now();
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
      for (const RecordState& record : rows_.records()) {
        if (!record.written || !record.live_now) continue;
        for (const store::StoredDescriptor& d : record.row.now().descriptors) {
          if (constrained.contains(d.attribute)) {
            (*written_holders_)[{d.attribute, d.value}].insert(record.id);
          }
        }
      }
    }
    return (*written_holders_)[{attribute, value}];
  }

  // --- conflict rows -------------------------------------------------------------------------------

  // Of entries that replace others.
  template <typename Entries>
  void Count(const Entries& before, const Entries& now) {
    counters_.conflicts += now.keys.size();
    counters_.conflicts -= before.keys.size();
    counters_.conflicts_with += now.edges;
    counters_.conflicts_with -= before.edges;
  }

  // The entries of one owner are `entries` from now on.
  void Replace(const std::string& owner, const std::vector<Conflict>& entries) {
    RowVersions<store::ConflictOwnerRow>& row = rows_.ConflictOwner(owner);
    if (!row.existed() && entries.empty()) return;
    const store::ConflictOwnerRow& before = row.before();
    for (const std::string& key : before.keys) conflict_rows_[key] = std::nullopt;
    store::ConflictOwnerRow now;
    const std::string owner_in_keys = OwnerInKeys(owner);
    for (const Conflict& entry : entries) {
      const store::ConflictKey key{
          .kind = entry.kind,
          .attribute = entry.attribute,
          .interval = entry.interval,
          .cause = entry.cause,
          .first_record = entry.records.empty() ? "" : RecordName(entry.records[0]),
          .owner = owner_in_keys,
          .ordinal = static_cast<uint32_t>(now.keys.size())};
      now.keys.push_back(key.Encode());
      now.edges += EdgeCount(entry);
      conflict_rows_[now.keys.back()] =
          store::ConflictRow{std::nullopt,       entry.entity_type, entry.records,
                             entry.record_count, entry.key,         entry.values,
                             entry.entities,     entry.entity_count}
              .Encode();
    }
    Count(before, now);
    if (now.keys.empty()) {
      row.Remove();
    } else {
      row.Edit() = std::move(now);
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
  const EntityDelta& entities_;
  std::vector<GroupState*> groups_;
  store::CountersRow& counters_;
  store::Batch& batch_;
  const uint16_t top_;  // the last level: its blocks are the entities
  std::set<BlockName> large_;  // entities that are, or were, and changed
  std::set<SharedValue> shared_values_;
  std::optional<std::map<std::pair<SymbolId, std::string>, std::set<RecordId>>> written_holders_;
  std::map<std::string, std::optional<std::string>> conflict_rows_;
};

}  // namespace

absl::Status Finish(WorkingSet& rows, interner::Interner& interner, const EntityDelta& entities,
                    std::vector<GroupState*> groups, store::CountersRow& counters,
                    store::Batch& batch) {
  return Finisher(rows, interner, entities, std::move(groups), counters, batch).Run();
}

}  // namespace unirust::resolve
