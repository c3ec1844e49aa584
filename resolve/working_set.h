// The rows that one batch of changes reads and writes: every row is loaded at most once, changed in memory, and encoded
// once by Flush. Keeps the state before the batch beside the state now, because resolution compares the two.
//
// Errors are sticky: a row that cannot be read or decoded counts as absent, and status() tells. The caller discards
// everything unless status() is OK at the end. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/stable_map.h"
#include "interner/interner.h"
#include "resolve/rules.h"
#include "resolve/sorted_rows.h"
#include "resolve/states.h"
#include "store/rows.h"
#include "store/store.h"

namespace unirust::resolve {

// How many kids a block has.
uint64_t KidCount(const BlockRow& row);

// How many pieces a group has, and of how many records.
uint64_t PieceCount(const GroupRow& row);
uint64_t RecordCount(const GroupRow& row);

class WorkingSet {
 public:
  // The rules must outlive the WorkingSet; `reader` is the state before the batch.
  WorkingSet(store::Reader reader, const Rules& rules)
      : WorkingSet(std::move(reader), rules, nullptr, nullptr) {}

  // The same for a batch that follows one which is still being written: rows that `previous` knows are taken from it,
  // and `await_written` returns when the store has them, or why it has not. `previous` must not change any more.
  WorkingSet(store::Reader reader, const Rules& rules, std::shared_ptr<const WorkingSet> previous,
             std::function<absl::Status()> await_written)
      : reader_(std::move(reader)),
        rules_(rules),
        previous_(std::move(previous)),
        await_written_(std::move(await_written)),
        held_values_(store::Family::kHeldValues, reader_,
                     previous_ == nullptr ? nullptr : &previous_->held_values_),
        stretches_(store::Family::kStretches, reader_,
                   previous_ == nullptr ? nullptr : &previous_->stretches_),
        pieces_(store::Family::kPieces, reader_,
                previous_ == nullptr ? nullptr : &previous_->pieces_),
        runs_(store::Family::kRuns, reader_, previous_ == nullptr ? nullptr : &previous_->runs_),
        kids_(store::Family::kKids, reader_, previous_ == nullptr ? nullptr : &previous_->kids_),
        disputes_(store::Family::kDisputes, reader_,
                  previous_ == nullptr ? nullptr : &previous_->disputes_) {}

  // To be called when nothing more is read through this WorkingSet: lets go of the previous one.
  void ForgetPrevious();

  const Rules& rules() const { return rules_; }

  // For rows that the WorkingSet does not manage: conflicts and indexes. Waits for the batch before; what is read means
  // nothing if status() is an error then.
  const store::Reader& reader() {
    if (await_written_) Fail(await_written_());
    return reader_;
  }
  const absl::Status& status() const { return status_; }
  void Fail(const absl::Status& status);

  // References stay valid for the life of the WorkingSet.
  RecordState& Record(RecordId id) { return Record(Known(store::NameOf(id))); }
  RecordState& Record(NameState& record);
  const RecordState* FindLoaded(RecordId id) const;  // null: nobody asked for it yet
  // The record of an identity, or nothing if it was never written (before the batch or in it).
  std::optional<RecordId> FindRecord(const Identity& identity, SymbolId entity_type,
                                     SymbolId perspective);
  // The same, or the free id that it gets. RESOURCE_EXHAUSTED if its slot is full.
  absl::StatusOr<RecordId> PlaceRecord(const Identity& identity, SymbolId entity_type,
                                       SymbolId perspective);
  NameState& Name(BlockName name) { return Loaded(Known(name)); }
  RowVersions<BlockRow>& Block(BlockName name) { return StateOf(Known(name)).row; }
  RowVersions<BlockRow>& Block(NameState& block) { return StateOf(block).row; }
  RowVersions<PartRow>& Part(BlockName name);
  GroupState& Group(const std::string& encoded_key);
  RowVersions<store::ConflictOwnerRow>& ConflictOwner(const std::string& key);
  // The group of a key instance; its values are known without reading.
  GroupState& Group(SymbolId entity_type, uint16_t identity_key,
                    const std::vector<std::string_view>& values);

  // Read what will be asked for, in sorted sweeps: cheaper than each row when it is asked for.
  void PreloadRecords(std::span<const RecordId> ids);
  void PreloadNames(std::span<const BlockName> names);
  void PreloadBlocks(std::span<const BlockName> names);
  // The group of a key instance, like Group, but its row is there only after LoadExpectedGroups.
  GroupState& ExpectGroup(SymbolId entity_type, uint16_t identity_key,
                          const std::vector<std::string_view>& values);
  void LoadExpectedGroups();

