#include "resolve/followed_group.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "resolve/conflicts.h"

namespace unirust::resolve {

using store::DisputedEntitiesRow;
using store::Family;
using store::NameOf;
using store::PieceSetKey;

namespace {
constexpr size_t kRunsMax = 64;       // of one entity
constexpr size_t kRecordsMax = 1000;  // of one entity that becomes, or ceases to be, disputed
}  // namespace

FollowedGroup::FollowedGroup(WorkingSet& rows, Names& names, GroupState& group)
    : rows_(rows), names_(names), group_(group), all_(rows.PiecesOf(group)) {}

bool FollowedGroup::Update(const std::vector<RecordMove>& moves,
                           const std::set<BlockName>& changed, Tell tell) {
  CollectEntities(moves, changed);
  for (auto& [name, entity] : entities_) {
    if (!LoadSide(name, When::kBefore, &entity.before)) return false;
  }
  for (auto& [name, entity] : entities_) {
    if (!Judge(&entity.before, When::kBefore)) return false;
  }
  MovePieces();
  for (auto& [name, entity] : entities_) {
    if (!LoadSide(name, When::kNow, &entity.now)) return false;
    for (const auto& [run, identifiers] : entity.before.disputed) {
      StancesIn(run).Remove(name, entity.before.signature);
    }
    for (const auto& [run, identifiers] : entity.now.disputed) {
      StancesIn(run).Add(name, entity.now.signature);
    }
  }
  if (!MattersOnlyToChanged()) return false;
  for (auto& [name, entity] : entities_) {
    if (!Judge(&entity.now, When::kNow)) return false;
  }
  if (!CollectEdits() || !ApplyEdits()) return false;
  for (const auto& [name, entity] : entities_) {
    if (entity.before.there == entity.now.there) continue;
    rows_.SetTouch(name, store::kEntityLevel, group_, entity.now.there);
  }
  TellRuns(tell);
  rows_.Fail(all_.status());
  return true;
}

void FollowedGroup::CollectEntities(const std::vector<RecordMove>& moves,
                                    const std::set<BlockName>& changed) {
  for (const RecordMove& move : moves) {
    if (!move.before.empty()) entities_[move.entity_before].moves.push_back(&move);
    if (!move.now.empty() && (move.before.empty() || move.entity_now != move.entity_before)) {
      entities_[move.entity_now].moves.push_back(&move);
    }
  }
  for (const BlockName name : changed) entities_.try_emplace(name);
  for (const auto& [name, entity] : entities_) changed_names_.insert(name);
}

// Of an entity's pieces each but the first of a run is linked to an earlier one.
void FollowedGroup::MovePieces() {
  for (const auto& [name, entity] : entities_) {
    std::vector<Piece> removed;
    std::vector<Piece> added;
    for (const RecordMove* move : entity.moves) {
      const std::vector<Piece> nothing;
      const auto& before = move->entity_before == name ? move->before : nothing;
      const auto& now = move->entity_now == name ? move->now : nothing;
      std::set_difference(before.begin(), before.end(), now.begin(), now.end(),
                          std::back_inserter(removed));
      std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                          std::back_inserter(added));
    }
    if (removed.empty() && added.empty()) continue;
    std::sort(removed.begin(), removed.end());
    std::sort(added.begin(), added.end());
    PieceSet pieces = rows_.SetOf(group_, PieceSetKey::Which::kEntity, name);
    const PieceSet::Change change = pieces.Apply(removed, added);
    more_edges_ += static_cast<int64_t>(added.size()) - static_cast<int64_t>(removed.size());
    more_edges_ -= change.runs;
    rows_.Fail(pieces.status());
  }
}

FirstRecord FollowedGroup::FirstOf(BlockName name, When when) {
  return when == When::kBefore ? rows_.FirstBefore(name) : rows_.FirstNow(name);
}

// The start of the run of all pieces that goes on at an instant.
Instant FollowedGroup::RunOf(Instant at, When when) {
  const std::optional<PieceRun> run = when == When::kBefore ? all_.RunBefore(at) : all_.RunNow(at);
  if (!run) rows_.Fail(store::Damaged(Family::kRuns, group_.encoded_key));
  return run ? run->interval.start : at;
}

// False if its pieces lie in very many runs.
bool FollowedGroup::LoadSide(BlockName name, When when, Side* side) {
  const PieceSet pieces = rows_.SetOf(group_, PieceSetKey::Which::kEntity, name);
  const std::vector<PieceRun> runs = pieces.Runs(when, kRunsMax + 1);
  rows_.Fail(pieces.status());
  side->there = !runs.empty();
  if (!side->there) return true;
  side->signature =
      when == When::kBefore ? rows_.SignatureBefore(name) : rows_.SignatureNow(name);
  if (side->signature.empty()) return true;  // it clashes with nobody
  if (HasValueSets(side->signature) || runs.size() > kRunsMax) return false;
  side->first = FirstOf(name, when);
  for (const PieceRun& run : runs) side->disputed[RunOf(run.interval.start, when)];
  return true;
}

