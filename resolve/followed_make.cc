// All rows of a followed group from its runs (docs/resolution.md, 9).
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "resolve/conflicts.h"
#include "resolve/disputes.h"
#include "resolve/followed_group.h"

namespace unirust::resolve {

using store::DisputedEntitiesRow;
using store::DisputedNodesRow;
using store::NameOf;
using store::PieceSetKey;

namespace {

// The blocks around the pieces of a run, and what they say.
struct Blocks {
  std::vector<BlockName> names;
  std::map<BlockName, size_t> index;
  Signatures signatures;
};

Blocks BlocksOf(const std::vector<BlockName>& around, WorkingSet& rows) {
  Blocks out;
  for (const BlockName name : around) {
    if (!out.index.emplace(name, out.names.size()).second) continue;
    out.names.push_back(name);
    out.signatures.push_back(&rows.SignatureNow(name));
  }
  return out;
}

}  // namespace

bool FollowedGroup::CanBeFollowed(WorkingSet& rows, const GroupState& group,
                                  const std::vector<RunView>& runs) {
  const auto level = static_cast<uint16_t>(group.key.identity_key + 1);
  const auto says_one = [&](BlockName name) { return !HasValueSets(rows.SignatureNow(name)); };
  const auto is_settled = [&](BlockName node) {
    const std::vector<NameRow::InPart>& parts = rows.Name(rows.BlockNow(node, level)).now.parts;
    return std::any_of(parts.begin(), parts.end(),
                       [&](const NameRow::InPart& part) { return part.level == level; });
  };
  std::set<BlockName> nodes;
  std::set<BlockName> entities;
  for (const RunView& run : runs) {
    nodes.insert(run.node_of.begin(), run.node_of.end());
    entities.insert(run.entity_of.begin(), run.entity_of.end());
  }
  return std::all_of(entities.begin(), entities.end(), says_one) &&
         std::all_of(nodes.begin(), nodes.end(),
                     [&](BlockName node) { return says_one(node) && !is_settled(node); });
}

void FollowedGroup::Make(const std::vector<RunView>& runs, Tell tell) {
  Rows disputes;
  std::vector<Piece> linked;
  std::map<BlockName, std::vector<Piece>> by_entity;
  for (const RunView& run : runs) {
    MakeNodes(run, &disputes, &linked);
    MakeEntities(run, &disputes);
    for (size_t i = 0; i < run.pieces.size(); ++i) {
      by_entity[run.entity_of[i]].push_back(run.pieces[i]);
    }
  }
  const std::set<Instant> before = DisputedRuns(When::kBefore);
  ReplaceAll(disputes, linked, by_entity);
  const std::set<Instant> now = DisputedRuns(When::kNow);
  for (const Instant run : before) {
    if (!now.contains(run)) tell(run, {});
  }
  for (const Instant start : now) {
    const std::optional<PieceRun> run = all_.RunNow(start);
    if (run) tell(start, EntriesOf(*run));
  }
  rows_.Fail(all_.status());
}

void FollowedGroup::Clear(Tell tell) {
  for (const Instant run : DisputedRuns(When::kBefore)) tell(run, {});
  ReplaceAll({}, {}, {});
}

void FollowedGroup::MakeNodes(const RunView& run, Rows* rows, std::vector<Piece>* linked) {
  const Instant start = run.pieces[0].interval.start;
  const Blocks nodes = BlocksOf(run.node_of, rows_);
  const Stances stances(rows_.disputes(), DisputeKey::Kind::kNode, group_.encoded_key, start);
  const auto disputes = Disputes(nodes.signatures);
  uint64_t disputed = 0;
  for (size_t i = 0; i < nodes.names.size(); ++i) {
    disputed += disputes[i].empty() ? 0 : 1;
    for (std::string& key : stances.KeysOf(nodes.names[i], *nodes.signatures[i])) {
      rows->emplace(std::move(key), "");
    }
  }
  if (disputed > 0) {
    rows->emplace(KeyOf(DisputeKey::Kind::kNodes, start).Encode(),
                  DisputedNodesRow{disputed}.Encode());
    if (rows_.rules().keys()[group_.key.identity_key].hold) return;
  }
  for (size_t i = 0; i < run.pieces.size(); ++i) {
    if (disputes[nodes.index.at(run.node_of[i])].empty()) linked->push_back(run.pieces[i]);
  }
}

void FollowedGroup::MakeEntities(const RunView& run, Rows* rows) {
  const Instant start = run.pieces[0].interval.start;
  const Blocks entities = BlocksOf(run.entity_of, rows_);
  const Stances stances(rows_.disputes(), DisputeKey::Kind::kEntity, group_.encoded_key, start);
  for (size_t i = 0; i < entities.names.size(); ++i) {
    for (std::string& key : stances.KeysOf(entities.names[i], *entities.signatures[i])) {
      rows->emplace(std::move(key), "");
    }
  }
  const auto disputes = Disputes(entities.signatures);
  std::map<uint16_t, DisputedEntitiesRow> found;
  for (size_t i = 0; i < entities.names.size(); ++i) {
    for (const uint16_t identifier : disputes[i]) {
      found[identifier].first_entities.push_back(rows_.FirstNow(entities.names[i]));
    }
  }
  std::map<RecordId, size_t> records;  // and their entities
  for (size_t i = 0; i < run.pieces.size(); ++i) {
    records.emplace(run.pieces[i].record, entities.index.at(run.entity_of[i]));
  }
  for (const auto& [record, entity] : records) {
    for (const uint16_t identifier : disputes[entity]) {
      found[identifier].first_records.push_back(rows_.FirstNow(NameOf(record)));
    }
  }
  for (auto& [identifier, row] : found) {
    row.entities = row.first_entities.size();
    row.records = row.first_records.size();
    for (std::vector<FirstRecord>* list : {&row.first_entities, &row.first_records}) {
      std::sort(list->begin(), list->end(), [&](const FirstRecord& a, const FirstRecord& b) {
        return names_.ComesFirst(a, b);
      });
      list->resize(std::min(list->size(), kListedMax));
    }
    rows->emplace(KeyOf(DisputeKey::Kind::kEntities, start, identifier).Encode(), row.Encode());
  }
}

// From now on these are the rows, and the sets of pieces.
void FollowedGroup::ReplaceAll(const Rows& disputes, std::span<const Piece> linked,
                               const std::map<BlockName, std::vector<Piece>>& by_entity) {
  using Kind = DisputeKey::Kind;
  for (const Kind kind : {Kind::kNode, Kind::kEntity, Kind::kNodes, Kind::kEntities}) {
    const std::string prefix = DisputeKey::Prefix(kind, group_.encoded_key);
    const auto first = disputes.lower_bound(prefix);
    auto last = first;
    while (last != disputes.end() && last->first.starts_with(prefix)) ++last;
    rows_.disputes().Replace(prefix, {first, last});
  }
  rows_.SetOf(group_, PieceSetKey::Which::kLinked).Make(linked);
  for (const BlockName entity : rows_.EntitySetsOf(group_)) {
    if (by_entity.contains(entity)) continue;
    rows_.SetOf(group_, PieceSetKey::Which::kEntity, entity).Make({});
  }
  for (const auto& [entity, pieces] : by_entity) {
    rows_.SetOf(group_, PieceSetKey::Which::kEntity, entity).Make(pieces);
  }
}

// Those that have entries.
std::set<Instant> FollowedGroup::DisputedRuns(When when) {
  std::set<Instant> out;
  const std::string prefix =
      DisputeKey::Prefix(DisputeKey::Kind::kEntities, group_.encoded_key);
  const auto visit = [&](std::string_view key, std::string_view) {
    if (const auto decoded = DisputeKey::Decode(key)) {
      out.insert(decoded->run);
    } else {
      rows_.Fail(store::Damaged(store::Family::kDisputes, key));
    }
    return true;
  };
  rows_.disputes().Walk(prefix, PrefixEnd(prefix), visit, when);
  return out;
}

}  // namespace unirust::resolve
