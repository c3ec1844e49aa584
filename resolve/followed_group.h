// What Finish keeps of a followed group (docs/resolution.md, 9): the pieces of each of its entities, for the same_as
// edges, and who clashes in which run, for the conflicts; so that a change costs what it changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "model/answers.h"
#include "resolve/names.h"
#include "resolve/stances.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

// A record whose pieces in a group, or whose entity, are others than before. No pieces: it is not there.
struct RecordMove {
  RecordId record;
  std::vector<Piece> before;
  std::vector<Piece> now;
  BlockName entity_before;
  BlockName entity_now;
};

// A run of a group, with who holds its pieces.
struct RunView {
  std::span<const Piece> pieces;
  std::vector<BlockName> node_of;
  std::vector<BlockName> entity_of;
};

class FollowedGroup {
 public:
  // The entries of a run that starts there, from now on.
  using Tell = absl::FunctionRef<void(Instant start, const std::vector<Conflict>& entries)>;

  // All must outlive this.
  FollowedGroup(WorkingSet& rows, Names& names, GroupState& group);

  // The group was followed, and its nodes are up to date. `moves`: all that concern it. `changed`: entities that live
  // on, and say something else, or have another first record. False: to be looked at as a whole.
  bool Update(const std::vector<RecordMove>& moves, const std::set<BlockName>& changed, Tell tell);
  int64_t more_edges() const { return more_edges_; }  // same_as edges, after Update

  // Everything from all runs. Reads all rows, and writes what differs.
  void Make(const std::vector<RunView>& runs, Tell tell);
  // The group is not followed any more.
  void Clear(Tell tell);

  // Whether it can be followed: nobody has several values of a strong identifier at once, or is in a settled part of
  // the group's level.
  static bool CanBeFollowed(WorkingSet& rows, const GroupState& group,
                            const std::vector<RunView>& runs);

 private:
  using When = SortedRows::When;
  using DisputeKey = store::DisputeKey;
  using DisputedEntities = store::DisputedEntitiesRow;
  struct Side {
    bool there = false;
    FirstRecord first;
    Signature signature;
    std::map<Instant, std::set<uint16_t>> disputed;  // by runs in which it has pieces: on what
  };
  struct Entity {
    Side before;
    Side now;
    std::vector<const RecordMove*> moves;  // from it or to it
  };
  // Who comes to, and goes from, those who clash on an identifier in a run.
  struct Edit {
    std::vector<FirstRecord> entities_gone, entities_come, records_gone, records_come;
  };
  using Place = std::pair<Instant, uint16_t>;  // run, identifier

  void CollectEntities(const std::vector<RecordMove>& moves, const std::set<BlockName>& changed);
  void MovePieces();
  bool LoadSide(BlockName name, When when, Side* side);
  bool Judge(Side* side, When when);
  bool MattersOnlyToChanged();
  bool CollectEdits();
  bool CollectEdit(BlockName name, const Entity& entity, const Place& place);
  bool ApplyEdits();
  bool EditList(const std::vector<FirstRecord>& gone, const std::vector<FirstRecord>& come,
                std::vector<FirstRecord>* list, uint64_t* count);
  bool RecordsIn(BlockName entity, Instant run, When when, std::vector<FirstRecord>* out);
  void TellRuns(Tell tell);

  using Rows = std::map<std::string, std::string>;  // of family disputes
  void MakeNodes(const RunView& run, Rows* rows, std::vector<Piece>* linked);
  void MakeEntities(const RunView& run, Rows* rows);
  void ReplaceAll(const Rows& disputes, std::span<const Piece> linked,
                  const std::map<BlockName, std::vector<Piece>>& by_entity);
  std::set<Instant> DisputedRuns(When when);

  Stances StancesIn(Instant run) const;
  DisputeKey KeyOf(DisputeKey::Kind kind, Instant run, uint16_t identifier = 0) const;
  std::optional<DisputedEntities> EntitiesAt(const Place& place);
  Conflict EntryOf(uint16_t identifier, const Interval& run, const DisputedEntities& row);
  std::vector<Conflict> EntriesOf(const PieceRun& run);
  Instant RunOf(Instant at, When when);
  FirstRecord FirstOf(BlockName name, When when);

  WorkingSet& rows_;
  Names& names_;
  GroupState& group_;
  const PieceSet all_;
  std::map<BlockName, Entity> entities_;
  std::set<BlockName> changed_names_;
  std::map<Place, Edit> edits_;
  int64_t more_edges_ = 0;
};

}  // namespace unirust::resolve
