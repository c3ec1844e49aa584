// What falls off a block of this level when nodes go, change or lose pieces (docs/resolution.md, 3).
//
// A block stays whole if any two of its nodes that stay are still connected. Wherever an old path between them led
// through a node that left, or through a run whose links changed, there must be another way:
// - through a run: FindLostLinks looks whether the run's nodes are still in one knot, and detaches the others; where
//   very many pieces stay in one run each, LosePieces looks only at the nodes that lost something;
// - through a node that left: into it and out of it along runs of before. If in all there is one such run with other
//   nodes of the block (for all nodes that left it), the way through the node is one through that run. If there are
//   more, the block explodes.
#include <algorithm>
#include <map>
#include <utility>

#include "resolve/level_pass.h"

namespace unirust::resolve {

using store::NameOf;

namespace {
constexpr size_t kNoPiece = ~size_t{0};  // the knot of a node that holds nothing in the group any more
constexpr size_t kDetachedMax = 64;      // of a run at once; to take the block apart is cheaper for more
}  // namespace

// The node that had the record's piece before, or what took its place; nothing if it left its block.
std::optional<BlockName> LevelPass::PresentNode(RecordId record) {
  BlockName node = rows_.BlockBefore(NameOf(record), static_cast<uint16_t>(level_ - 1));
  if (nodes_.gone.contains(node)) {
    const auto heir = nodes_.heir.find(node);
    if (heir == nodes_.heir.end()) return std::nullopt;
    node = heir->second;
  }
  if (detached_.contains(node)) return std::nullopt;
  return node;
}

// What a large set of pieces of a group lost, if each of its runs is still in one piece: only nodes that lost something
// can have left a run. False if that would be more than it saves.
bool LevelPass::LosePieces(const GroupState& group, const PieceSet& pieces,
                           const std::vector<LostPiece>& lost) {
  if (lost.size() > kDetachedMax) return false;
  for (const LostPiece& one : lost) {
    if (one.before.pieces < 2) continue;  // it was linked to nothing
    const BlockName block = rows_.BlockBefore(NameOf(one.piece.record), level_);
    if (!one.rest || InSettledPart(block)) return false;
    const std::optional<BlockName> node = PresentNode(one.piece.record);
    if (!node || exploded_.contains(block) || !IsBlockHere(block)) continue;
    if (InSettledPart(Around(*node))) return false;
    const std::optional<PieceRun> run = pieces.RunNow(*one.rest);
    rows_.Fail(pieces.status());
    const std::optional<bool> stays =
        run ? StillIn(*node, group, pieces, run->interval) : std::nullopt;
    if (!stays) return false;
    if (!*stays) Detach(block, *node);
  }
  return true;
}

// Whether the node has a piece in a run of the set, which is as large as `run`; nothing if it has very many records.
std::optional<bool> LevelPass::StillIn(BlockName node, const GroupState& group,
                                       const PieceSet& pieces, const Interval& run) {
  const std::vector<RecordId> records = rows_.RecordsNow(node);
  if (records.size() > kDetachedMax) return std::nullopt;
  for (const RecordId record : records) {
    for (const Interval& interval : rows_.TimesNow(record, group)) {
      if (!Overlaps(interval, run)) continue;
      if (pieces.Has({interval, record}, SortedRows::When::kNow)) return true;
    }
  }
  return false;
}

void LevelPass::FindLostLinks(GroupState& group,
                              const absl::flat_hash_map<BlockName, size_t>& index,
                              UnionFind& knots) {
  const std::span<const Piece> before = rows_.EvidenceBefore(group);
  for (const auto& [first, last] : Chains(before)) {
    std::map<BlockName, std::vector<std::pair<size_t, BlockName>>> nodes_of;  // block -> (knot, node)
    for (size_t i = first; i < last; ++i) {
      const std::optional<BlockName> node = PresentNode(before[i].record);
      if (!node) continue;
      const BlockName element = Around(*node);
      if (InSettledPart(element)) ExplodePartOf(element);
      const BlockName block = rows_.BlockBefore(NameOf(before[i].record), level_);
      if (exploded_.contains(block) || !IsBlockHere(block)) continue;
      const auto here = index.find(*node);
      nodes_of[block].emplace_back(here == index.end() ? kNoPiece : knots.Find(here->second),
                                   *node);
    }
    for (const auto& [block, nodes] : nodes_of) KeepLargestKnot(block, nodes);
  }
}

// Of the nodes of a block that were in one run, those that are still in one knot stay; the others are detached.
void LevelPass::KeepLargestKnot(BlockName block,
                                const std::vector<std::pair<size_t, BlockName>>& nodes) {
  std::map<size_t, absl::btree_set<BlockName>> by_knot;
  for (const auto& [knot, node] : nodes) by_knot[knot].insert(node);
  const bool alone = by_knot.contains(kNoPiece) && by_knot[kNoPiece].size() > 1;
  if (by_knot.size() < 2 && !alone) return;
  size_t kept = kNoPiece;
  for (const auto& [knot, members] : by_knot) {
    if (knot == kNoPiece) continue;
    if (kept == kNoPiece || members.size() > by_knot[kept].size()) kept = knot;
  }
  size_t leaving = 0;
  for (const auto& [knot, members] : by_knot) leaving += knot == kept ? 0 : members.size();
  if (kept == kNoPiece || leaving > kDetachedMax) return Explode(block);
  for (const auto& [knot, members] : by_knot) {
    if (knot == kept) continue;
    for (const BlockName node : members) {
      if (exploded_.contains(block)) return;
      Detach(block, node);
    }
  }
}

// The runs in which the node, which leaves the block, was together with others of it.
void LevelPass::NotePassages(BlockName block, BlockName node) {
  auto& passages = passages_[block];
  for (const RecordId record : rows_.RecordsBefore(node)) {
    for (GroupState* group : rows_.GroupsBefore(record, key_index_)) {
      const GroupRow& row = group->row.before();
      if (row.followed || (row.large && !row.divided)) {
        row.followed ? NoteFollowedPassages(*group, record, &passages)
                     : NoteLargePassages(*group, record, &passages);
        if (passages.size() > 1) return Explode(block);
        continue;
      }
      const std::span<const Piece> before = rows_.EvidenceBefore(*group);
      for (const auto& [first, last] : Chains(before)) {
        const std::span<const Piece> run = before.subspan(first, last - first);
        const bool in_run = std::any_of(run.begin(), run.end(), [&](const Piece& piece) {
          return piece.record == record;
        });
        if (!in_run || !HasOthers(block, node, run)) continue;
        passages.emplace(group->encoded_key, run[0].interval.start, false);
        if (passages.size() > 1) return Explode(block);
      }
    }
  }
}

// All pieces of one of its runs are in the block. Those of other records are taken for those of other nodes: a passage
// too many costs time, and nothing else.
void LevelPass::NoteLargePassages(GroupState& group, RecordId record, Passages* passages) {
  if (rows_.EvidenceCountBefore(group) == 0) return;
  std::map<Instant, PieceRun> runs;
  std::map<Instant, uint64_t> own;
  const PieceSet pieces = rows_.PiecesOf(group);
  for (const Interval& interval : rows_.TimesBefore(record, group)) {
    const std::optional<PieceRun> run = pieces.RunBefore(interval.start);
    if (!run) return rows_.Fail(store::Damaged(store::Family::kRuns, group.encoded_key));
    runs[run->interval.start] = *run;
    ++own[run->interval.start];
  }
  for (const auto& [start, run] : runs) {
    if (run.pieces > own[start]) passages->emplace(group.encoded_key, start, false);
  }
  rows_.Fail(pieces.status());
}

bool LevelPass::HasOthers(BlockName block, BlockName node, std::span<const Piece> run) {
  return std::any_of(run.begin(), run.end(), [&](const Piece& piece) {
    const BlockName name = NameOf(piece.record);
    return rows_.BlockBefore(name, level_) == block &&
           rows_.BlockBefore(name, static_cast<uint16_t>(level_ - 1)) != node;
  });
}

// The node leaves the block, which stays as it is; its own links are drawn anew.
void LevelPass::Detach(BlockName block, BlockName node) {
  if (adopters_.contains(node)) return Explode(block);  // the ways through the nodes that it replaces end, too
  detached_.insert(node);
  RemoveKid(block, node, rows_.ContentNow(node), rows_.FirstNow(node));
  rows_.Name(node).now.ClearUp();
  loose_.insert(node);
  met_.insert(node);
  NotePassages(block, node);
  TouchGroupsOfRecords(rows_.RecordsNow(node), false);
}

void LevelPass::RemoveKid(BlockName block, BlockName kid, const WorkingSet::Content& content,
                          const FirstRecord& first) {
  if (!rows_.Block(block).exists()) return;
  rows_.RemoveKid(block, kid, first);
  if (rows_.Block(block).now().first == first) first_left_.insert(block);
  rows_.ChangeContent(block, content, {});
  grown_.insert(block);
  met_.insert(block);
}

void LevelPass::FindFirsts() {
  for (const BlockName block : first_left_) {
    if (exploded_.contains(block) || KidCount(rows_.Block(block).now()) == 0) continue;
    const FirstRecord first = rows_.FirstOfKids(block, interner_);
    rows_.Block(block).Edit().first = first;
  }
  first_left_.clear();
}

}  // namespace unirust::resolve
