// The pieces of groups, and which records hold them.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "resolve/evidence.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

using store::Family;

namespace {

uint64_t RecordCount(const std::vector<Piece>& pieces) {
  std::vector<RecordId> records;
  records.reserve(pieces.size());
  for (const Piece& piece : pieces) records.push_back(piece.record);
  std::sort(records.begin(), records.end());
  const auto end = std::unique(records.begin(), records.end());
  return static_cast<uint64_t>(end - records.begin());
}

}  // namespace

uint64_t PieceCount(const GroupRow& row) {
  return row.large ? row.large_pieces : row.pieces.size();
}

uint64_t RecordCount(const GroupRow& row) {
  return row.large ? row.large_records : RecordCount(row.pieces);
}

namespace {

std::vector<Piece> Without(std::span<const Piece> pieces, std::span<const Piece> less) {
  std::vector<Piece> out;
  std::set_difference(pieces.begin(), pieces.end(), less.begin(), less.end(),
                      std::back_inserter(out));
  return out;
}

// What is left of the pieces without some, and with others.
std::vector<Piece> Edited(std::span<const Piece> pieces, std::span<const Piece> less,
                          std::span<const Piece> more) {
  const std::vector<Piece> kept = less.empty() ? std::vector<Piece>() : Without(pieces, less);
  if (!less.empty()) pieces = kept;
  std::vector<Piece> out;
  out.reserve(pieces.size() + more.size());
  std::set_union(pieces.begin(), pieces.end(), more.begin(), more.end(), std::back_inserter(out));
  return out;
}

}  // namespace

bool WorkingSet::EditPieces(GroupState& group, std::vector<Piece> before, std::vector<Piece> now) {
  const GroupRow& row = group.row.before();
  const bool may_be_large =
      row.large || PieceCount(row) + now.size() >= limits::kLargeGroupPiecesMin;
  const uint64_t gone = may_be_large ? RecordCount(before) : 0;
  const uint64_t come = may_be_large ? RecordCount(now) : 0;
  if (before.empty()) {
    group.added = std::move(now);
  } else {
    group.removed = Without(before, now);
    group.added = Without(now, before);
  }
  if (group.removed.empty() && group.added.empty()) return false;
  const uint64_t count = PieceCount(row) - group.removed.size() + group.added.size();
  if (row.large || count >= limits::kLargeGroupPiecesMin) {
    EditLarge(group, count, static_cast<int64_t>(come) - static_cast<int64_t>(gone));
    return true;
  }
  std::vector<Piece> all = Edited(row.pieces, group.removed, group.added);
  if (all.empty()) {
    group.row.Remove();
    return true;
  }
  GroupRow& edited = group.row.Edit();
  edited.pieces = std::move(all);
  if (!store::AreVerbatim(group.key.values)) edited.values = group.values;
  return true;
}

// A group that is large, or was.
void WorkingSet::EditLarge(GroupState& group, uint64_t count, int64_t records) {
  PieceSet rows = PiecesOf(group);
  if (group.row.before().large && count >= limits::kLargeGroupPiecesMin) {
    PieceSet::Change change = rows.Apply(group.removed, group.added);
    if (change.by_runs) LargeOf(group).by_runs = std::move(change);
    GroupRow& row = group.row.Edit();
    row.large_pieces = count;
    row.large_records += static_cast<uint64_t>(records);
    return Fail(rows.status());
  }
  std::vector<Piece> all = Edited(AllBefore(group), group.removed, group.added);
  const bool large = count >= limits::kLargeGroupPiecesMin;
  rows.Make(large ? std::span<const Piece>(all) : std::span<const Piece>());
  if (all.empty()) {
    group.row.Remove();
    return Fail(rows.status());
  }
  GroupRow& row = group.row.Edit();
  if (!store::AreVerbatim(group.key.values)) row.values = group.values;
  row.large = large;
  row.large_pieces = row.large ? count : 0;
  row.large_records = row.large ? RecordCount(all) : 0;
  if (row.large) {
    row.pieces.clear();
  } else {
    row.pieces = std::move(all);
  }
  Fail(rows.status());
}

PieceSet WorkingSet::SetOf(const GroupState& group, store::PieceSetKey::Which which,
                           BlockName entity) {
  return {pieces_, runs_,
          store::PieceSetKey{which, std::string(group.encoded_key), entity}.Encode()};
}

std::vector<BlockName> WorkingSet::EntitySetsOf(const GroupState& group) {
  using store::PieceSetKey;
  const std::string prefix =
      PieceSetKey::Prefix(PieceSetKey::Which::kEntity, group.encoded_key);
  const std::string end = PrefixEnd(prefix);
  std::vector<BlockName> out;
  for (std::string from = prefix; !from.empty();) {
    std::string next;
    runs_.Walk(from, end, [&](std::string_view key, std::string_view) {
      const auto run = store::RunKey::Decode(key);
      const auto set = run ? PieceSetKey::Decode(run->set) : std::nullopt;
      if (!set) {
        Fail(store::Damaged(Family::kRuns, key));
        return false;
      }
      out.push_back(set->entity);
      next = PrefixEnd(run->set);
      return false;
    });
    from = std::move(next);
  }
  return out;
}

GroupState::Large& WorkingSet::LargeOf(GroupState& group) {
  if (group.large == nullptr) group.large = std::make_unique<GroupState::Large>();
  return *group.large;
}

