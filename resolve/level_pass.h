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

// How the blocks of one level differ from before the batch. Ordered containers: nothing may depend on hashing.
struct BlockDelta {
  absl::btree_set<BlockName> gone;   // was a block, is none now
  absl::btree_set<BlockName> fresh;  // is a block, was none before
  absl::btree_set<BlockName> changed;  // still one, with other records or another signature
  // gone block -> the one present block that holds all its records. Absent if they were retracted or parted.
  absl::btree_map<BlockName, BlockName> heir;
  absl::btree_set<BlockName> moved;  // blocks of lower levels, or records, that left one that may live on

  bool empty() const { return gone.empty() && fresh.empty() && changed.empty(); }
};

class LevelPass {
 public:
  // `identity_key` is the position of the level's key; the level is one more. All groups to look at again later are
  // added to `to_finish`.
  LevelPass(WorkingSet& rows, interner::Interner& interner, uint16_t identity_key,
            const BlockDelta& nodes, absl::flat_hash_set<GroupState*>& to_finish)
      : rows_(rows),
        interner_(interner),
        key_index_(identity_key),
        level_(static_cast<uint16_t>(identity_key + 1)),
        nodes_(nodes),
        to_finish_(to_finish) {}

  // `changed_groups`: groups of this key whose pieces changed.
  BlockDelta Run(const std::vector<GroupState*>& changed_groups);

 private:
  // How nodes of one run are linked: group, start of the run, and whether they agree or time chains link them.
  using Passages = absl::btree_set<std::tuple<std::string_view, Instant, bool>>;
  struct Work {
    bool view_changed = false;  // its pieces, nodes or signatures differ from before
    bool whole = false;         // compute all links; else only what single pieces add and take
    bool queued = false;
    // Of a followed group: the nodes to look at, and those of them that were loose and are tied to others here.
    std::set<BlockName> nodes;
    std::set<BlockName> tied;
    std::unique_ptr<FollowedNodes> followed;
  };

  // --- step 1: what the level below changed (level_pass.cc)
  void TakeGoneNodes();
  void TakeChangedNodes();
  void Adopt();
  void TouchGroupsOf(BlockName node);
  void TouchGroupsOfRecords(const std::vector<RecordId>& records, bool view_changed);
  void Enqueue(GroupState* group, bool view_changed, bool whole);
  void EnqueueNodesOf(GroupState* group);
  void EnqueueNode(GroupState* group, bool view_changed, BlockName node);

  // --- step 2: links of the groups in question
  bool MayBeCalm(GroupState& group);
  void EvaluateAll();
  bool LinkCalmly(GroupState& group);
  bool LinkGained(const GainedRun& run);
  void LinkWhole(GroupState& group, bool view_changed);

  // --- the same in a followed group (followed_pass.cc)
  bool LinkFollowed(GroupState& group, Work& work);
  bool AddNodesInPlace(std::set<BlockName>* nodes);
  bool MetSettled(const std::set<BlockName>& nodes);
  bool TieLoose(Work& work);
  bool AddAnchors(const FollowedNodes& nodes, const PieceRun& run, std::set<BlockName>* knot);
  void NoteFollowedPassages(GroupState& group, RecordId record, Passages* passages);

  // --- what falls off a block (partings.cc)
  bool LosePieces(const GroupState& group, const PieceSet& pieces,
                  const std::vector<LostPiece>& lost);
  std::optional<bool> StillIn(BlockName node, const GroupState& group, const PieceSet& pieces,
                              const Interval& run);
  void FindLostLinks(GroupState& group, const absl::flat_hash_map<BlockName, size_t>& index,
                     UnionFind& knots);
  void KeepLargestKnot(BlockName block, const std::vector<std::pair<size_t, BlockName>>& nodes);
  std::optional<BlockName> PresentNode(RecordId record);
  void NotePassages(BlockName block, BlockName node);
  void NoteLargePassages(GroupState& group, RecordId record, Passages* passages);
  bool HasOthers(BlockName block, BlockName node, std::span<const Piece> run);
  void Detach(BlockName block, BlockName node);
  void RemoveKid(BlockName block, BlockName kid, const WorkingSet::Content& content,
                 const FirstRecord& first);
  void FindFirsts();

  // --- step 3: blocks along the links
  bool Unite();  // false: a settled part was met, evaluate again
  bool AreClashFree(const std::vector<BlockName>& elements);
  void MergeElements(const std::vector<BlockName>& elements);
  void MoveUnder(BlockName element, BlockName target);
  void DissolveLonely(BlockName block);
  void Settle(const std::vector<BlockName>& elements);  // settle.cc
  void KeepSettled(const std::vector<std::vector<BlockName>>& blocks);

  BlockDelta Delta();

  // --- helpers
  BlockName Node(RecordId record);   // around the record
  bool IsBlockHere(BlockName name);  // a block made at this level, not a node that passes through
  BlockName Around(BlockName node);  // the element that a node belongs to now
  void Explode(BlockName block);     // its nodes stand alone until their links are drawn anew
  std::vector<BlockName> TakeApart(BlockName block);  // its nodes stand alone; returns them
  void ExplodePartOf(BlockName block);
  bool InSettledPart(BlockName block);
  FirstRecord Smaller(const FirstRecord& a, const FirstRecord& b);

  WorkingSet& rows_;
  interner::Interner& interner_;
  const uint16_t key_index_;
  const uint16_t level_;
  const BlockDelta& nodes_;
  absl::flat_hash_set<GroupState*>& to_finish_;

  absl::btree_set<BlockName> loose_;     // nodes that are in no block of this level for now
  absl::btree_set<BlockName> exploded_;  // blocks of before that are no more
  absl::btree_set<BlockName> grown_;     // blocks whose nodes or signature changed
  absl::btree_set<BlockName> met_;       // every name that Delta must judge
  absl::btree_map<BlockName, std::vector<BlockName>> adopters_;  // node -> blocks that had parts of it as kids
  absl::btree_set<BlockName> detached_;    // nodes that live on, and left a block that does
  absl::btree_set<BlockName> moved_;       // records that did, of nodes that are gone
  absl::btree_set<BlockName> first_left_;  // blocks whose first record may be none of theirs
  // block -> the links of before that nodes which left it had to others of it
  absl::btree_map<BlockName, Passages> passages_;
  absl::node_hash_map<GroupState*, Work> work_;  // references stay valid
  std::deque<GroupState*> queue_;
  std::vector<std::vector<BlockName>> knots_;  // nodes that links connect
};

}  // namespace unirust::resolve