  // --- structure, before the batch and now (docs/resolution.md) ------------------------------------
  // Level k is 1 for the first identity key. A node of level k is a block of level k - 1. What takes a NameState saves
  // the search for it.
  BlockName BlockBefore(BlockName name, uint16_t level) {  // climbs from `name` up to `level`
    return BlockBefore(Name(name), level).name;
  }
  BlockName BlockNow(BlockName name, uint16_t level) { return BlockNow(Name(name), level).name; }
  NameState& BlockBefore(NameState& name, uint16_t level) {
    return Climb(name, level, &NameState::before);
  }
  NameState& BlockNow(NameState& name, uint16_t level) {
    return Climb(name, level, &NameState::now);
  }
  // The blocks of lower levels that a block has. All rows of a large one are read.
  std::vector<BlockName> KidsBefore(BlockName block) {
    return KidsOf(block, Block(block).before(), SortedRows::When::kBefore);
  }
  std::vector<BlockName> KidsNow(BlockName block) {
    return KidsOf(block, Block(block).now(), SortedRows::When::kNow);
  }
  // The kid is there under its first record now.
  void AddKid(NameState& block, NameState& kid);
  // `first`: the first record under which the kid is there. DATA_LOSS if it is not.
  void RemoveKid(BlockName block, BlockName kid, const FirstRecord& first);
  // The kid was there under `first`, and is under its first record now.
  void MoveKid(BlockName block, BlockName kid, const FirstRecord& first);
  void RemoveBlock(BlockName block);  // with all kids
  // The first record of all kids, of which there is one at least.
  FirstRecord FirstOfKids(BlockName block, interner::Interner& interner);

  // Whether it was, and is, a block of that level.
  struct Existence {
    bool before = false;
    bool now = false;
  };
  Existence Exists(BlockName name, uint16_t level) { return Exists(Name(name), level); }
  Existence Exists(NameState& name, uint16_t level);
  std::vector<RecordId> RecordsBefore(BlockName name);
  std::vector<RecordId> RecordsNow(BlockName name);
  const Signature& SignatureBefore(RecordId record);
  Signature SignatureBefore(BlockName name);
  const Signature& SignatureNow(BlockName name) { return SignatureNow(Known(name)); }
  const Signature& SignatureNow(NameState& name);
  FirstRecord FirstBefore(BlockName name);
  FirstRecord FirstNow(BlockName name) { return FirstNow(Known(name)); }
  FirstRecord FirstNow(NameState& name);
  // The records of a block: how many, and what they say.
  struct Content {
    uint64_t records = 0;
    StrongCounts strong;
    bool operator==(const Content&) const = default;
  };
  Content ContentBefore(BlockName name);
  Content ContentNow(NameState& name);
  // The block has `more`, and no longer `less`. DATA_LOSS if it did not have that.
  void ChangeContent(BlockName block, const Content& less, const Content& more);

  // All pieces in the group that the written records had before, and have now, both sorted; to be called once a group
  // and batch. False if they are the same.
  bool EditPieces(GroupState& group, std::vector<Piece> before, std::vector<Piece> now);

  // The pieces of a group that are evidence: all, or none if it is generic. Valid while the state is. All rows of a
  // large group are read.
  std::span<const Piece> EvidenceBefore(GroupState& group);
  std::span<const Piece> EvidenceNow(GroupState& group);
  // How many these are, without reading them.
  uint64_t EvidenceCountBefore(const GroupState& group) const;
  uint64_t EvidenceCountNow(const GroupState& group) const;
  PieceSet PiecesOf(const GroupState& group) {
    return SetOf(group, store::PieceSetKey::Which::kAll);
  }
  PieceSet SetOf(const GroupState& group, store::PieceSetKey::Which which,
                 BlockName entity = BlockName());
  // The entities that have sets of pieces in the group.
  std::vector<BlockName> EntitySetsOf(const GroupState& group);
  // Whether what the batch does to a group that was not divided is known run by run (PieceSet::Change).
  bool ChangesByRuns(const GroupState& group) const {
    return group.by_runs() != nullptr && !group.row.before().divided &&
           EvidenceCountBefore(group) > 0 && EvidenceCountNow(group) > 0;
  }
  // Whether it was followed (docs/resolution.md, 9), and may still be without a look at all its pieces.
  bool IsFollowed(const GroupState& group) const {
    const bool told = group.by_runs() != nullptr || (group.added.empty() && group.removed.empty());
    return group.row.before().followed && group.row.now().large && !group.whole && told &&
           EvidenceCountNow(group) > 0;
  }
  // When the record holds the group's value, before the batch or now; nothing if it was, or is, not live.
  IntervalSet TimesBefore(RecordId record, const GroupState& group);
  IntervalSet TimesNow(RecordId record, const GroupState& group);

  // Whether it has too many records to be evidence.
  bool IsGeneric(const GroupState& group) const {
    return PieceCount(group.row.now()) > 0 && EvidenceCountNow(group) == 0;
  }