Stances FollowedGroup::StancesIn(Instant run) const {
  return {rows_.disputes(), DisputeKey::Kind::kEntity, group_.encoded_key, run};
}

// False if it cannot be told on what the entity clashes.
bool FollowedGroup::Judge(Side* side, When when) {
  for (auto& [run, identifiers] : side->disputed) {
    const Stances stances = StancesIn(run);
    for (const StrongRow& row : side->signature) {
      const std::optional<bool> told = stances.IsDisputed(row, when);
      rows_.Fail(stances.status());
      if (!told) return false;
      if (*told) identifiers.insert(row.identifier);
    }
  }
  return true;
}

bool FollowedGroup::MattersOnlyToChanged() {
  const Signature nothing;
  for (const auto& [name, entity] : entities_) {
    std::set<Instant> runs;
    for (const Side* side : {&entity.before, &entity.now}) {
      for (const auto& [run, identifiers] : side->disputed) runs.insert(run);
    }
    for (const Instant run : runs) {
      const auto said = [&](const Side& side) -> const Signature& {
        return side.disputed.contains(run) ? side.signature : nothing;
      };
      Signature changed;
      const Signature& before = said(entity.before);
      const Signature& now = said(entity.now);
      std::set_symmetric_difference(before.begin(), before.end(), now.begin(), now.end(),
                                    std::back_inserter(changed));
      const Stances stances = StancesIn(run);
      for (const StrongRow& row : changed) {
        if (!stances.MattersOnlyTo(row, changed_names_)) return false;
      }
      rows_.Fail(stances.status());
    }
  }
  return true;
}

// --- who clashes -------------------------------------------------------------------------------------

bool FollowedGroup::CollectEdits() {
  for (const auto& [name, entity] : entities_) {
    std::set<Place> places;
    for (const Side* side : {&entity.before, &entity.now}) {
      for (const auto& [run, identifiers] : side->disputed) {
        for (const uint16_t identifier : identifiers) places.emplace(run, identifier);
      }
    }
    for (const Place& place : places) {
      if (!CollectEdit(name, entity, place)) return false;
    }
  }
  return true;
}

// False if an entity of very many records becomes, or ceases to be, disputed.
bool FollowedGroup::CollectEdit(BlockName name, const Entity& entity, const Place& place) {
  const auto disputed = [&](const Side& side) {
    const auto run = side.disputed.find(place.first);
    return run != side.disputed.end() && run->second.contains(place.second);
  };
  const bool was = disputed(entity.before);
  const bool is = disputed(entity.now);
  Edit& edit = edits_[place];
  if (!was || !is || entity.before.first != entity.now.first) {
    if (was) edit.entities_gone.push_back(entity.before.first);
    if (is) edit.entities_come.push_back(entity.now.first);
  }
  if (was != is) {
    return was ? RecordsIn(name, place.first, When::kBefore, &edit.records_gone)
               : RecordsIn(name, place.first, When::kNow, &edit.records_come);
  }
  for (const RecordMove* move : entity.moves) {
    const auto in_run = [&](const std::vector<Piece>& pieces, When when) {
      return std::any_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
        return RunOf(piece.interval.start, when) == place.first;
      });
    };
    const bool before = move->entity_before == name && in_run(move->before, When::kBefore);
    const bool now = move->entity_now == name && in_run(move->now, When::kNow);
    if (before == now) continue;
    const BlockName record = NameOf(move->record);
    if (before) edit.records_gone.push_back(FirstOf(record, When::kBefore));
    if (now) edit.records_come.push_back(FirstOf(record, When::kNow));
  }
  return true;
}

bool FollowedGroup::RecordsIn(BlockName entity, Instant run, When when,
                              std::vector<FirstRecord>* out) {
  const std::optional<PieceRun> whole =
      when == When::kBefore ? all_.RunBefore(run) : all_.RunNow(run);
  if (!whole) return false;
  const PieceSet pieces = rows_.SetOf(group_, PieceSetKey::Which::kEntity, entity);
  const std::vector<Piece> here = pieces.In(whole->interval, when, kRecordsMax + 1);
  rows_.Fail(pieces.status());
  if (here.size() > kRecordsMax) return false;
  std::set<RecordId> records;
  for (const Piece& piece : here) records.insert(piece.record);
  for (const RecordId record : records) out->push_back(FirstOf(NameOf(record), when));
  return true;
}

store::DisputeKey FollowedGroup::KeyOf(DisputeKey::Kind kind, Instant run,
                                       uint16_t identifier) const {
  DisputeKey out{.kind = kind, .group = std::string(group_.encoded_key), .run = run, .stance = {}};
  out.stance.identifier = identifier;
  return out;
}

