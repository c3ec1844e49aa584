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

// The node that had the record's piece before, or what took its place; null if it left its block.
NameState* LevelPass::PresentNode(RecordId record) {
  NameState* node = &rows_.BlockBefore(rows_.Name(NameOf(record)), key_index_);
  if (node->change == Change::kGone) node = HeirOf(*node);
  return node == nullptr || Is(*node, &Marks::detached) ? nullptr : node;
}

// What a large set of pieces of a group lost, if each of its runs is still in one piece: only nodes that lost something
// can have left a run. False if that would be more than it saves.
bool LevelPass::LosePieces(const GroupState& group, const PieceSet& pieces,
                           const std::vector<LostPiece>& lost) {
  if (lost.size() > kDetachedMax) return false;
  for (const LostPiece& one : lost) {
    if (one.before.pieces < 2) continue;  // it was linked to nothing
    NameState& block = rows_.BlockBefore(rows_.Name(NameOf(one.piece.record)), level_);
    if (!one.rest || InSettledPart(block)) return false;
    NameState* const node = PresentNode(one.piece.record);
    if (node == nullptr || Is(block, &Marks::exploded) || !IsBlockHere(block)) continue;
    if (InSettledPart(Around(*node))) return false;
    const std::optional<PieceRun> run = pieces.RunNow(*one.rest);
    rows_.Fail(pieces.status());
    const std::optional<bool> stays =
        run ? StillIn(node->name, group, pieces, run->interval) : std::nullopt;
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
                              const absl::flat_hash_map<NameState*, size_t>& index,
                              UnionFind& knots) {
  const std::span<const Piece> before = rows_.EvidenceBefore(group);
  for (const auto& [first, last] : Chains(before)) {
    // block -> (knot, node)
    std::map<BlockName, std::vector<std::pair<size_t, NameState*>>> nodes_of;
    for (size_t i = first; i < last; ++i) {
      NameState* const node = PresentNode(before[i].record);
      if (node == nullptr) continue;
      NameState& element = Around(*node);
      if (InSettledPart(element)) ExplodePartOf(element);
      NameState& block = rows_.BlockBefore(rows_.Name(NameOf(before[i].record)), level_);
      if (Is(block, &Marks::exploded) || !IsBlockHere(block)) continue;
      const auto here = index.find(node);
      nodes_of[block.name].emplace_back(
          here == index.end() ? kNoPiece : knots.Find(here->second), node);
    }
    for (const auto& [block, nodes] : nodes_of) KeepLargestKnot(rows_.Name(block), nodes);
  }
}

// Of the nodes of a block that were in one run, those that are still in one knot stay; the others are detached.
void LevelPass::KeepLargestKnot(NameState& block,
                                const std::vector<std::pair<size_t, NameState*>>& nodes) {
  std::map<size_t, absl::btree_map<BlockName, NameState*>> by_knot;
  for (const auto& [knot, node] : nodes) by_knot[knot].emplace(node->name, node);
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
    for (const auto& [name, node] : members) {
      if (Is(block, &Marks::exploded)) return;
      Detach(block, *node);
    }
  }
}

// The runs in which the node, which leaves the block, was together with others of it.
void LevelPass::NotePassages(NameState& block, NameState& node) {
  auto& passages = passages_[block.name];
  for (const RecordId record : rows_.RecordsBefore(node.name)) {
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

bool LevelPass::HasOthers(const NameState& block, const NameState& node,
                          std::span<const Piece> run) {
  return std::any_of(run.begin(), run.end(), [&](const Piece& piece) {
    NameState& name = rows_.Name(NameOf(piece.record));
    return &rows_.BlockBefore(name, level_) == &block &&
           &rows_.BlockBefore(name, key_index_) != &node;
  });
}

// The node leaves the block, which stays as it is; its own links are drawn anew.
void LevelPass::Detach(NameState& block, NameState& node) {
  const bool is_kid = node.now.up_level == level_;
  if (is_kid && &Around(node) != &block) return Explode(block);  // it is in another one, too, as an heir
  if (!Disown(block, node)) return Explode(block);
  node.marks.detached = level_;
  if (is_kid) {
    moved_.push_back(node.name);
    RemoveKid(block, node, rows_.ContentNow(node), rows_.FirstNow(node));
  }
  Loosen(node);
  NotePassages(block, node);
  // Its block said that it clashes with nobody there, and links of its groups followed from that.
  TouchGroupsOfRecords(rows_.RecordsNow(node.name), true);
}

// The node is not in the block for the sake of those whose heir it is: these left it for good. False if it is heir to
// nodes of other blocks, too.
bool LevelPass::Disown(NameState& block, NameState& node) {
  const auto adopter = adopters_.find(node.name);
  if (adopter == adopters_.end()) return true;
  const std::vector<Replaced> replaced = adopter->second;
  if (std::any_of(replaced.begin(), replaced.end(),
                  [&](const Replaced& one) { return one.block != &block; })) {
    return false;
  }
  adopters_.erase(adopter);
  for (const auto& [from, gone] : replaced) LeaveBehind(block, *gone);
  return true;
}

void LevelPass::RemoveKid(NameState& block, NameState& kid, const WorkingSet::Content& content,
                          const FirstRecord& first) {
  if (!rows_.Block(block).exists()) return;
  rows_.RemoveKid(block.name, kid.name, first);
  if (rows_.Block(block).now().first == first) first_left_.push_back(&block);
  rows_.ChangeContent(block.name, content, {});
  Grow(block);
}

void LevelPass::FindFirsts() {
  for (NameState* block : first_left_) {
    if (Is(*block, &Marks::exploded) || KidCount(rows_.Block(*block).now()) == 0) continue;
    const FirstRecord first = rows_.FirstOfKids(block->name, interner_);
    rows_.Block(*block).Edit().first = first;
  }
  first_left_.clear();
}

}  // namespace unirust::resolve
