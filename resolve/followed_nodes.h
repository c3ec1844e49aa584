// The nodes of a followed group (docs/resolution.md, 9) that a batch may have changed: how they link now, and what that
// takes away from before, without a look at the others. Used by one level's pass.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "resolve/links.h"
#include "resolve/stances.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

class FollowedNodes {
 public:
  // The group was followed before the batch, and its pieces changed run by run or not at all.
  FollowedNodes(WorkingSet& rows, GroupState& group);

  // `nodes`: all that may have other pieces in the group, or say something else, than before; they may be gone, or new.
  // Called again, with more, it starts from where it was. False: the group must be looked at as a whole.
  bool Update(const std::set<BlockName>& nodes);

  // What the last Update changed of the pieces that time chains link.
  const PieceSet::Change& linked_change() const { return linked_change_; }
  const PieceSet& linked() const { return linked_; }
  // Of each run of those pieces that became part of a larger one in any Update, one piece.
  const std::vector<Piece>& joined() const { return joined_; }

  // A piece that time chains link, before and now, and that is another node's than before.
  struct Handed {
    Piece piece;
    BlockName before;
    BlockName now;
  };
  const std::vector<Handed>& handed() const { return handed_; }  // of all Updates

  // Whether the last Update was told of the node.
  bool Has(BlockName node) const { return nodes_.contains(node); }

  // The pieces of such a node that time chains link now.
  std::vector<Piece> LinkedPieces(BlockName node);

  // Pairs of nodes that are linked because they agree. Nothing: to be looked at as a whole; likewise in Strays.
  std::optional<std::vector<std::pair<BlockName, BlockName>>> Agreements();

  // Nodes that agreed with others before and are not in one knot with these now.
  struct Stray {
    RecordId record;  // one that the node had
    BlockName node;   // what is in its place now
  };
  // `present` tells what is in the place of the node that had a record; nothing: it left its block already.
  using Present = absl::FunctionRef<std::optional<BlockName>(RecordId)>;
  std::optional<std::vector<Stray>> Strays(Present present);

  // Registers nodes that had no piece in the group, and takes away those that have none any more.
  void Register();

 private:
  using When = SortedRows::When;
  struct Side {
    std::vector<Piece> pieces;  // none: it has nothing to do with the group
    Signature signature;
    std::map<Instant, bool> disputed;  // by the starts of the runs in which it has pieces
  };
  struct Node {
    Side before;
    Side now;
  };
  using Edges = std::map<BlockName, std::set<BlockName>>;
  using Neighbours = std::map<Instant, Edges>;  // by runs

  bool RunsKeepTheirStarts() const;
  void FindHanded();
  bool Load(BlockName name, Node* node);
  bool LoadPieces(BlockName name, When when, Side* side);
  void WriteStances(BlockName name, const Node& node);
  bool MattersOnlyToChanged(const std::set<BlockName>& names);
  bool Judge(Side* side, When when);
  bool CountDisputed();
  bool UpdateLinked();
  bool IsLinked(const Side& side, const Piece& piece);
  Instant RunOf(const Piece& piece, When when);  // its start
  Stances StancesIn(Instant run) const;
  std::string DisputedNodesKey(Instant run) const;
  const Signature& SignatureOf(BlockName name, When when);
  bool Agreeing(BlockName name, When when, Instant run, std::set<BlockName>* out);
  std::optional<Neighbours> AllAgreeing(When when);
  bool AddStrays(const Edges& before, const Edges& now, Present present, std::vector<Stray>* out);

  WorkingSet& rows_;
  GroupState& group_;
  const uint16_t node_level_;
  const PieceSet all_;
  PieceSet linked_;
  PieceSet::Change linked_change_;
  std::vector<Piece> joined_;
  std::vector<Handed> handed_;
  std::map<BlockName, Node> nodes_;
  std::map<Instant, Instant> runs_before_;  // those that were asked for: start -> end
  std::map<Instant, Instant> runs_now_;
  std::map<Instant, int64_t> counted_;  // run -> more disputed nodes, as they are in the rows already
};

}  // namespace unirust::resolve
