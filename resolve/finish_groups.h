// What follows from the final entities for groups: whether they are divided, who must touch them again, their same_as
// edges and contested runs.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/answers.h"
#include "resolve/followed_group.h"
#include "resolve/level_pass.h"
#include "resolve/names.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

class GroupFinisher {
 public:
  // The entries of an owner (store::ConflictOwnerKey), from now on.
  using Replace =
      std::function<void(const std::string& owner, const std::vector<Conflict>& entries)>;

  // `entities`: how they differ from before. All must outlive this.
  GroupFinisher(WorkingSet& rows, Names& names, const EntityDelta& entities,
                store::CountersRow& counters, Replace replace);

  // `groups`: those that the levels looked at, each once. Finishes these, and others that depend on the entities.
  void Run(std::vector<GroupState*> groups);

 private:
  // What a look at all runs of a group tells.
  struct Findings {
    std::vector<RunView> runs;  // the divided ones; of a large group all, unless it is calm
    uint64_t edges = 0;
    bool divided = false;
    std::set<BlockName> nodes;     // of divided runs
    std::set<BlockName> entities;  // the same
  };

  void CollectGroups(std::vector<GroupState*>* groups);
  void CollectMoves(const std::vector<GroupState*>& groups);
  void FinishGroup(GroupState& group);
  bool FinishFollowed(GroupState& group);
  Findings LookAt(GroupState& group);
  bool LookAtRun(const RunView& run, uint16_t level, Findings* out);
  void FinishDivided(GroupState& group, const Findings& findings);
  void SetEdges(GroupState& group, uint64_t edges);
  void Register(const GroupState& group, uint16_t level, const std::vector<BlockName>& before,
                const std::vector<BlockName>& now);
  std::vector<BlockName> TouchesBefore(GroupState& group, uint16_t level);
  std::vector<BlockName> BlocksOf(std::span<const Piece> run, uint16_t level);
  std::vector<Conflict> Contested(const GroupState& group, const std::vector<RunView>& runs);
  std::vector<Conflict> ContestedRunOf(const GroupState& group, const RunView& run);

  WorkingSet& rows_;
  Names& names_;
  const EntityDelta& entities_;
  store::CountersRow& counters_;
  const Replace replace_;
  const uint16_t top_;  // the last level: its blocks are the entities
  std::map<GroupState*, std::set<BlockName>> touched_;     // groups -> entities that changed in them
  std::map<GroupState*, std::vector<RecordMove>> moves_;  // of followed groups
};

}  // namespace unirust::resolve