  // The groups of a record under one key, loaded; none if it was, or is, not live.
  std::vector<GroupState*> GroupsBefore(RecordId record, uint16_t identity_key);
  std::vector<GroupState*> GroupsNow(RecordId record, uint16_t identity_key);

  // Divided groups that are to be looked at again when the block changes at the level: their encoded keys, as they were
  // before the batch.
  std::vector<std::string> TouchedGroups(BlockName name, uint16_t level);
  // From now on the group is one of them, or is not.
  void SetTouch(BlockName name, uint16_t level, const GroupState& group, bool touched);

  // A name that no row has.
  BlockName NewHandle();
  uint64_t handles() const { return handles_; }
  void set_handles(uint64_t handles) { handles_ = handles; }

  // True if record a comes before b in canonical order; both of one type.
  bool Before(const FirstRecord& a, const FirstRecord& b, interner::Interner& interner);

  // What is held in large entities (large_entity.h).
  SortedRows& held_values() { return held_values_; }
  SortedRows& stretches() { return stretches_; }
  // What is disputed in followed groups (followed_group.h).
  SortedRows& disputes() { return disputes_; }

  // What reading them came to. Whoever walks them may ask only at the end: Resolve does.
  void FailIfRowsDid();

  bool HasWrites() const;  // a record was written
  // Add the changed rows to the batch.
  void FlushRecords(store::Batch& batch) const;
  void FlushDerived(store::Batch& batch) const;

  // Those that were asked for, in that order.
  const std::deque<RecordState>& records() const { return records_; }
  std::vector<RecordId> Written() const;  // in any order
  StableMap<std::string, GroupState>& groups() { return groups_; }

 private:
  // The state of a name, of which nothing may be known yet.
  NameState& Known(BlockName name);
  NameState& Loaded(NameState& name);
  BlockState& StateOf(NameState& block);

  // Each begins a state if there is none, and takes it from the previous batch if that has it. Not null: to be read.
  NameState* BeginName(NameState& name);
  RecordState* BeginRecord(NameState& name);
  BlockState* BeginBlock(NameState& name);

  // The rows of a key that has a map of its own.
  template <typename Key, typename Row>
  using Rows = StableMap<Key, RowVersions<Row>>;
  template <typename Key, typename Row>
  RowVersions<Row>& Load(Rows<Key, Row> WorkingSet::*map, store::Family family, const Key& key);

  template <typename State>
  struct Wanted {
    Wanted(std::string of, State* read) : head(HeadOf(of)), key(std::move(of)), state(read) {}
    uint64_t head;  // of the key, so that most comparisons touch nothing else
    std::string key;
    State* state;
  };
  template <typename Row, typename State>
  void Read(store::Family family, std::string_view key, State* state);
  template <typename Row, typename State>
  void ReadAll(store::Family family, std::vector<Wanted<State>> wanted);
  NameState& Climb(NameState& from, uint16_t level, NameRow NameState::*when);
  // Probes the identity's addresses; stops at its record or at the first free id.
  RecordState* Probe(const Identity& identity, SymbolId entity_type, SymbolId perspective);
  std::vector<RecordId> RecordsOf(BlockName name, SortedRows::When when);

  bool IsGenericRow(const GroupState& group, const GroupRow& row) const;
  std::vector<BlockName> KidsOf(BlockName block, const BlockRow& row, SortedRows::When when);
  void DeleteKids(BlockName block);
  void EditLarge(GroupState& group, uint64_t count, int64_t records);
  std::span<const Piece> AllBefore(GroupState& group);
  static GroupState::Large& LargeOf(GroupState& group);
  std::vector<GroupState*> GroupsOf(const RecordRow& record, uint16_t identity_key);
  IntervalSet TimesOf(const RecordRow& record, const GroupState& group);

  store::Reader reader_;
  const Rules& rules_;
  std::shared_ptr<const WorkingSet> previous_;
  std::function<absl::Status()> await_written_;
  absl::Status status_;
  uint64_t handles_ = 0;
  StableMap<BlockName, NameState> names_;
  std::deque<RecordState> records_;
  std::deque<BlockState> blocks_;
  StableMap<BlockName, RowVersions<PartRow>> parts_;
  StableMap<std::string, GroupState> groups_;
  std::vector<GroupState*> expected_groups_;
  StableMap<std::string, RowVersions<store::ConflictOwnerRow>> conflict_owners_;
  absl::btree_map<std::string, bool> touches_;  // encoded TouchKeys: there from now on, or gone
  SortedRows held_values_;
  SortedRows stretches_;
  SortedRows pieces_;
  SortedRows runs_;
  SortedRows kids_;
  SortedRows disputes_;
  std::string buffer_;
};

}  // namespace unirust::resolve
