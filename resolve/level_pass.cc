#include "resolve/level_pass.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"

namespace unirust::resolve {

using store::IsRecord;
using store::NameOf;

// --- the delta ---------------------------------------------------------------------------------------

void BlockDelta::Set(NameState& name, Change change, NameState* heir) {
  name.change = change;
  name.heir = heir;
  if (change == Change::kNone || std::exchange(name.listed, true)) return;
  names_.push_back(&name);
}

void BlockDelta::AddMoved(const std::vector<BlockName>& names) {
  moved_.insert(moved_.end(), names.begin(), names.end());
  std::sort(moved_.begin(), moved_.end());
  moved_.erase(std::unique(moved_.begin(), moved_.end()), moved_.end());
}

EntityDelta BlockDelta::OfEntities() const {
  EntityDelta out;
  for (const NameState* name : names_) {
    if (name->change == Change::kGone) out.gone.push_back(name->name);
    if (name->change == Change::kFresh) out.fresh.push_back(name->name);
    if (name->change == Change::kChanged) out.changed.push_back(name->name);
  }
  out.moved = moved_;
  return out;
}

// --- the pass ----------------------------------------------------------------------------------------

void LevelPass::Run(const std::vector<GroupState*>& changed_groups) {
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
  const States watched = delta_.TakeWatched();
  for (NameState* node : watched) {
    if (node->change == Change::kGone) TakeGoneNode(*node);
  }
  TakeChangedNodes(watched);
  Adopt();
  do {
    EvaluateAll();
  } while (!Unite());
  for (auto& [group, work] : followed_) {
    if (work.followed != nullptr && !group->whole) work.followed->Register();
  }
  UpdateDelta();
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

void LevelPass::TakeGoneNode(NameState& node) {
  Meet(node);
  TouchGroupsOf(node);
  NameState* const heir = HeirOf(node);
  if (heir == nullptr) TouchGroupsOfRecords(rows_.RecordsBefore(node.name), true);
  NameState& block = rows_.BlockBefore(node, level_);
  if (InSettledPart(block)) ExplodePartOf(block);
  if (&block == &node || Is(block, &Marks::exploded)) return;
  RemoveKid(block, node, rows_.ContentBefore(node.name), rows_.FirstBefore(node.name));
  if (heir != nullptr) {
    adopters_[heir->name].push_back({&block, &node});
    return;
  }
  LeaveBehind(block, node);
}

// A gone node has left the block, and nothing takes its place there.
void LevelPass::LeaveBehind(NameState& block, NameState& node) {
  for (const RecordId record : rows_.RecordsBefore(node.name)) {
    if (rows_.Record(record).live_now) moved_.push_back(NameOf(record));
  }
  NotePassages(block, node);
}

void LevelPass::TakeChangedNodes(const States& watched) {
  std::vector<std::pair<NameState*, NameState*>> kids;  // and the blocks around them
  for (NameState* node : watched) {
    if (node->change != Change::kChanged) continue;
    Meet(*node);
    TouchGroupsOf(*node);
    if (level_ == 1) TouchGroupsOfRecords({store::RecordOf(node->name)}, true);
    NameState& block = rows_.BlockBefore(*node, level_);
    if (InSettledPart(block)) ExplodePartOf(block);
    if (Is(block, &Marks::exploded) || &block == node) continue;
    rows_.ChangeContent(block.name, rows_.ContentBefore(node->name), {});
    kids.emplace_back(node, &block);
  }
  for (const auto& [node, block] : kids) {
    if (Is(*block, &Marks::exploded)) continue;
    if (Clash(rows_.SignatureNow(*node), rows_.SignatureNow(*block))) {
      Explode(*block);
      continue;
    }
    rows_.ChangeContent(block->name, {}, rows_.ContentNow(*node));
    const FirstRecord first = rows_.FirstNow(*node);
    const FirstRecord before = rows_.FirstBefore(node->name);
    if (before != first) {
      if (before == rows_.Block(*block).now().first) first_left_.push_back(block);
      rows_.MoveKid(block->name, node->name, before);
      BlockRow& row = rows_.Block(*block).Edit();
      row.first = Smaller(row.first, first);
    }
    Grow(*block);
  }
  for (const BlockName node : delta_.moved()) {
    TouchGroupsOfRecords(rows_.RecordsNow(node), true);
  }
}

// A node that took over kids of blocks belongs to all of them, unless that would unite what clashes: then links decide.
void LevelPass::Adopt() {
  for (const auto& [name, replaced] : adopters_) {
    States blocks;
    for (const auto& [block, node] : replaced) blocks.push_back(block);
    std::sort(blocks.begin(), blocks.end(),
              [](const NameState* a, const NameState* b) { return a->name < b->name; });
    blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
    // A heir may have been a kid of one of them all along, and grown.
    NameState& own = Around(rows_.Name(name));
    Signature all = rows_.SignatureNow(own);
    bool clash = false;
    for (NameState* block : blocks) {
      if (block == &own || Is(*block, &Marks::exploded)) continue;
      const Signature& signature = rows_.SignatureNow(*block);
      clash = clash || Clash(all, signature);
      all = Merged(all, signature);
    }
    for (NameState* block : blocks) {
      if (clash) {
        Explode(*block);
      } else {
        heirs_in_[block].push_back(&rows_.Name(name));
      }
    }
    if (clash && IsBlockHere(own)) Explode(own);
  }
}

// Groups that drew conclusions from a node: they are divided, all others follow from the blocks around the node.
void LevelPass::TouchGroupsOf(NameState& node) {
  if (level_ == 1) return;
  for (const std::string& key : rows_.TouchedGroups(node.name, level_)) {
    EnqueueNode(&rows_.Group(key), true, node);
  }
}

void LevelPass::TouchGroupsOfRecords(const std::vector<RecordId>& records, bool view_changed) {
  for (const RecordId record : records) {
    NameState& before = rows_.BlockBefore(rows_.Name(NameOf(record)), key_index_);
    for (GroupState* group : rows_.GroupsNow(record, key_index_)) {
      EnqueueNode(group, view_changed, before);
      EnqueueNode(group, view_changed, Node(record));
    }
  }
}

// The node may link otherwise than before: its links are drawn anew or, unless the group is followed, all of it.
void LevelPass::EnqueueNode(GroupState* group, bool view_changed, NameState& node) {
  if (!rows_.IsFollowed(*group)) return Enqueue(group, view_changed, true);
  FollowedWork& work = followed_[group];
  const bool added = work.nodes.insert(node.name).second;
  const bool to_tie = IsLoose(node) && !work.tied.contains(node.name);
  if (group->queued || (!added && !to_tie)) return;
  group->queued = true;
  queue_.push_back(group);
}

// Those of the pieces that a followed group gained or lost.
void LevelPass::EnqueueNodesOf(GroupState* group) {
  for (const Piece& piece : group->removed) {
    EnqueueNode(group, true, rows_.BlockBefore(rows_.Name(NameOf(piece.record)), key_index_));
  }
  for (const Piece& piece : group->added) EnqueueNode(group, true, Node(piece.record));
}

void LevelPass::Enqueue(GroupState* group, bool view_changed, bool whole) {
  const bool more =
      (view_changed && !group->view_changed) || (whole && !group->link_whole);
  group->view_changed |= view_changed;
  group->link_whole |= whole;
  if (!more || group->queued) return;
  group->queued = true;
  queue_.push_back(group);
}

// --- step 2 ------------------------------------------------------------------------------------------

void LevelPass::EvaluateAll() {
  while (!queue_.empty()) {
    GroupState* group = queue_.front();
    queue_.pop_front();
    group->queued = false;
    AddToFinish(*group, &to_finish_);
    if (rows_.IsFollowed(*group)) {
      if (LinkFollowed(*group, followed_[group])) continue;
      group->whole = true;
      group->view_changed = true;
      group->link_whole = true;
    }
    group->calm = !group->link_whole && LinkCalmly(*group);
    if (group->calm) continue;
    group->link_whole = true;
    LinkWhole(*group, group->view_changed);
  }
}

void LevelPass::AddKnot(std::span<NameState* const> nodes) {
  knotted_.insert(knotted_.end(), nodes.begin(), nodes.end());
  knot_ends_.push_back(knotted_.size());
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
  absl::InlinedVector<NameState*, 4> nodes;
  absl::InlinedVector<NameState*, 6> elements;
  for (const Piece& piece : run.old) {
    // The other nodes of the old run, or their heirs, are in the block of before, even if this one has left it.
    NameState& record = rows_.Name(NameOf(piece.record));
    NameState& block = rows_.BlockBefore(record, level_);
    if (IsBlockHere(block) && !Is(block, &Marks::exploded)) {
      elements.push_back(&block);
      if (const auto heirs = heirs_in_.find(&block); heirs != heirs_in_.end()) {
        for (NameState* heir : heirs->second) elements.push_back(&Around(*heir));
      }
    }
    nodes.push_back(&rows_.BlockNow(record, key_index_));
  }
  for (const Piece& piece : run.added) nodes.push_back(&Node(piece.record));
  for (NameState* node : nodes) elements.push_back(&Around(*node));
  std::sort(elements.begin(), elements.end());  // only to find equal ones
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  for (const NameState* element : elements) {
    if (InSettledPart(*element)) return false;
  }
  if (elements.size() == 1) return true;
  if (!AreClashFree(elements)) return false;
  AddKnot(nodes);
  return true;
}

void LevelPass::LinkWhole(GroupState& group, bool view_changed) {
  const std::span<const Piece> now = rows_.EvidenceNow(group);
  absl::flat_hash_map<NameState*, size_t> index;
  States nodes;
  std::vector<const Signature*> signatures;
  std::vector<NodePiece> pieces;
  for (const Piece& piece : now) {
    NameState* const node = &Node(piece.record);
    const auto [it, inserted] = index.emplace(node, nodes.size());
    if (inserted) {
      nodes.push_back(node);
      signatures.push_back(&rows_.SignatureNow(*node));
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
    for (NameState* node : nodes) {
      NameState& element = Around(*node);
      if (InSettledPart(element)) ExplodePartOf(element);
    }
    FindLostLinks(group, index, knots);
  }
  std::map<size_t, States> by_root;
  for (size_t i = 0; i < nodes.size(); ++i) by_root[knots.Find(i)].push_back(nodes[i]);
  for (const auto& [root, knot] : by_root) {
    if (knot.size() > 1) AddKnot(knot);
  }
}

// --- what changed ------------------------------------------------------------------------------------

void LevelPass::UpdateDelta() {
  absl::flat_hash_set<NameState*> parted;  // nodes that live on without some of their records
  for (const BlockName node : delta_.moved()) {
    parted.insert(&rows_.BlockBefore(rows_.Name(node), key_index_));
  }
  struct Judgement {
    Change change;
    NameState* heir;
  };
  std::vector<Judgement> judgements;  // of the names met; heirs depend on what the level below changed
  judgements.reserve(met_.size());
  for (NameState* name : met_) {
    const auto [before, now] = rows_.Exists(*name, level_);
    Judgement judgement{Change::kNone, nullptr};
    if (before && !now) {
      judgement = {Change::kGone, HeirNow(*name, parted)};
    } else if (!before && now) {
      judgement.change = Change::kFresh;
    } else if (before && (Is(*name, &Marks::grown) || name->change == Change::kChanged)) {
      judgement.change = Change::kChanged;
    }
    judgements.push_back(judgement);
  }
  for (size_t i = 0; i < met_.size(); ++i) {
    NameState& name = *met_[i];
    const auto [change, heir] = judgements[i];
    delta_.Set(name, change, heir);
    if (change != Change::kGone && change != Change::kChanged) continue;
    const bool above =
        name.before.up_level > level_ || name.before.touches > 0 || !name.before.parts.empty();
    if (above || (change == Change::kGone && heir == nullptr)) delta_.Watch(name);
  }
  delta_.AddMoved(moved_);
}

// The one present block that holds all records of a gone one; null if they were retracted or parted.
NameState* LevelPass::HeirNow(NameState& gone, const absl::flat_hash_set<NameState*>& parted) {
  std::vector<BlockName> kids = {gone.name};
  if (!IsRecord(gone.name) && rows_.Block(gone).before().level == level_) {
    kids = rows_.KidsBefore(gone.name);
  }
  NameState* heir = nullptr;
  for (const BlockName name : kids) {
    NameState* kid = &rows_.Name(name);
    if (parted.contains(kid)) return nullptr;
    if (kid->change == Change::kGone) kid = HeirOf(*kid);
    if (kid == nullptr) return nullptr;
    NameState& block = rows_.BlockNow(*kid, level_);
    if (heir != nullptr && heir != &block) return nullptr;
    heir = &block;
  }
  return heir;
}

// --- helpers -----------------------------------------------------------------------------------------

NameState& LevelPass::Node(RecordId record) {
  return rows_.BlockNow(rows_.Name(NameOf(record)), key_index_);
}

NameState* LevelPass::HeirOf(const NameState& gone) {
  return gone.heir == nullptr ? nullptr : &rows_.BlockNow(*gone.heir, key_index_);
}

bool LevelPass::IsBlockHere(NameState& name) {
  if (IsRecord(name.name)) return false;
  const RowVersions<BlockRow>& block = rows_.Block(name);
  return (block.exists() ? block.now() : block.before()).level == level_;
}

NameState& LevelPass::Around(NameState& node) {
  return node.now.up_level == level_ ? rows_.BlockNow(node, level_) : node;
}

// One that a level has nothing to do with is in none either, if it is new or says something else.
bool LevelPass::IsLoose(NameState& node) {
  if (Is(node, &Marks::loose)) return true;
  if (node.now.up_level == level_) return false;
  if (node.change == Change::kFresh) return true;
  return node.change == Change::kChanged && &rows_.BlockBefore(node, level_) == &node;
}

void LevelPass::Meet(NameState& name) {
  if (std::exchange(name.marks.met, level_) != level_) met_.push_back(&name);
}

// In no block of this level; in one of a later level as before.
void LevelPass::Loosen(NameState& node) {
  node.now.ClearUp();
  if (node.before.up_level > level_) {
    node.now.up_level = node.before.up_level;
    node.now.up = node.before.up;
  }
  node.marks.loose = level_;
  Meet(node);
}

void LevelPass::Grow(NameState& block) {
  if (std::exchange(block.marks.grown, level_) != level_) grown_.push_back(&block);
  Meet(block);
}

void LevelPass::Explode(NameState& block) {
  if (Is(block, &Marks::exploded)) return;
  for (const NameState* kid : TakeApart(block)) {
    TouchGroupsOfRecords(rows_.RecordsNow(kid->name), false);
  }
  // Kids that are gone live on in their heirs, which may hang on links of this block's records.
  TouchGroupsOfRecords(rows_.RecordsBefore(block.name), false);
}

LevelPass::States LevelPass::TakeApart(NameState& block) {
  block.marks.exploded = level_;
  Meet(block);
  const std::vector<BlockName> kids = rows_.KidsNow(block.name);
  rows_.RemoveBlock(block.name);
  block.now.ClearUp();
  States out;
  for (const BlockName name : kids) {
    NameState& kid = rows_.Name(name);
    if (kid.change == Change::kGone) continue;
    Loosen(kid);
    out.push_back(&kid);
  }
  return out;
}

bool LevelPass::InSettledPart(const NameState& block) {
  return std::any_of(block.now.parts.begin(), block.now.parts.end(),
                     [&](const NameRow::InPart& p) { return p.level == level_; });
}

void LevelPass::ExplodePartOf(NameState& member) {
  BlockName part;
  for (const NameRow::InPart& p : member.now.parts) {
    if (p.level == level_) part = p.part;
  }
  const auto leave_part = [&](NameState& name) {
    std::erase_if(name.now.parts, [&](const NameRow::InPart& p) { return p.level == level_; });
  };
  RowVersions<PartRow>& row = rows_.Part(part);
  if (!row.exists()) {
    rows_.Fail(store::Damaged(store::Family::kBlocks, store::NameKey{part}.Encode()));
    return leave_part(member);
  }
  const std::vector<BlockName> blocks = row.now().blocks;
  row.Remove();
  for (const BlockName name : blocks) {
    NameState& block = rows_.Name(name);
    leave_part(block);
    Meet(block);
    if (IsBlockHere(block)) {
      Explode(block);
    } else if (block.change != Change::kGone) {
      block.marks.loose = level_;
      TouchGroupsOfRecords(rows_.RecordsNow(name), false);
    }
  }
}

FirstRecord LevelPass::Smaller(const FirstRecord& a, const FirstRecord& b) {
  return rows_.Before(b, a, interner_) ? b : a;
}

}  // namespace unirust::resolve
