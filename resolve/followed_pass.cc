// A followed group in a level's pass (docs/resolution.md, 9): only nodes that may link otherwise than before are looked
// at, and what is linked to them.
#include <algorithm>
#include <map>

#include "resolve/level_pass.h"

namespace unirust::resolve {

using store::NameOf;
using store::PieceSetKey;

namespace {
constexpr size_t kRecordsMax = 64;   // of a node, and pieces that are looked at to find those that stand for a run
constexpr size_t kNodesPartMax = 4;  // more nodes than this part of the pieces: cheaper as a whole
using When = SortedRows::When;
}  // namespace

// False if the group must be looked at as a whole.
bool LevelPass::LinkFollowed(GroupState& group, FollowedWork& work) {
  if (!AddNodesInPlace(&work.nodes)) return false;
  if (work.nodes.size() > rows_.EvidenceCountNow(group) / kNodesPartMax) return false;
  if (work.followed == nullptr) work.followed = std::make_unique<FollowedNodes>(rows_, group);
  FollowedNodes& nodes = *work.followed;
  if (!nodes.Update(work.nodes) || MetSettled(work.nodes)) return false;
  for (const GainedRun& run : nodes.linked_change().gained) {
    States knot;
    for (const auto* pieces : {&run.old, &run.added}) {
      for (const Piece& piece : *pieces) knot.push_back(&Node(piece.record));
    }
    AddKnot(knot);
  }
  const auto agreements = nodes.Agreements();
  if (!agreements) return false;
  for (const auto& [a, b] : *agreements) AddKnot(States{&rows_.Name(a), &rows_.Name(b)});
  if (!LosePieces(group, nodes.linked(), nodes.linked_change().lost) ||
      !LosePieces(group, nodes.linked(), GivenAway(nodes))) {
    return false;
  }
  const auto strays = nodes.Strays([&](RecordId record) {
    const NameState* node = PresentNode(record);
    return node == nullptr ? std::nullopt : std::optional(node->name);
  });
  if (!strays) return false;
  for (const FollowedNodes::Stray& stray : *strays) {
    NameState& block = rows_.BlockBefore(rows_.Name(NameOf(stray.record)), level_);
    NameState& node = rows_.Name(stray.node);
    if (InSettledPart(block)) return false;
    const bool left = Is(block, &Marks::exploded) || Is(node, &Marks::detached);
    if (left || !IsBlockHere(block)) continue;
    Detach(block, node);
  }
  return TieLoose(work);
}

// Settled parts depend on all that is disputed around their nodes.
bool LevelPass::MetSettled(const std::set<BlockName>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [&](const BlockName name) {
    NameState& node = rows_.Name(name);
    return rows_.Exists(node, key_index_).now && InSettledPart(Around(node));
  });
}

// What took the place of nodes that are gone, and what new ones took the place of. False if these have very many
// records.
bool LevelPass::AddNodesInPlace(std::set<BlockName>* nodes) {
  const uint16_t node_level = key_index_;
  std::set<BlockName> found;
  for (const BlockName node : *nodes) {
    const WorkingSet::Existence exists = rows_.Exists(node, node_level);
    if (exists.before == exists.now) continue;
    if (!store::IsRecord(node)) {
      const RowVersions<BlockRow>& block = rows_.Block(node);
      if ((exists.before ? block.before() : block.now()).records > kRecordsMax) return false;
    }
    for (const RecordId record :
         exists.before ? rows_.RecordsBefore(node) : rows_.RecordsNow(node)) {
      const RecordState& state = rows_.Record(record);
      if (exists.before && state.live_now) found.insert(Node(record).name);
      if (exists.now && state.live_before) {
        found.insert(rows_.BlockBefore(NameOf(record), node_level));
      }
    }
  }
  nodes->insert(found.begin(), found.end());
  return true;
}

// Pieces that nodes which live on do not hold any more, though they are linked still.
std::vector<LostPiece> LevelPass::GivenAway(const FollowedNodes& nodes) {
  std::vector<LostPiece> out;
  for (const auto& [piece, before, now] : nodes.handed()) {
    // Of one that is gone, another is in its place, or it left its block.
    if (!rows_.Exists(rows_.Name(before), key_index_).now) continue;
    const std::optional<PieceRun> run = nodes.linked().RunBefore(piece.interval.start);
    if (run) out.push_back({piece, *run, piece.interval.start});
  }
  return out;
}

