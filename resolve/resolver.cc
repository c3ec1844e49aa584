#include "resolve/resolver.h"

#include <algorithm>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/evidence.h"
#include "resolve/finish.h"
#include "resolve/indexes.h"
#include "resolve/level_pass.h"
#include "resolve/retention.h"

namespace unirust::resolve {
namespace {

template <typename T>
void SortAndUnique(std::vector<T>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

// A piece that a record gives to a group, or takes from it, in this batch.
struct PieceEdit {
  GroupState* group;
  bool added;
  Piece piece;
};

class BatchResolver {
 public:
  BatchResolver(WorkingSet& rows, interner::Interner& interner, store::CountersRow& counters,
                store::Batch& batch)
      : rows_(rows), interner_(interner), counters_(counters), batch_(batch) {}

  absl::Status Run() {
    TakeRecords();
    rows_.LoadExpectedGroups();
    EditGroups();
    Preload();
    UNIRUST_RETURN_IF_ERROR(rows_.status());
    for (uint16_t key = 0; key < rows_.rules().levels(); ++key) {
      const std::vector<GroupState*>& groups = changed_groups_[key];
      if (delta_.NothingWatched() && groups.empty()) continue;
      LevelPass(rows_, interner_, key, delta_, to_finish_).Run(groups);
      UNIRUST_RETURN_IF_ERROR(rows_.status());
    }
    NameSuccessors();
    return Finish(rows_, interner_, delta_.OfEntities(), to_finish_, counters_, batch_);
  }

 private:
  // The changed records are the changes of level 0, where every record is a block of its own.
  void TakeRecords() {
    std::vector<RecordId> written = rows_.Written();
    std::sort(written.begin(), written.end());
    for (const RecordId id : written) {
      NameState& name = rows_.Name(store::NameOf(id));
      const RecordState& record = rows_.Record(name);
      if (record.live_before && !record.live_now) {
        delta_.Set(name, NameState::Change::kGone, nullptr);
        delta_.Watch(name);
        retracted_.push_back(id);
        name.now.ClearUp();
      } else if (!record.live_before && record.live_now) {
        delta_.Set(name, NameState::Change::kFresh, nullptr);
      } else if (record.live_now && rows_.SignatureBefore(id) != rows_.SignatureNow(name)) {
        delta_.Set(name, NameState::Change::kChanged, nullptr);
        delta_.Watch(name);
      }
      counters_.records += record.live_now ? 1 : 0;
      counters_.records -= record.live_before ? 1 : 0;
      if (record.live_before) TakePieces(record, record.row.before(), false);
      if (record.live_now) TakePieces(record, record.row.now(), true);
    }
  }

  void TakePieces(const RecordState& record, const RecordRow& row, bool added) {
    for (uint16_t key = 0; key < rows_.rules().levels(); ++key) {
      const KeyRule& rule = rows_.rules().keys()[key];
      if (!rule.types.Has(row.entity_type)) continue;
      const auto instances = KeyInstances(rule, row.descriptors, rows_.rules());
      if (!instances.ok()) {
        rows_.Fail(instances.status());
        return;
      }
      for (const KeyInstance& instance : *instances) {
        GroupState* group = &rows_.ExpectGroup(row.entity_type, key, instance.values);
        for (const Interval& interval : instance.time) {
          edits_.push_back({group, added, {interval, record.id}});
        }
      }
    }
  }

  void EditGroups() {
    changed_groups_.resize(rows_.rules().levels());
    std::sort(edits_.begin(), edits_.end(), [](const PieceEdit& a, const PieceEdit& b) {
      if (a.group != b.group) return a.group->number < b.group->number;
      return std::tie(a.added, a.piece) < std::tie(b.added, b.piece);
    });
    for (auto first = edits_.begin(), last = first; first != edits_.end(); first = last) {
      GroupState& group = *first->group;
      last = std::find_if(first, edits_.end(),
                          [&](const PieceEdit& edit) { return edit.group != &group; });
      EditGroup(group, {first, last});
    }
  }

  // `edits`: sorted, removals first.
  void EditGroup(GroupState& group, std::span<const PieceEdit> edits) {
    std::vector<Piece> before;
    std::vector<Piece> now;
    for (const PieceEdit& edit : edits) (edit.added ? now : before).push_back(edit.piece);
    if (rows_.EditPieces(group, std::move(before), std::move(now))) {
      changed_groups_[group.key.identity_key].push_back(&group);
    }
  }

  // Most of what the passes will ask for: names and blocks around the pieces of changed groups, and the records there.
  void Preload() {
    std::vector<BlockName> names;
    std::vector<RecordId> records;
    for (const std::vector<GroupState*>& groups : changed_groups_) {
      for (GroupState* group : groups) WantPieces(*group, &names, &records);
    }
    SortAndUnique(&names);
    rows_.PreloadNames(names);
    std::vector<BlockName> blocks;
    for (const BlockName name : names) {
      const NameRow& row = rows_.Name(name).now;
      if (row.up_level != 0) blocks.push_back(row.up);
    }
    SortAndUnique(&blocks);  // a hot group has one block around very many pieces
    rows_.PreloadBlocks(blocks);
    rows_.PreloadNames(blocks);
    for (const BlockName block : blocks) {
      const BlockRow& row = rows_.Block(block).now();
      if (row.records >= limits::kLargeEntityRecordsMin) continue;
      for (const BlockName kid : row.kids) {
        if (store::IsRecord(kid)) records.push_back(store::RecordOf(kid));
      }
    }
    rows_.PreloadRecords(records);
  }

  // The pieces that LevelPass looks at: few of a group that can be linked calmly, else all, and the records of runs
  // with a written one.
  void WantPieces(GroupState& group, std::vector<BlockName>* names,
                  std::vector<RecordId>* records) const {
    if (rows_.ChangesByRuns(group)) return WantGained(group.by_runs()->gained, names, records);
    if (rows_.IsFollowed(group)) {
      for (const auto* pieces : {&group.removed, &group.added}) {
        for (const Piece& piece : *pieces) names->push_back(store::NameOf(piece.record));
      }
      return;
    }
    const std::span<const Piece> before = rows_.EvidenceBefore(group);
    const std::span<const Piece> now = rows_.EvidenceNow(group);
    const bool only_gained = std::includes(now.begin(), now.end(), before.begin(), before.end());
    if (!group.row.before().divided && only_gained) {
      return WantGained(GainedRuns(before, now), names, records);
    }
    for (const auto& [first, last] : Chains(now)) {
      if (last - first < 2) continue;
      bool changed = false;
      for (const Piece& piece : now.subspan(first, last - first)) {
        names->push_back(store::NameOf(piece.record));
        const RecordState* record = rows_.FindLoaded(piece.record);
        changed |= record != nullptr && record->written;
      }
      if (!changed) continue;
      for (const Piece& piece : now.subspan(first, last - first)) {
        records->push_back(piece.record);
      }
    }
  }

  static void WantGained(const std::vector<GainedRun>& runs, std::vector<BlockName>* names,
                         std::vector<RecordId>* records) {
    for (const GainedRun& run : runs) {
      if (run.old.size() + run.added.size() < 2) continue;
      for (const std::vector<Piece>* pieces : {&run.old, &run.added}) {
        for (const Piece& piece : *pieces) {
          names->push_back(store::NameOf(piece.record));
          records->push_back(piece.record);
        }
      }
    }
  }

  // A retracted record keeps the name of one that was in its entity, for those who ask by its own (semantics.md, 6).
  void NameSuccessors() {
    for (const RecordId id : retracted_) {
      if (rows_.Record(id).row.now().erased()) continue;
      const BlockName entity = rows_.BlockBefore(store::NameOf(id), rows_.rules().levels());
      if (entity != store::NameOf(id) && rows_.Exists(entity, rows_.rules().levels()).now) {
        rows_.Record(id).row.Edit().successor = rows_.FirstNow(entity).id;
        continue;
      }
      std::optional<FirstRecord> successor;
      for (const RecordId other : rows_.RecordsBefore(entity)) {
        if (!rows_.Record(other).live_now) continue;
        const FirstRecord candidate = rows_.FirstNow(store::NameOf(other));
        if (!successor || rows_.Before(candidate, *successor, interner_)) successor = candidate;
      }
      if (successor) rows_.Record(id).row.Edit().successor = successor->id;
    }
  }

  WorkingSet& rows_;
  interner::Interner& interner_;
  store::CountersRow& counters_;
  store::Batch& batch_;
  BlockDelta delta_;
  std::vector<RecordId> retracted_;
  std::vector<PieceEdit> edits_;
  std::vector<std::vector<GroupState*>> changed_groups_;  // by identity key
  std::vector<GroupState*> to_finish_;  // each once
};

}  // namespace

absl::Status Resolve(WorkingSet& rows, interner::Interner& interner, store::CountersRow* counters,
                     store::Batch* batch) {
  rows.set_handles(counters->handles);
  UNIRUST_RETURN_IF_ERROR(BatchResolver(rows, interner, *counters, *batch).Run());
  rows.FailIfRowsDid();
  counters->handles = rows.handles();
  return rows.status();
}

void AddRows(const WorkingSet& rows, Scope scope, store::Batch* batch) {
  if (scope == Scope::kAll) {
    rows.FlushRecords(*batch);
    WriteIndexes(rows, *batch);
  }
  rows.FlushDerived(*batch);
  WriteExpiries(rows, *batch);
}

}  // namespace unirust::resolve
