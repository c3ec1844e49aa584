#include "resolve/followed_nodes.h"

#include <algorithm>
#include <iterator>

namespace unirust::resolve {

using store::DisputeKey;
using store::DisputedNodesRow;
using store::Family;
using store::PieceSetKey;

namespace {

constexpr size_t kRecordsMax = 64;  // of a node, or nodes that are compared with each other

// At some instant both have rows of one identifier and domain with a common value.
bool Agree(const Signature& a, const Signature& b) {
  return std::any_of(a.begin(), a.end(), [&](const StrongRow& row) {
    return std::any_of(b.begin(), b.end(), [&](const StrongRow& other) {
      return row.identifier == other.identifier && row.domain == other.domain &&
             Overlaps(row.interval, other.interval) && ShareValue(row, other);
    });
  });
}

bool AreLinked(const Signature& a, const Signature& b) { return Agree(a, b) && !Clash(a, b); }

}  // namespace

FollowedNodes::FollowedNodes(WorkingSet& rows, GroupState& group)
    : rows_(rows),
      group_(group),
      node_level_(group.key.identity_key),
      all_(rows.PiecesOf(group)),
      linked_(rows.SetOf(group, PieceSetKey::Which::kLinked)) {}

bool FollowedNodes::Update(const std::set<BlockName>& nodes) {
  if (!RunsKeepTheirStarts()) return false;
  for (const BlockName name : nodes) {
    const auto [node, inserted] = nodes_.try_emplace(name);
    if (!inserted) continue;
    if (!Load(name, &node->second)) return false;
    WriteStances(name, node->second);
    if (!Judge(&node->second.before, When::kBefore)) return false;
  }
  if (!MattersOnlyToChanged(nodes)) return false;
  for (auto& [name, node] : nodes_) {
    if (!Judge(&node.now, When::kNow)) return false;
  }
  if (!CountDisputed() || !UpdateLinked()) return false;
  FindHanded();
  return rows_.status().ok();
}

void FollowedNodes::FindHanded() {
  handed_.clear();
  std::map<Piece, BlockName> holders;
  for (const auto& [name, node] : nodes_) {
    for (const Piece& piece : node.before.pieces) holders[piece] = name;
  }
  for (const auto& [name, node] : nodes_) {
    for (const Piece& piece : node.now.pieces) {
      const auto holder = holders.find(piece);
      if (holder == holders.end() || holder->second == name) continue;
      if (linked_.Has(piece, When::kBefore) && linked_.Has(piece, When::kNow)) {
        handed_.push_back({piece, holder->second, name});
      }
    }
  }
}

// Rows about a run are found by its start.
bool FollowedNodes::RunsKeepTheirStarts() const {
  if (group_.by_runs() == nullptr) return true;
  const auto keeps = [&](Instant start) {
    const std::optional<PieceRun> run = all_.RunNow(start);
    return run && run->interval.start == start;
  };
  for (const GainedRun& run : group_.by_runs()->gained) {
    if (run.old.size() > 1) return false;
    if (run.old.empty()) continue;
    const std::optional<PieceRun> before = all_.RunBefore(run.old[0].interval.start);
    if (!before || !keeps(before->interval.start)) return false;
  }
  const std::vector<LostPiece>& lost = group_.by_runs()->lost;
  return std::all_of(lost.begin(), lost.end(), [&](const LostPiece& piece) {
    return !piece.rest || keeps(piece.before.interval.start);
  });
}

bool FollowedNodes::Load(BlockName name, Node* node) {
  const WorkingSet::Existence exists = rows_.Exists(name, node_level_);
  if (exists.before && !LoadPieces(name, When::kBefore, &node->before)) return false;
  if (exists.now && !LoadPieces(name, When::kNow, &node->now)) return false;
  if (!node->before.pieces.empty()) node->before.signature = rows_.SignatureBefore(name);
  if (!node->now.pieces.empty()) node->now.signature = rows_.SignatureNow(name);
  return !HasValueSets(node->now.signature);
}

bool FollowedNodes::LoadPieces(BlockName name, When when, Side* side) {
  const bool before = when == When::kBefore;
  if (!store::IsRecord(name)) {
    const RowVersions<BlockRow>& block = rows_.Block(name);
    if ((before ? block.before() : block.now()).records > kRecordsMax) return false;
  }
  for (const RecordId record : before ? rows_.RecordsBefore(name) : rows_.RecordsNow(name)) {
    const IntervalSet times =
        before ? rows_.TimesBefore(record, group_) : rows_.TimesNow(record, group_);
    for (const Interval& time : times) {
      side->pieces.push_back({time, record});
      side->disputed[RunOf(side->pieces.back(), when)] = false;
    }
  }
  std::sort(side->pieces.begin(), side->pieces.end());
  return true;
}

Instant FollowedNodes::RunOf(const Piece& piece, When when) {
  std::map<Instant, Instant>& known = when == When::kBefore ? runs_before_ : runs_now_;
  const auto behind = known.upper_bound(piece.interval.start);
  if (behind != known.begin() && std::prev(behind)->second > piece.interval.start) {
    return std::prev(behind)->first;
  }
  const std::optional<PieceRun> run = when == When::kBefore
                                          ? all_.RunBefore(piece.interval.start)
                                          : all_.RunNow(piece.interval.start);
  if (!run) {
    rows_.Fail(store::Damaged(Family::kRuns, group_.encoded_key));
    return piece.interval.start;
  }
  known[run->interval.start] = run->interval.end;
  return run->interval.start;
}

Stances FollowedNodes::StancesIn(Instant run) const {
  return {rows_.disputes(), DisputeKey::Kind::kNode, group_.encoded_key, run};
}

void FollowedNodes::WriteStances(BlockName name, const Node& node) {
  for (const auto& [run, disputed] : node.before.disputed) {
    StancesIn(run).Remove(name, node.before.signature);
  }
  for (const auto& [run, disputed] : node.now.disputed) {
    StancesIn(run).Add(name, node.now.signature);
  }
}

// What the changed nodes do not say any more, or say now, disputes no other node that would not be disputed without.
bool FollowedNodes::MattersOnlyToChanged(const std::set<BlockName>& names) {
  for (const auto& [name, node] : nodes_) {
    std::set<Instant> runs;
    for (const Side* side : {&node.before, &node.now}) {
      for (const auto& [run, disputed] : side->disputed) runs.insert(run);
    }
    for (const Instant run : runs) {
      const Stances stances = StancesIn(run);
      const Signature nothing;
      const Signature& before =
          node.before.disputed.contains(run) ? node.before.signature : nothing;
      const Signature& now = node.now.disputed.contains(run) ? node.now.signature : nothing;
      Signature changed;
      std::set_symmetric_difference(before.begin(), before.end(), now.begin(), now.end(),
                                    std::back_inserter(changed));
      for (const StrongRow& row : changed) {
        if (!stances.MattersOnlyTo(row, names)) return false;
      }
      rows_.Fail(stances.status());
    }
  }
  return true;
}

// False if it cannot be told whether the node is disputed.
bool FollowedNodes::Judge(Side* side, When when) {
  for (auto& [run, disputed] : side->disputed) {
    const Stances stances = StancesIn(run);
    disputed = false;
    for (const StrongRow& row : side->signature) {
      const std::optional<bool> told = stances.IsDisputed(row, when);
      rows_.Fail(stances.status());
      if (!told) return false;
      disputed = disputed || *told;
    }
  }
  return true;
}

// False if a run turns mixed, or calm.
bool FollowedNodes::CountDisputed() {
  std::map<Instant, int64_t> more;
  for (const auto& [name, node] : nodes_) {
    for (const auto& [run, disputed] : node.before.disputed) more[run] -= disputed ? 1 : 0;
    for (const auto& [run, disputed] : node.now.disputed) more[run] += disputed ? 1 : 0;
  }
  for (const auto& [run, change] : more) {
    const std::string key = DisputedNodesKey(run);
    DisputedNodesRow row;
    const auto bytes = rows_.disputes().Now(key);
    if (bytes && !DisputedNodesRow::Decode(*bytes, &row)) {
      rows_.Fail(store::Damaged(Family::kDisputes, key));
    }
    int64_t& counted = counted_[run];
    const int64_t before = static_cast<int64_t>(row.nodes) - counted;
    const int64_t now = before + change;
    if (before < 0 || now < 0) rows_.Fail(store::Damaged(Family::kDisputes, key));
    if ((before > 0) != (now > 0)) return false;
    if (change == counted) continue;
    counted = change;
    row.nodes = static_cast<uint64_t>(now);
    rows_.disputes().Put(key, row.Encode());
  }
  return true;
}

std::string FollowedNodes::DisputedNodesKey(Instant run) const {
  return DisputeKey{.kind = DisputeKey::Kind::kNodes,
                    .group = std::string(group_.encoded_key),
                    .run = run,
                    .stance = {}}
      .Encode();
}

bool FollowedNodes::IsLinked(const Side& side, const Piece& piece) {
  const Instant run = RunOf(piece, When::kNow);
  if (side.disputed.at(run)) return false;
  return !rows_.rules().keys()[group_.key.identity_key].hold ||
         !rows_.disputes().Now(DisputedNodesKey(run));
}

std::vector<Piece> FollowedNodes::LinkedPieces(BlockName node) {
  std::vector<Piece> out;
  const Side& side = nodes_.at(node).now;
  for (const Piece& piece : side.pieces) {
    if (IsLinked(side, piece)) out.push_back(piece);
  }
  return out;
}

// False if it is not known run by run what that changes.
bool FollowedNodes::UpdateLinked() {
  std::set<Piece> pieces;
  std::set<Piece> now;
  for (const auto& [name, node] : nodes_) {
    for (const Side* side : {&node.before, &node.now}) {
      pieces.insert(side->pieces.begin(), side->pieces.end());
    }
    const std::vector<Piece> linked = LinkedPieces(name);
    now.insert(linked.begin(), linked.end());
  }
  std::vector<Piece> removed;
  std::vector<Piece> added;
  for (const Piece& piece : pieces) {
    const bool was = linked_.Has(piece, When::kNow);
    if (was && !now.contains(piece)) removed.push_back(piece);
    if (!was && now.contains(piece)) added.push_back(piece);
  }
  linked_change_ = linked_.Apply(removed, added);
  for (const GainedRun& run : linked_change_.gained) {
    joined_.insert(joined_.end(), run.old.begin(), run.old.end());
  }
  rows_.Fail(linked_.status());
  rows_.Fail(all_.status());
  return linked_change_.by_runs;
}

// --- agreement ---------------------------------------------------------------------------------------

const Signature& FollowedNodes::SignatureOf(BlockName name, When when) {
  const auto changed = nodes_.find(name);
  if (changed == nodes_.end()) return rows_.SignatureNow(name);
  return (when == When::kBefore ? changed->second.before : changed->second.now).signature;
}

// The nodes that one agrees with in a run; of those that say the same as an unchanged one, this alone. False if there
// are very many.
bool FollowedNodes::Agreeing(BlockName name, When when, Instant run, std::set<BlockName>* out) {
  const Signature& own = SignatureOf(name, when);
  const Stances stances = StancesIn(run);
  bool all = true;
  for (const StrongRow& row : own) {
    const Stances::Others others = stances.Sharing(row, name, when);
    all = all && others.all;
    for (const BlockName other : others.blocks) {
      const Signature& signature = SignatureOf(other, when);
      if (!nodes_.contains(other) && signature == own) {
        *out = {other};
        return true;
      }
      if (!Clash(own, signature)) out->insert(other);
    }
  }
  rows_.Fail(stances.status());
  return all;
}

std::optional<FollowedNodes::Neighbours> FollowedNodes::AllAgreeing(When when) {
  Neighbours out;
  for (const auto& [name, node] : nodes_) {
    for (const auto& [run, disputed] : (when == When::kBefore ? node.before : node.now).disputed) {
      if (!Agreeing(name, when, run, &out[run][name])) return std::nullopt;
    }
  }
  return out;
}

std::optional<std::vector<std::pair<BlockName, BlockName>>> FollowedNodes::Agreements() {
  const std::optional<Neighbours> now = AllAgreeing(When::kNow);
  if (!now) return std::nullopt;
  std::vector<std::pair<BlockName, BlockName>> out;
  for (const auto& [run, nodes] : *now) {
    for (const auto& [name, others] : nodes) {
      for (const BlockName other : others) out.emplace_back(name, other);
    }
  }
  return out;
}

namespace {

// Names that edges connect.
class Knots {
 public:
  void Unite(BlockName a, BlockName b) { parent_[Find(a)] = Find(b); }
  BlockName Find(BlockName name) {
    const auto [it, inserted] = parent_.try_emplace(name, name);
    if (it->second == name) return name;
    const BlockName root = Find(it->second);
    parent_[name] = root;
    return root;
  }
  std::vector<std::vector<BlockName>> All() {
    std::map<BlockName, std::vector<BlockName>> by_root;
    std::vector<BlockName> names;
    for (const auto& [name, parent] : parent_) names.push_back(name);
    for (const BlockName name : names) by_root[Find(name)].push_back(name);
    std::vector<std::vector<BlockName>> out;
    for (auto& [root, members] : by_root) out.push_back(std::move(members));
    return out;
  }

