// One level of incremental resolution (docs/resolution.md): given how the blocks of the level below
// differ from before the batch, and which groups gained or lost pieces, brings the blocks of this
// level up to date and says how they differ.
//
// What is recomputed: links only of groups whose view changed, and of the groups of blocks that may
// have fallen apart; blocks only along those links; settled parts only if one of their nodes is in
// a changed view. Everything else is proven to stay (docs/resolution.md, "Why this is exact").
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "interner/interner.h"
#include "resolve/followed_nodes.h"
#include "resolve/links.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

// How the entities differ from before the batch. No name twice, but for `moved`.
struct EntityDelta {
  std::vector<BlockName> gone;     // was one, is none now
  std::vector<BlockName> fresh;    // is one, was none before
  std::vector<BlockName> changed;  // still one, with other records or another signature
  std::vector<BlockName> moved;    // blocks of lower levels, or records, that left one that may live on
};

// The same for the blocks of the levels so far. What a level has nothing to do with is not looked at there: it stays
// gone, fresh or changed.
class BlockDelta {
 public:
  using Change = NameState::Change;
  void Set(NameState& name, Change change, NameState* heir);
  // Later levels look at it again.
  void Watch(NameState& name) { watched_.push_back(&name); }
  void AddMoved(const std::vector<BlockName>& names);

  std::vector<NameState*> TakeWatched() { return std::exchange(watched_, {}); }
  const std::vector<BlockName>& moved() const { return moved_; }
  bool NothingWatched() const { return watched_.empty() && moved_.empty(); }
  EntityDelta OfEntities() const;  // after the last level

 private:
  std::vector<NameState*> names_;    // all that were gone, fresh or changed at some level
  std::vector<NameState*> watched_;  // gone or changed ones with something in higher levels
  std::vector<BlockName> moved_;
};

class LevelPass {
 public:
  // `identity_key` is the position of the level's key; the level is one more. `delta` is that of the level below. All
  // groups to look at again later are added to `to_finish`.
  LevelPass(WorkingSet& rows, interner::Interner& interner, uint16_t identity_key,
            BlockDelta& delta, std::vector<GroupState*>& to_finish)
      : rows_(rows),
        interner_(interner),
        key_index_(identity_key),
        level_(static_cast<uint16_t>(identity_key + 1)),
        delta_(delta),
        to_finish_(to_finish) {}

  // `changed_groups`: groups of this key whose pieces changed. Then `delta` is that of this level.
  void Run(const std::vector<GroupState*>& changed_groups);

 private:
  // How nodes of one run are linked: group, start of the run, and whether they agree or time chains link them.
  using Passages = absl::btree_set<std::tuple<std::string_view, Instant, bool>>;
  using States = std::vector<NameState*>;
  using Marks = NameState::Marks;
  using Change = NameState::Change;
  struct Replaced {
    NameState* block;
    NameState* node;
  };
  // Of a followed group: the nodes to look at, and those of them that were loose and are tied to others here.
  struct FollowedWork {
    std::set<BlockName> nodes;
    std::set<BlockName> tied;
    std::unique_ptr<FollowedNodes> followed;
  };

  // --- step 1: what the level below changed (level_pass.cc)
  void TakeGoneNode(NameState& node);
  void LeaveBehind(NameState& block, NameState& node);
  void TakeChangedNodes(const States& watched);
  void Adopt();
  void TouchGroupsOf(NameState& node);
  void TouchGroupsOfRecords(const std::vector<RecordId>& records, bool view_changed);
  void Enqueue(GroupState* group, bool view_changed, bool whole);
  void EnqueueNodesOf(GroupState* group);
  void EnqueueNode(GroupState* group, bool view_changed, NameState& node);

  // --- step 2: links of the groups in question
  bool MayBeCalm(GroupState& group);
  void EvaluateAll();
  bool LinkCalmly(GroupState& group);
  bool LinkGained(const GainedRun& run);
  void LinkWhole(GroupState& group, bool view_changed);
  void AddKnot(std::span<NameState* const> nodes);

