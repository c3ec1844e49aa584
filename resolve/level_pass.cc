#include "resolve/level_pass.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "resolve/disputes.h"

namespace unirust::resolve {

using store::IsRecord;
using store::NameOf;

BlockDelta LevelPass::Run(const std::vector<GroupState*>& changed_groups) {
  for (GroupState* group : changed_groups) {
    if (rows_.EvidenceCountBefore(*group) == 0 && rows_.EvidenceCountNow(*group) < 2) {
      continue;  // it draws no link, and drew none
    }
    if (rows_.IsFollowed(*group)) {
      EnqueueNodesOf(group);
    } else {
      Enqueue(group, true, !MayBeCalm(*group));
    }
  }
  TakeGoneNodes();
  TakeChangedNodes();
  Adopt();
  do {
    EvaluateAll();
  } while (!Unite());
  for (auto& [group, work] : work_) {
    if (work.followed != nullptr && !group->whole) work.followed->Register();
  }
  return Delta();
}

// Not divided before; and it only gained pieces, or what it lost and gained is known run by run.
bool LevelPass::MayBeCalm(GroupState& group) {
  if (group.row.before().divided) return false;
  if (rows_.ChangesByRuns(group)) return true;
  const std::span<const Piece> before = rows_.EvidenceBefore(group);
  const std::span<const Piece> now = rows_.EvidenceNow(group);
  return std::includes(now.begin(), now.end(), before.begin(), before.end());
}

// --- step 1 ------------------------------------------------------------------------------------------

void LevelPass::TakeGoneNodes() {
  for (const BlockName node : nodes_.gone) {
    met_.insert(node);
    TouchGroupsOf(node);
    const auto heir = nodes_.heir.find(node);
    if (heir == nodes_.heir.end()) TouchGroupsOfRecords(rows_.RecordsBefore(node), true);
    const BlockName block = rows_.BlockBefore(node, level_);
    if (InSettledPart(block)) ExplodePartOf(block);
    if (block == node || exploded_.contains(block)) continue;
    RemoveKid(block, node, rows_.ContentBefore(node), rows_.FirstBefore(node));
    if (heir != nodes_.heir.end()) {
      adopters_[heir->second].push_back(block);
    } else {
      for (const RecordId record : rows_.RecordsBefore(node)) {
        if (rows_.Record(record).live_now) moved_.insert(store::NameOf(record));
      }
      NotePassages(block, node);
    }
  }
  loose_.insert(nodes_.fresh.begin(), nodes_.fresh.end());
  met_.insert(nodes_.fresh.begin(), nodes_.fresh.end());
}

void LevelPass::TakeChangedNodes() {
  std::vector<std::pair<BlockName, BlockName>> kids;  // and the blocks around them
  for (const BlockName node : nodes_.changed) {
    met_.insert(node);
    TouchGroupsOf(node);
    if (level_ == 1) TouchGroupsOfRecords({store::RecordOf(node)}, true);
    const BlockName block = rows_.BlockBefore(node, level_);
    if (InSettledPart(block)) ExplodePartOf(block);
    if (exploded_.contains(block)) continue;
    if (block == node) {
      loose_.insert(node);
      continue;
    }
    rows_.ChangeContent(block, rows_.ContentBefore(node), {});
    kids.emplace_back(node, block);
  }
  for (const auto& [node, block] : kids) {
    if (exploded_.contains(block)) continue;
    if (Clash(rows_.SignatureNow(node), rows_.SignatureNow(block))) {
      Explode(block);
      continue;
    }
    rows_.ChangeContent(block, {}, rows_.ContentNow(node));
    const FirstRecord first = rows_.FirstNow(node);
    if (rows_.FirstBefore(node) != first) {
      if (rows_.FirstBefore(node) == rows_.Block(block).now().first) first_left_.insert(block);
      rows_.MoveKid(block, node, rows_.FirstBefore(node));
      BlockRow& row = rows_.Block(block).Edit();
      row.first = Smaller(row.first, first);
    }
    grown_.insert(block);
    met_.insert(block);
  }
  for (const BlockName node : nodes_.moved) {
    TouchGroupsOfRecords(rows_.RecordsNow(node), true);
  }
}

// A node that took over kids of blocks belongs to all of them, unless that would unite what clashes: then links decide.
void LevelPass::Adopt() {
  for (auto& [node, blocks] : adopters_) {
    std::sort(blocks.begin(), blocks.end());
    blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
    // A heir may have been a kid of one of them all along, and grown.
    const BlockName own = Around(node);
    Signature all = rows_.SignatureNow(own);
    bool clash = false;
    for (const BlockName block : blocks) {
      if (block == own) continue;
      if (exploded_.contains(block)) continue;
      const Signature& signature = rows_.SignatureNow(block);
      clash = clash || Clash(all, signature);
      all = Merged(all, signature);
    }
    if (!clash) continue;
    for (const BlockName block : blocks) Explode(block);
    if (IsBlockHere(own)) Explode(own);
  }
}

// Groups that drew conclusions from a node: they are divided, all others follow from the blocks around the node.
void LevelPass::TouchGroupsOf(BlockName node) {
  if (level_ == 1) return;
  for (const std::string& key : rows_.TouchedGroups(node, level_)) {
    EnqueueNode(&rows_.Group(key), true, node);
  }
}

void LevelPass::TouchGroupsOfRecords(const std::vector<RecordId>& records, bool view_changed) {
  for (const RecordId record : records) {
    const BlockName before = rows_.BlockBefore(NameOf(record), key_index_);
    for (GroupState* group : rows_.GroupsNow(record, key_index_)) {
      EnqueueNode(group, view_changed, before);
      EnqueueNode(group, view_changed, Node(record));
    }
  }
}

// The node may link otherwise than before: its links are drawn anew or, unless the group is followed, all of it.
void LevelPass::EnqueueNode(GroupState* group, bool view_changed, BlockName node) {
  if (!rows_.IsFollowed(*group)) return Enqueue(group, view_changed, true);
  Work& work = work_[group];
  const bool added = work.nodes.insert(node).second;
  const bool to_tie = loose_.contains(node) && !work.tied.contains(node);
  if (work.queued || (!added && !to_tie)) return;
  work.queued = true;
  queue_.push_back(group);
}

// Those of the pieces that a followed group gained or lost.
void LevelPass::EnqueueNodesOf(GroupState* group) {
  for (const Piece& piece : group->removed) {
    EnqueueNode(group, true, rows_.BlockBefore(NameOf(piece.record), key_index_));
  }
  for (const Piece& piece : group->added) EnqueueNode(group, true, Node(piece.record));
}

void LevelPass::Enqueue(GroupState* group, bool view_changed, bool whole) {
  Work& work = work_[group];
  const bool more = (view_changed && !work.view_changed) || (whole && !work.whole);
  work.view_changed |= view_changed;
  work.whole |= whole;
  if (!more || work.queued) return;
  work.queued = true;
  queue_.push_back(group);
}

// --- step 2 ------------------------------------------------------------------------------------------

void LevelPass::EvaluateAll() {
  while (!queue_.empty()) {
    GroupState* group = queue_.front();
    queue_.pop_front();
    work_[group].queued = false;
    to_finish_.insert(group);
    if (rows_.IsFollowed(*group)) {
      if (LinkFollowed(*group, work_[group])) continue;
      group->whole = true;
      work_[group].view_changed = true;
      work_[group].whole = true;
    }
    const bool view_changed = work_[group].view_changed;
    group->calm = !work_[group].whole && LinkCalmly(*group);
    if (group->calm) continue;
    work_[group].whole = true;
    LinkWhole(*group, view_changed);
  }
}

// A group that was not divided: if no two of the elements around a run that gained pieces clash, all of them are
// linked. One old piece stands for all that were in one run.
bool LevelPass::LinkCalmly(GroupState& group) {
  if (rows_.ChangesByRuns(group)) {
    const std::vector<GainedRun>& gained = group.by_runs()->gained;
    return std::all_of(gained.begin(), gained.end(),
                       [&](const GainedRun& run) { return LinkGained(run); }) &&
           LosePieces(group, rows_.PiecesOf(group), group.by_runs()->lost);
  }
  const std::vector<GainedRun> gained =
      GainedRuns(rows_.EvidenceBefore(group), rows_.EvidenceNow(group));
  return std::all_of(gained.begin(), gained.end(),
                     [&](const GainedRun& run) { return LinkGained(run); });
}

// False if something around the run clashes, or is in a settled part.
bool LevelPass::LinkGained(const GainedRun& run) {
  std::vector<BlockName> nodes;
  std::vector<BlockName> elements;
  for (const Piece& piece : run.old) {
    // The other nodes of the old run are in the block of before, even if this one has left it for its heir.
    const BlockName block = rows_.BlockBefore(NameOf(piece.record), level_);
    if (IsBlockHere(block) && !exploded_.contains(block)) elements.push_back(block);
    nodes.push_back(Node(piece.record));
  }
  for (const Piece& piece : run.added) nodes.push_back(Node(piece.record));
  for (const BlockName node : nodes) elements.push_back(Around(node));
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  for (const BlockName element : elements) {
    if (InSettledPart(element)) return false;
  }
  if (elements.size() == 1) return true;
  if (!AreClashFree(elements)) return false;
  knots_.push_back(std::move(nodes));
  return true;
}

void LevelPass::LinkWhole(GroupState& group, bool view_changed) {
  const std::span<const Piece> now = rows_.EvidenceNow(group);
  absl::flat_hash_map<BlockName, size_t> index;
  std::vector<BlockName> nodes;
  std::vector<const Signature*> signatures;
  std::vector<NodePiece> pieces;
  for (const Piece& piece : now) {
    const BlockName node = Node(piece.record);
    const auto [it, inserted] = index.emplace(node, nodes.size());
    if (inserted) {
      nodes.push_back(node);
      signatures.push_back(&rows_.SignatureNow(node));
    }
    pieces.push_back({piece.interval, it->second});
  }
  const bool hold = rows_.rules().keys()[key_index_].hold;
  UnionFind knots(nodes.size());
  for (const auto& [first, last] : Chains(now)) {
    const std::vector<NodePiece> run(pieces.begin() + static_cast<ptrdiff_t>(first),
                                     pieces.begin() + static_cast<ptrdiff_t>(last));
    for (const auto& [a, b] : RunLinks(run, signatures, hold)) knots.Unite(a, b);
  }
  if (view_changed) {
    for (const BlockName node : nodes) {
      const BlockName element = Around(node);
      if (InSettledPart(element)) ExplodePartOf(element);
    }
    FindLostLinks(group, index, knots);
  }
  std::map<size_t, std::vector<BlockName>> by_root;
  for (size_t i = 0; i < nodes.size(); ++i) by_root[knots.Find(i)].push_back(nodes[i]);
  for (auto& [root, knot] : by_root) {
    if (knot.size() > 1) knots_.push_back(std::move(knot));
  }
}

// --- step 3 ------------------------------------------------------------------------------------------

bool LevelPass::Unite() {
  FindFirsts();
  absl::flat_hash_map<BlockName, size_t> index;
  std::vector<BlockName> elements;
  const auto index_of = [&](BlockName element) {
    const auto [it, inserted] = index.emplace(element, elements.size());
    if (inserted) elements.push_back(element);
    return it->second;
  };
  std::vector<std::pair<size_t, size_t>> links;
  for (const std::vector<BlockName>& knot : knots_) {
    const size_t first = index_of(Around(knot[0]));
    for (const BlockName node : knot) links.emplace_back(first, index_of(Around(node)));
  }
  for (const auto& [node, blocks] : adopters_) {
    for (const BlockName block : blocks) {
      if (!exploded_.contains(block)) {
        links.emplace_back(index_of(Around(node)), index_of(block));
      }
    }
  }
  UnionFind connected(elements.size());
  for (const auto& [a, b] : links) connected.Unite(a, b);
  std::vector<std::vector<BlockName>> sets(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) sets[connected.Find(i)].push_back(elements[i]);
  std::erase_if(sets, [](const std::vector<BlockName>& set) { return set.size() < 2; });
  bool settled_met = false;
  for (const std::vector<BlockName>& set : sets) {
    for (const BlockName element : set) {
      if (InSettledPart(element)) {
        ExplodePartOf(element);
        settled_met = true;
      }
    }
  }
  if (settled_met) return false;
  for (const std::vector<BlockName>& set : sets) {
    if (AreClashFree(set)) {
      MergeElements(set);
    } else {
      Settle(set);
    }
  }
  for (const BlockName block : grown_) {
    if (!exploded_.contains(block)) DissolveLonely(block);
  }
  return true;
}

bool LevelPass::AreClashFree(const std::vector<BlockName>& elements) {
  Signatures signatures;
  for (const BlockName element : elements) signatures.push_back(&rows_.SignatureNow(element));
  return MergedIfClashFree(signatures).has_value();
}

void LevelPass::MergeElements(const std::vector<BlockName>& elements) {
  BlockName target;
  uint64_t most = 0;
  std::optional<FirstRecord> first;
  for (const BlockName element : elements) {
    const bool is_block = IsBlockHere(element);
    const uint64_t kids = is_block ? KidCount(rows_.Block(element).now()) : 0;
    if (is_block && (most == 0 || kids > most)) {
      target = element;
      most = std::max(kids, uint64_t{1});
    }
    if (is_block && kids == 0) continue;  // its first record went with them
    const FirstRecord own = rows_.FirstNow(element);
    first = first ? Smaller(*first, own) : own;
  }
  if (most == 0) {
    target = rows_.NewHandle();
    rows_.Block(target).Edit().level = level_;
  }
  WorkingSet::Content more;
  for (const BlockName element : elements) {
    if (element == target) continue;
    const WorkingSet::Content content = rows_.ContentNow(element);
    more.records += content.records;
    Add(content.strong, &more.strong);
    MoveUnder(element, target);
  }
  rows_.ChangeContent(target, {}, more);
  rows_.Block(target).Edit().first = *first;
  grown_.insert(target);
  met_.insert(target);
}

void LevelPass::MoveUnder(BlockName element, BlockName target) {
  met_.insert(element);
  const std::vector<BlockName> kids =
      IsBlockHere(element) ? TakeApart(element) : std::vector<BlockName>{element};
  for (const BlockName kid : kids) {
    NameRow& name = rows_.Name(kid).now;
    name.up_level = level_;
    name.up = target;
    rows_.AddKid(target, kid);
    loose_.erase(kid);
    met_.insert(kid);
  }
}

// A block that is left with one node is that node.
void LevelPass::DissolveLonely(BlockName block) {
  if (KidCount(rows_.Block(block).now()) < 2) TakeApart(block);
}

// --- what changed ------------------------------------------------------------------------------------

BlockDelta LevelPass::Delta() {
  BlockDelta out;
  met_.insert(loose_.begin(), loose_.end());
  for (const BlockName name : met_) {  // in order, so that the end is where each belongs
    const auto [before, now] = rows_.Exists(name, level_);
    if (before && !now) out.gone.insert(out.gone.end(), name);
    if (!before && now) out.fresh.insert(out.fresh.end(), name);
    if (before && now && (grown_.contains(name) || nodes_.changed.contains(name))) {
      out.changed.insert(name);
    }
  }
  out.moved = nodes_.moved;
  out.moved.insert(moved_.begin(), moved_.end());
  out.moved.insert(detached_.begin(), detached_.end());
  absl::btree_set<BlockName> parted;  // nodes that live on without some of their records
  for (const BlockName node : nodes_.moved) {
    parted.insert(rows_.BlockBefore(node, static_cast<uint16_t>(level_ - 1)));
  }
  for (const BlockName name : out.gone) {
    std::vector<BlockName> kids = {name};
    if (!IsRecord(name)) {
      if (rows_.Block(name).before().level == level_) kids = rows_.KidsBefore(name);
    }
    bool together = true;
    BlockName heir;
    bool first = true;
    for (BlockName kid : kids) {
      together = together && !parted.contains(kid);
      if (nodes_.gone.contains(kid)) {
        const auto it = nodes_.heir.find(kid);
        together = together && it != nodes_.heir.end();
        if (!together) break;
        kid = it->second;
      }
      const BlockName block = rows_.BlockNow(kid, level_);
      together = together && (first || block == heir);
      heir = block;
      first = false;
    }
    if (together && !first) out.heir.emplace(name, heir);
  }
  return out;
}

// --- helpers -----------------------------------------------------------------------------------------

BlockName LevelPass::Node(RecordId record) {
  return rows_.BlockNow(NameOf(record), static_cast<uint16_t>(level_ - 1));
}

bool LevelPass::IsBlockHere(BlockName name) {
  if (IsRecord(name)) return false;
  const RowVersions<BlockRow>& block = rows_.Block(name);
  return (block.exists() ? block.now() : block.before()).level == level_;
}

BlockName LevelPass::Around(BlockName node) {
  const NameRow& row = rows_.Name(node).now;
  return row.up_level == level_ ? row.up : node;
}

void LevelPass::Explode(BlockName block) {
  if (exploded_.contains(block)) return;
  for (const BlockName kid : TakeApart(block)) {
    TouchGroupsOfRecords(rows_.RecordsNow(kid), false);
  }
  // Kids that are gone live on in their heirs, which may hang on links of this block's records.
  TouchGroupsOfRecords(rows_.RecordsBefore(block), false);
}

std::vector<BlockName> LevelPass::TakeApart(BlockName block) {
  exploded_.insert(block);
  met_.insert(block);
  std::vector<BlockName> kids = rows_.KidsNow(block);
  rows_.RemoveBlock(block);
  rows_.Name(block).now.ClearUp();
  std::erase_if(kids, [&](BlockName kid) { return nodes_.gone.contains(kid); });
  for (const BlockName kid : kids) {
    rows_.Name(kid).now.ClearUp();
    loose_.insert(kid);
    met_.insert(kid);
  }
  return kids;
}

bool LevelPass::InSettledPart(BlockName block) {
  const std::vector<NameRow::InPart>& parts = rows_.Name(block).now.parts;
  return std::any_of(parts.begin(), parts.end(),
                     [&](const NameRow::InPart& p) { return p.level == level_; });
}

void LevelPass::ExplodePartOf(BlockName member) {
  BlockName part;
  for (const NameRow::InPart& p : rows_.Name(member).now.parts) {
    if (p.level == level_) part = p.part;
  }
  RowVersions<PartRow>& row = rows_.Part(part);
  if (!row.exists()) {
    rows_.Fail(store::Damaged(store::Family::kBlocks, store::NameKey{part}.Encode()));
    std::erase_if(rows_.Name(member).now.parts, [&](const auto& p) { return p.level == level_; });
    return;
  }
  const std::vector<BlockName> blocks = row.now().blocks;
  row.Remove();
  for (const BlockName block : blocks) {
    std::erase_if(rows_.Name(block).now.parts, [&](const auto& p) { return p.level == level_; });
    met_.insert(block);
    if (IsBlockHere(block)) {
      Explode(block);
    } else if (!nodes_.gone.contains(block)) {
      loose_.insert(block);
      TouchGroupsOfRecords(rows_.RecordsNow(block), false);
    }
  }
}

FirstRecord LevelPass::Smaller(const FirstRecord& a, const FirstRecord& b) {
  return rows_.Before(b, a, interner_) ? b : a;
}

}  // namespace unirust::resolve