 private:
  std::map<BlockName, BlockName> parent_;
};

}  // namespace

std::optional<std::vector<FollowedNodes::Stray>> FollowedNodes::Strays(Present present) {
  const std::optional<Neighbours> before = AllAgreeing(When::kBefore);
  const std::optional<Neighbours> now = AllAgreeing(When::kNow);
  if (!before || !now) return std::nullopt;
  std::vector<Stray> out;
  const Edges nothing;
  for (const auto& [run, edges] : *before) {
    const auto here = now->find(run);
    if (!AddStrays(edges, here == now->end() ? nothing : here->second, present, &out)) {
      return std::nullopt;
    }
  }
  return out;
}

// Of one run. False if unchanged nodes may have lost each other.
bool FollowedNodes::AddStrays(const Edges& before, const Edges& now, Present present,
                              std::vector<Stray>* out) {
  Knots then;
  for (const auto& [name, others] : before) {
    for (const BlockName other : others) then.Unite(name, other);
  }
  Knots knots;  // now
  for (const auto& [name, others] : now) {
    for (const BlockName other : others) knots.Unite(name, other);
  }
  for (const std::vector<BlockName>& knot : then.All()) {
    std::vector<BlockName> unchanged;
    std::vector<Stray> changed;
    for (const BlockName name : knot) {
      const auto node = nodes_.find(name);
      if (node == nodes_.end()) {
        unchanged.push_back(name);
        continue;
      }
      const RecordId record = node->second.before.pieces[0].record;
      if (const auto there = present(record)) changed.push_back({record, *there});
    }
    if (unchanged.size() > kRecordsMax) return false;
    for (size_t i = 0; i < unchanged.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (AreLinked(rows_.SignatureNow(unchanged[i]), rows_.SignatureNow(unchanged[j]))) {
          knots.Unite(unchanged[i], unchanged[j]);
        }
      }
    }
    if (unchanged.empty() && changed.empty()) continue;
    const BlockName kept = knots.Find(unchanged.empty() ? changed[0].node : unchanged[0]);
    for (const BlockName name : unchanged) {
      if (knots.Find(name) != kept) return false;
    }
    for (const Stray& stray : changed) {
      if (knots.Find(stray.node) != kept) out->push_back(stray);
    }
  }
  return true;
}

void FollowedNodes::Register() {
  const auto level = static_cast<uint16_t>(node_level_ + 1);
  if (level == 1) return;  // nodes are records, which are looked at in any case
  for (const auto& [name, node] : nodes_) {
    if (node.before.pieces.empty() == node.now.pieces.empty()) continue;
    rows_.SetTouch(name, level, group_, !node.now.pieces.empty());
  }
}

}  // namespace unirust::resolve