// Nodes that are in no block for now are tied to others in each run of pieces that time chains link: for each run of
// before that it is made of, to one that had a piece there and is in a block. So are nodes that took over a piece: also
// heirs, for the block that they are heirs in may explode while they have another one.
bool LevelPass::TieLoose(FollowedWork& work) {
  const PieceSet& linked = work.followed->linked();
  std::map<Instant, std::pair<PieceRun, std::set<BlockName>>> runs;
  const auto add = [&](BlockName node, const Piece& piece) {
    const std::optional<PieceRun> run = linked.RunNow(piece.interval.start);
    if (!run) return false;
    auto& [known, loose] = runs[run->interval.start];
    known = *run;
    loose.insert(node);
    return true;
  };
  for (const BlockName node : work.nodes) {
    if (!IsLoose(rows_.Name(node)) || !work.followed->Has(node)) continue;
    work.tied.insert(node);
    for (const Piece& piece : work.followed->LinkedPieces(node)) {
      if (!add(node, piece)) return false;
    }
  }
  for (const auto& [piece, before, now] : work.followed->handed()) {
    if (!add(now, piece)) return false;
  }
  for (auto& [start, run_and_loose] : runs) {
    auto& [run, knot] = run_and_loose;
    if (!AddAnchors(*work.followed, run, &knot)) return false;
    if (knot.size() < 2) continue;
    States nodes;
    for (const BlockName name : knot) nodes.push_back(&rows_.Name(name));
    AddKnot(nodes);
  }
  rows_.Fail(linked.status());
  return true;
}

// False if they are not found among the first pieces.
bool LevelPass::AddAnchors(const FollowedNodes& nodes, const PieceRun& run,
                           std::set<BlockName>* knot) {
  std::set<Instant> wanted;  // starts of runs of before
  for (const Piece& piece : nodes.joined()) {
    if (!Overlaps(piece.interval, run.interval)) continue;
    const std::optional<PieceRun> before = nodes.linked().RunBefore(piece.interval.start);
    if (before) wanted.insert(before->interval.start);
  }
  const size_t runs = std::max<size_t>(wanted.size(), 1);
  std::set<Instant> found;
  const size_t most = kRecordsMax + 2 * knot->size();
  const std::vector<Piece> pieces = nodes.linked().In(run.interval, When::kNow, most);
  for (const Piece& piece : pieces) {
    NameState& node = Node(piece.record);
    const bool stayed =
        !IsLoose(node) && rows_.BlockBefore(NameOf(piece.record), level_) == Around(node).name;
    if (!stayed || !nodes.linked().Has(piece, When::kBefore)) continue;
    const std::optional<PieceRun> before = nodes.linked().RunBefore(piece.interval.start);
    if (before && found.insert(before->interval.start).second) knot->insert(node.name);
    if (found.size() >= runs) return true;
  }
  return pieces.size() == run.pieces;
}

// How the node that had the record was linked to others, as far as its own pieces tell: a passage too many costs time,
// and nothing else.
void LevelPass::NoteFollowedPassages(GroupState& group, RecordId record, Passages* passages) {
  const PieceSet all = rows_.PiecesOf(group);
  const PieceSet linked = rows_.SetOf(group, PieceSetKey::Which::kLinked);
  const BlockName node = rows_.BlockBefore(NameOf(record), key_index_);
  const Signature signature = rows_.SignatureBefore(node);
  for (const Interval& interval : rows_.TimesBefore(record, group)) {
    const std::optional<PieceRun> run = all.RunBefore(interval.start);
    if (!run) return rows_.Fail(store::Damaged(store::Family::kRuns, group.encoded_key));
    if (linked.Has({interval, record}, When::kBefore)) {
      const std::optional<PieceRun> chain = linked.RunBefore(interval.start);
      if (chain && chain->pieces > 1) {
        passages->emplace(group.encoded_key, chain->interval.start, false);
      }
    }
    const Stances stances(rows_.disputes(), store::DisputeKey::Kind::kNode, group.encoded_key,
                          run->interval.start);
    for (const StrongRow& row : signature) {
      const Stances::Others others = stances.Sharing(row, node, When::kBefore);
      if (others.blocks.empty() && others.all) continue;
      passages->emplace(group.encoded_key, run->interval.start, true);
    }
    rows_.Fail(stances.status());
  }
  rows_.Fail(all.status());
  rows_.Fail(linked.status());
}

}  // namespace unirust::resolve