std::optional<DisputedEntitiesRow> FollowedGroup::EntitiesAt(const Place& place) {
  const std::string key = KeyOf(DisputeKey::Kind::kEntities, place.first, place.second).Encode();
  const std::optional<std::string> bytes = rows_.disputes().Now(key);
  if (!bytes) return std::nullopt;
  DisputedEntitiesRow row;
  if (!DisputedEntitiesRow::Decode(*bytes, &row)) {
    rows_.Fail(store::Damaged(Family::kDisputes, key));
  }
  return row;
}

// False if too few of the first ones are left.
bool FollowedGroup::ApplyEdits() {
  for (const auto& [place, edit] : edits_) {
    DisputedEntitiesRow row = EntitiesAt(place).value_or(DisputedEntitiesRow());
    if (!EditList(edit.entities_gone, edit.entities_come, &row.first_entities, &row.entities) ||
        !EditList(edit.records_gone, edit.records_come, &row.first_records, &row.records)) {
      return false;
    }
    std::string key = KeyOf(DisputeKey::Kind::kEntities, place.first, place.second).Encode();
    if (row.entities == 0) {
      rows_.disputes().Delete(std::move(key));
    } else {
      rows_.disputes().Put(std::move(key), row.Encode());
    }
  }
  return true;
}

bool FollowedGroup::EditList(const std::vector<FirstRecord>& gone,
                             const std::vector<FirstRecord>& come, std::vector<FirstRecord>* list,
                             uint64_t* count) {
  const auto comes_first = [&](const FirstRecord& a, const FirstRecord& b) {
    return names_.ComesFirst(a, b);
  };
  const bool all_listed = list->size() == *count;
  for (const FirstRecord& record : gone) {
    const bool erased = std::erase(*list, record) > 0;
    if (*count == 0 || (all_listed && !erased)) {
      rows_.Fail(store::Damaged(Family::kDisputes, group_.encoded_key));
      return false;
    }
    --*count;
  }
  if (list->size() < std::min<uint64_t>(*count, limits::kConflictNamesMax)) return false;
  for (const FirstRecord& record : come) {
    if (list->size() == *count || comes_first(record, list->back())) {
      list->insert(std::lower_bound(list->begin(), list->end(), record, comes_first), record);
    }
    ++*count;
    if (list->size() > kListedMax) list->pop_back();
  }
  return true;
}

// --- entries -----------------------------------------------------------------------------------------

Conflict FollowedGroup::EntryOf(uint16_t identifier, const Interval& run,
                                const DisputedEntitiesRow& row) {
  const std::string type = names_.Text(group_.key.entity_type);
  const auto identity = [&](const FirstRecord& record) {
    return Identity{type, names_.Text(record.perspective), record.uid};
  };
  Conflict out;
  out.kind = ConflictKind::kIndirect;
  out.attribute = rows_.rules().strong()[identifier].attribute_name;
  out.interval = run;
  out.cause = kStrongIdConflict;
  out.key = rows_.rules().keys()[group_.key.identity_key].name;
  out.values = group_.values;
  out.entity_type = type;
  out.record_count = row.records;
  out.entity_count = row.entities;
  for (const FirstRecord& record : row.first_records) {
    if (out.records.size() < limits::kConflictNamesMax) out.records.push_back(identity(record));
  }
  for (const FirstRecord& first : row.first_entities) {
    if (out.entities.size() < limits::kConflictNamesMax) {
      out.entities.push_back(RecordName(identity(first)));
    }
  }
  return out;
}

std::vector<Conflict> FollowedGroup::EntriesOf(const PieceRun& run) {
  std::vector<Conflict> out;
  const std::string prefix =
      KeyOf(DisputeKey::Kind::kEntities, run.interval.start).RunPrefix();
  rows_.disputes().Walk(prefix, PrefixEnd(prefix),
                        [&](std::string_view key, std::string_view value) {
                          const auto decoded = DisputeKey::Decode(key);
                          DisputedEntitiesRow row;
                          if (!decoded || !DisputedEntitiesRow::Decode(value, &row) ||
                              decoded->stance.identifier >= rows_.rules().strong().size()) {
                            rows_.Fail(store::Damaged(Family::kDisputes, key));
                            return false;
                          }
                          out.push_back(EntryOf(decoded->stance.identifier, run.interval, row));
                          return true;
                        });
  return out;
}

// Of runs in which somebody came to clash, or does no longer, and of those that have another end.
void FollowedGroup::TellRuns(Tell tell) {
  std::set<Instant> runs;
  for (const auto& [place, edit] : edits_) runs.insert(place.first);
  if (const PieceSet::Change* change = group_.by_runs()) {
    for (const GainedRun& run : change->gained) {
      runs.insert(RunOf(run.added[0].interval.start, When::kNow));
    }
    for (const LostPiece& lost : change->lost) runs.insert(lost.before.interval.start);
  }
  for (const Instant start : runs) {
    const std::optional<PieceRun> run = all_.RunNow(start);
    const bool there = run && run->interval.start == start;
    tell(start, there ? EntriesOf(*run) : std::vector<Conflict>());
  }
}

}  // namespace unirust::resolve