std::span<const Piece> WorkingSet::AllBefore(GroupState& group) {
  const GroupRow& row = group.row.before();
  if (!row.large) return row.pieces;
  GroupState::Large& large = LargeOf(group);
  if (!large.all_before) {
    const PieceSet rows = PiecesOf(group);
    large.all_before = rows.AllBefore();
    Fail(rows.status());
  }
  return *large.all_before;
}

bool WorkingSet::IsGenericRow(const GroupState& group, const GroupRow& row) const {
  const uint64_t max_group = rules_.keys()[group.key.identity_key].max_group;
  if (PieceCount(row) <= max_group) return false;
  return RecordCount(row) > max_group;
}

uint64_t WorkingSet::EvidenceCountBefore(const GroupState& group) const {
  const GroupRow& row = group.row.before();
  return IsGenericRow(group, row) ? 0 : PieceCount(row);
}

uint64_t WorkingSet::EvidenceCountNow(const GroupState& group) const {
  const GroupRow& row = group.row.now();
  return IsGenericRow(group, row) ? 0 : PieceCount(row);
}

std::span<const Piece> WorkingSet::EvidenceBefore(GroupState& group) {
  return IsGenericRow(group, group.row.before()) ? std::span<const Piece>() : AllBefore(group);
}

std::span<const Piece> WorkingSet::EvidenceNow(GroupState& group) {
  const GroupRow& row = group.row.now();
  if (IsGenericRow(group, row)) return {};
  if (!row.large) return row.pieces;
  GroupState::Large& large = LargeOf(group);
  if (!large.all_now) large.all_now = Edited(AllBefore(group), group.removed, group.added);
  return *large.all_now;
}

std::vector<GroupState*> WorkingSet::GroupsBefore(RecordId id, uint16_t identity_key) {
  const RecordState& record = Record(id);
  if (!record.live_before) return {};
  return GroupsOf(record.row.before(), identity_key);
}

std::vector<GroupState*> WorkingSet::GroupsNow(RecordId id, uint16_t identity_key) {
  const RecordState& record = Record(id);
  if (!record.live_now) return {};
  return GroupsOf(record.row.now(), identity_key);
}

std::vector<GroupState*> WorkingSet::GroupsOf(const RecordRow& row, uint16_t identity_key) {
  const KeyRule& key = rules_.keys()[identity_key];
  std::vector<GroupState*> out;
  if (!key.types.Has(row.entity_type)) return out;
  const auto instances = KeyInstances(key, row.descriptors, rules_);
  if (!instances.ok()) {
    Fail(instances.status());
    return out;
  }
  for (const KeyInstance& instance : *instances) {
    out.push_back(&Group(row.entity_type, identity_key, instance.values));
  }
  return out;
}

IntervalSet WorkingSet::TimesBefore(RecordId id, const GroupState& group) {
  const RecordState& record = Record(id);
  return record.live_before ? TimesOf(record.row.before(), group) : IntervalSet();
}

IntervalSet WorkingSet::TimesNow(RecordId id, const GroupState& group) {
  const RecordState& record = Record(id);
  return record.live_now ? TimesOf(record.row.now(), group) : IntervalSet();
}

IntervalSet WorkingSet::TimesOf(const RecordRow& row, const GroupState& group) {
  const KeyRule& key = rules_.keys()[group.key.identity_key];
  auto instances = KeyInstances(key, row.descriptors, rules_);
  if (!instances.ok()) {
    Fail(instances.status());
    return {};
  }
  for (KeyInstance& instance : *instances) {
    if (std::equal(instance.values.begin(), instance.values.end(), group.values.begin(),
                   group.values.end())) {
      return std::move(instance.time);
    }
  }
  return {};
}

// What the batch before changes is laid over the stored rows, which have it already or not.
std::vector<std::string> WorkingSet::TouchedGroups(BlockName name, uint16_t level) {
  std::vector<std::string> out;
  if (Name(name).before.touches == 0) return out;
  const std::string prefix = store::TouchKey::Prefix(name, level);
  std::set<std::string, std::less<>> keys;
  const auto cursor = reader_.ScanPrefix(Family::kTouches, prefix);
  for (; cursor->Valid(); cursor->Next()) keys.emplace(cursor->key());
  if (!cursor->status().ok()) Fail(cursor->status());
  if (previous_ != nullptr) {
    const auto& changes = previous_->touches_;
    for (auto it = changes.lower_bound(prefix);
         it != changes.end() && it->first.starts_with(prefix); ++it) {
      if (it->second) {
        keys.insert(it->first);
      } else {
        keys.erase(it->first);
      }
    }
  }
  for (const std::string& key : keys) {
    const auto touch = store::TouchKey::Decode(key);
    if (touch) {
      out.push_back(touch->group);
    } else {
      Fail(store::Damaged(Family::kTouches, key));
    }
  }
  return out;
}

void WorkingSet::SetTouch(BlockName name, uint16_t level, const GroupState& group, bool touched) {
  const store::TouchKey key{.name = name, .level = level, .group = std::string(group.encoded_key)};
  const auto [change, inserted] = touches_.try_emplace(key.Encode(), touched);
  if (!inserted && change->second == touched) return;
  change->second = touched;
  uint32_t& count = Name(name).now.touches;
  count = touched ? count + 1 : count - 1;
}

}  // namespace unirust::resolve