  // --- the same in a followed group (followed_pass.cc)
  bool LinkFollowed(GroupState& group, FollowedWork& work);
  bool AddNodesInPlace(std::set<BlockName>* nodes);
  bool MetSettled(const std::set<BlockName>& nodes);
  std::vector<LostPiece> GivenAway(const FollowedNodes& nodes);
  bool TieLoose(FollowedWork& work);
  bool AddAnchors(const FollowedNodes& nodes, const PieceRun& run, std::set<BlockName>* knot);
  void NoteFollowedPassages(GroupState& group, RecordId record, Passages* passages);

  // --- what falls off a block (partings.cc)
  bool LosePieces(const GroupState& group, const PieceSet& pieces,
                  const std::vector<LostPiece>& lost);
  std::optional<bool> StillIn(BlockName node, const GroupState& group, const PieceSet& pieces,
                              const Interval& run);
  void FindLostLinks(GroupState& group, const absl::flat_hash_map<NameState*, size_t>& index,
                     UnionFind& knots);
  void KeepLargestKnot(NameState& block, const std::vector<std::pair<size_t, NameState*>>& nodes);
  NameState* PresentNode(RecordId record);
  void NotePassages(NameState& block, NameState& node);
  void NoteLargePassages(GroupState& group, RecordId record, Passages* passages);
  bool HasOthers(const NameState& block, const NameState& node, std::span<const Piece> run);
  void Detach(NameState& block, NameState& node);
  bool Disown(NameState& block, NameState& node);
  void RemoveKid(NameState& block, NameState& kid, const WorkingSet::Content& content,
                 const FirstRecord& first);
  void FindFirsts();

  // --- step 3: blocks along the links (uniting.cc)
  bool Unite();  // false: a settled part was met, evaluate again
  std::vector<States> ConnectedSets();
  bool ExplodeAdopted(const States& set);
  bool AreClashFree(std::span<NameState* const> elements);
  NameState& MergeElements(const States& elements);
  void MoveUnder(NameState& element, NameState& target);
  void DissolveLonely(NameState& block);
  void Settle(const States& elements);  // settle.cc
  void KeepSettled(const std::vector<States>& blocks);

  // --- what changed
  void UpdateDelta();
  NameState* HeirNow(NameState& gone, const absl::flat_hash_set<NameState*>& parted);

  // --- helpers
  NameState& Node(RecordId record);         // around the record
  NameState* HeirOf(const NameState& gone);  // a node; null if it has none
  bool IsBlockHere(NameState& name);  // a block made at this level, not a node that passes through
  NameState& Around(NameState& node);  // the element that a node belongs to now
  void Explode(NameState& block);      // its nodes stand alone until their links are drawn anew
  States TakeApart(NameState& block);   // its nodes stand alone; returns them
  void ExplodePartOf(NameState& member);
  bool InSettledPart(const NameState& block);
  FirstRecord Smaller(const FirstRecord& a, const FirstRecord& b);

  bool Is(const NameState& name, uint16_t Marks::*mark) const { return name.marks.*mark == level_; }
  bool IsLoose(NameState& node);  // in no block of this level for now
  void Meet(NameState& name);     // UpdateDelta must judge it
  void Loosen(NameState& node);
  void Grow(NameState& block);

  WorkingSet& rows_;
  interner::Interner& interner_;
  const uint16_t key_index_;
  const uint16_t level_;
  BlockDelta& delta_;
  std::vector<GroupState*>& to_finish_;

  States met_;    // each once
  States grown_;  // each once
  // node -> the gone ones whose heir it is, with the blocks that they were in
  absl::btree_map<BlockName, std::vector<Replaced>> adopters_;
  absl::flat_hash_map<NameState*, States> heirs_in_;  // the same by blocks, but for exploded ones
  std::vector<BlockName> moved_;  // nodes that left a block which lives on, and records of such that are gone
  States first_left_;  // blocks whose first record may be none of theirs
  // block -> the links of before that nodes which left it had to others of it
  absl::btree_map<BlockName, Passages> passages_;
  absl::node_hash_map<GroupState*, FollowedWork> followed_;  // references stay valid
  std::deque<GroupState*> queue_;
  States knotted_;  // nodes that links connect, knot by knot
  std::vector<size_t> knot_ends_;
};

}  // namespace unirust::resolve
