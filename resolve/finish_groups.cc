#include "resolve/finish_groups.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "resolve/conflicts.h"
#include "resolve/record_moves.h"

namespace unirust::resolve {

using store::ConflictOwnerKey;
using store::NameOf;

GroupFinisher::GroupFinisher(WorkingSet& rows, Names& names, const EntityDelta& entities,
                             store::CountersRow& counters, Replace replace)
    : rows_(rows),
      names_(names),
      entities_(entities),
      counters_(counters),
      replace_(std::move(replace)),
      top_(rows.rules().levels()) {}

void GroupFinisher::Run(std::vector<GroupState*> groups) {
  CollectGroups(&groups);
  CollectMoves(groups);
  for (GroupState* group : groups) FinishGroup(*group);
}

void GroupFinisher::CollectGroups(std::vector<GroupState*>* groups) {
  for (auto& [key, group] : rows_.groups()) {
    if (!group.added.empty() || !group.removed.empty()) AddToFinish(group, groups);
  }
  for (const auto* names : {&entities_.gone, &entities_.changed}) {
    for (const BlockName name : *names) {
      for (const std::string& key : rows_.TouchedGroups(name, store::kEntityLevel)) {
        GroupState* group = &rows_.Group(key);
        AddToFinish(*group, groups);
        if (names == &entities_.changed) touched_[group].insert(name);
      }
    }
  }
}

// Of followed groups: which of their pieces are another entity's, or others than before.
void GroupFinisher::CollectMoves(const std::vector<GroupState*>& groups) {
  if (std::none_of(groups.begin(), groups.end(),
                   [&](const GroupState* group) { return rows_.IsFollowed(*group); })) {
    return;
  }
  for (const RecordId id : RecordsThatMoved(rows_, entities_)) {
    std::set<GroupState*> followed;
    for (uint16_t key = 0; key < rows_.rules().levels(); ++key) {
      for (const auto& all : {rows_.GroupsBefore(id, key), rows_.GroupsNow(id, key)}) {
        for (GroupState* group : all) {
          if (rows_.IsFollowed(*group)) followed.insert(group);
        }
      }
    }
    for (GroupState* group : followed) {
      RecordMove move{.record = id, .before = {}, .now = {}, .entity_before = {}, .entity_now = {}};
      for (const Interval& time : rows_.TimesBefore(id, *group)) move.before.push_back({time, id});
      for (const Interval& time : rows_.TimesNow(id, *group)) move.now.push_back({time, id});
      if (!move.before.empty()) move.entity_before = rows_.BlockBefore(NameOf(id), top_);
      if (!move.now.empty()) move.entity_now = rows_.BlockNow(NameOf(id), top_);
      if (move.before == move.now && move.entity_before == move.entity_now) continue;
      moves_[group].push_back(std::move(move));
    }
  }
}

void GroupFinisher::FinishGroup(GroupState& group) {
  if (rows_.IsFollowed(group) && FinishFollowed(group)) return;
  const GroupRow& before = group.row.before();
  const uint64_t pieces = rows_.EvidenceCountNow(group);
  if (pieces < 2 && !before.divided && before.edges == 0) return;
  // One entity a run, and each of its pieces but the first meets an earlier one.
  if (group.calm && rows_.ChangesByRuns(group)) {
    const uint64_t runs = rows_.EvidenceCountBefore(group) - before.edges +
                          static_cast<uint64_t>(group.by_runs()->runs);
    return SetEdges(group, pieces - runs);
  }
  const Findings findings = LookAt(group);
  if (before.divided || findings.divided) FinishDivided(group, findings);
  SetEdges(group, findings.edges);
}

// False if it must be looked at as a whole.
bool GroupFinisher::FinishFollowed(GroupState& group) {
  FollowedGroup followed(rows_, names_, group);
  const auto tell = [&](Instant run, const std::vector<Conflict>& entries) {
    replace_(ConflictOwnerKey::Run(group.encoded_key, run), entries);
  };
  if (!followed.Update(moves_[&group], touched_[&group], tell)) return false;
  SetEdges(group, group.row.before().edges + static_cast<uint64_t>(followed.more_edges()));
  return true;
}

GroupFinisher::Findings GroupFinisher::LookAt(GroupState& group) {
  const std::span<const Piece> evidence = rows_.EvidenceNow(group);
  const auto level = static_cast<uint16_t>(group.key.identity_key + 1);
  Findings out;
  for (const auto& [first, last] : Chains(evidence)) {
    const std::span<const Piece> run = evidence.subspan(first, last - first);
    if (group.calm) {  // one entity, and each piece but the first meets an earlier one
      out.edges += run.size() - 1;
      continue;
    }
    if (run.size() < 2 && !group.row.now().large) continue;
    RunView view{.pieces = run, .node_of = {}, .entity_of = BlocksOf(run, top_)};
    if (group.row.now().large) view.node_of = BlocksOf(run, static_cast<uint16_t>(level - 1));
    const bool divided = LookAtRun(view, level, &out);
    if (divided || group.row.now().large) out.runs.push_back(std::move(view));
  }
  return out;
}

namespace {

// semantics.md, 9: a piece is linked if an earlier one of its entity reaches into it. Pieces of one record never
// overlap, so that one is another record's.
uint64_t SameAsEdges(std::span<const Piece> run, const std::vector<BlockName>& entity_of) {
  uint64_t edges = 0;
  absl::flat_hash_map<BlockName, Instant> reach;
  for (size_t i = 0; i < run.size(); ++i) {
    const Interval& interval = run[i].interval;
    const auto [it, inserted] = reach.emplace(entity_of[i], interval.end);
    if (inserted) continue;
    if (interval.start < it->second) ++edges;
    it->second = std::max(it->second, interval.end);
  }
  return edges;
}

bool AreOne(const std::vector<BlockName>& names) {
  return std::all_of(names.begin(), names.end(),
                     [&](const BlockName name) { return name == names[0]; });
}

}  // namespace

// Whether it is divided.
bool GroupFinisher::LookAtRun(const RunView& run, uint16_t level, Findings* out) {
  out->edges += SameAsEdges(run.pieces, run.entity_of);
  if (AreOne(level == top_ ? run.entity_of : BlocksOf(run.pieces, level))) return false;
  out->divided = true;
  if (level > 1) {
    const auto nodes = BlocksOf(run.pieces, static_cast<uint16_t>(level - 1));
    out->nodes.insert(nodes.begin(), nodes.end());
  }
  out->entities.insert(run.entity_of.begin(), run.entity_of.end());
  return true;
}

// One that is divided, or was.
void GroupFinisher::FinishDivided(GroupState& group, const Findings& findings) {
  const auto level = static_cast<uint16_t>(group.key.identity_key + 1);
  const bool follow = findings.divided && group.row.now().large &&
                      FollowedGroup::CanBeFollowed(rows_, group, findings.runs);
  std::set<BlockName> nodes = findings.nodes;
  std::set<BlockName> entities = findings.entities;
  if (findings.divided && group.row.now().large) {  // whether it can be followed depends on all
    for (const RunView& run : findings.runs) {
      if (level > 1) nodes.insert(run.node_of.begin(), run.node_of.end());
      entities.insert(run.entity_of.begin(), run.entity_of.end());
    }
  }
  const std::vector<BlockName> node_touches(nodes.begin(), nodes.end());
  const std::vector<BlockName> entity_touches(entities.begin(), entities.end());
  const GroupRow& before = group.row.before();
  if (level > 1) Register(group, level, TouchesBefore(group, level), node_touches);
  Register(group, store::kEntityLevel, TouchesBefore(group, store::kEntityLevel), entity_touches);
  const auto tell = [&](Instant run, const std::vector<Conflict>& entries) {
    replace_(ConflictOwnerKey::Run(group.encoded_key, run), entries);
  };
  FollowedGroup rows(rows_, names_, group);
  if (follow) {
    rows.Make(findings.runs, tell);
  } else if (before.followed) {
    rows.Clear(tell);
  }
  replace_(ConflictOwnerKey::Group(group.encoded_key),
           follow ? std::vector<Conflict>() : Contested(group, findings.runs));
  if (!group.row.exists()) return;
  GroupRow& row = group.row.Edit();
  row.divided = findings.divided;
  row.followed = follow;
  row.node_touches = follow ? std::vector<BlockName>() : node_touches;
  row.entity_touches = follow ? std::vector<BlockName>() : entity_touches;
}

// Where it was registered. A followed group: with all nodes, or entities, that had pieces in it.
std::vector<BlockName> GroupFinisher::TouchesBefore(GroupState& group, uint16_t level) {
  const GroupRow& before = group.row.before();
  const bool of_entities = level == store::kEntityLevel;
  if (!before.followed) return of_entities ? before.entity_touches : before.node_touches;
  const uint16_t around = of_entities ? top_ : static_cast<uint16_t>(level - 1);
  std::set<BlockName> out;
  for (const Piece& piece : rows_.EvidenceBefore(group)) {
    out.insert(rows_.BlockBefore(NameOf(piece.record), around));
  }
  return {out.begin(), out.end()};
}

void GroupFinisher::SetEdges(GroupState& group, uint64_t edges) {
  counters_.same_as += edges;
  counters_.same_as -= group.row.before().edges;
  if (group.row.now().edges != edges) group.row.Edit().edges = edges;
}

// The blocks of one level that hold the pieces of a run.
std::vector<BlockName> GroupFinisher::BlocksOf(std::span<const Piece> run, uint16_t level) {
  std::vector<BlockName> out;
  out.reserve(run.size());
  for (const Piece& piece : run) out.push_back(rows_.BlockNow(NameOf(piece.record), level));
  return out;
}

// Brings the group's touches of one level from `before` to `now`, both sorted.
void GroupFinisher::Register(const GroupState& group, uint16_t level,
                             const std::vector<BlockName>& before,
                             const std::vector<BlockName>& now) {
  for (const BlockName name : before) {
    if (!std::binary_search(now.begin(), now.end(), name)) {
      rows_.SetTouch(name, level, group, false);
    }
  }
  for (const BlockName name : now) {
    if (!std::binary_search(before.begin(), before.end(), name)) {
      rows_.SetTouch(name, level, group, true);
    }
  }
}

std::vector<Conflict> GroupFinisher::Contested(const GroupState& group,
                                               const std::vector<RunView>& runs) {
  std::vector<Conflict> out;
  for (const RunView& run : runs) {
    for (Conflict& entry : ContestedRunOf(group, run)) out.push_back(std::move(entry));
  }
  return out;
}

std::vector<Conflict> GroupFinisher::ContestedRunOf(const GroupState& group, const RunView& run) {
  Interval interval = run.pieces[0].interval;
  std::map<BlockName, std::set<RecordId>> holders;
  for (size_t i = 0; i < run.pieces.size(); ++i) {
    interval.end = std::max(interval.end, run.pieces[i].interval.end);
    holders[run.entity_of[i]].insert(run.pieces[i].record);
  }
  if (holders.size() < 2) return {};
  std::vector<RunEntity> entities;
  for (const auto& [entity, records] : holders) {
    RunEntity out{.signature = &rows_.SignatureNow(entity), .first = {}, .records = {}};
    const FirstRecord first = rows_.FirstNow(entity);
    out.first = {names_.Text(group.key.entity_type), names_.Text(first.perspective), first.uid};
    for (const RecordId record : records) {
      out.records.push_back(&rows_.Record(record).row.now());
    }
    entities.push_back(std::move(out));
  }
  return ContestedRun(rows_.rules().keys()[group.key.identity_key], group.values, interval,
                      entities, rows_.rules(), names_);
}

}  // namespace unirust::resolve
