#include "resolve/working_set.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "base/limits.h"
#include "resolve/evidence.h"

namespace unirust::resolve {

using store::Family;

void WorkingSet::Fail(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

void WorkingSet::ForgetPrevious() {
  for (SortedRows* rows :
       {&held_values_, &stretches_, &pieces_, &runs_, &kids_, &disputes_}) {
    rows->ForgetPrevious();
  }
  previous_.reset();
}

void WorkingSet::FailIfRowsDid() {
  for (const SortedRows* rows :
       {&held_values_, &stretches_, &pieces_, &runs_, &kids_, &disputes_}) {
    Fail(rows->status());
  }
}

namespace {

std::string Encoded(RecordId id) { return store::RecordKey{id}.Encode(); }
std::string Encoded(BlockName name) { return store::NameKey{name}.Encode(); }
std::string Encoded(const std::string& key) { return key; }

// A state as the row of the store makes it, and as the batch before left it.
void Take(RowVersions<RecordRow> row, RecordState* state) {
  state->row = std::move(row);
  state->stored = state->row.existed();
  state->live_before = state->live_now = state->stored && !state->row.before().retracted;
}
void Take(RecordRow row, RecordState* state) {
  RowVersions<RecordRow> versions;
  versions.Load(std::move(row));
  Take(std::move(versions), state);
}
void Take(NameRow row, NameState* state) { state->now = state->before = std::move(row); }
void Take(BlockRow row, BlockState* state) { state->row.Load(std::move(row)); }
void Take(GroupRow row, GroupState* state) { state->row.Load(std::move(row)); }
template <typename Row>
void Take(Row row, RowVersions<Row>* state) {
  state->Load(std::move(row));
}

void Follow(const RecordState& previous, RecordState* state) {
  RowVersions<RecordRow> versions;
  versions.Follow(previous.row);
  Take(std::move(versions), state);
}

}  // namespace

template <typename Row, typename State>
void WorkingSet::Read(Family family, std::string_view key, State* state) {
  const absl::StatusOr<bool> found = reader_.Get(family, key, &buffer_);
  if (!found.ok()) return Fail(found.status());
  if (!*found) return;
  Row row;
  if (!Row::Decode(buffer_, &row)) return Fail(store::Damaged(family, key));
  Take(std::move(row), state);
}

template <typename Row, typename State>
void WorkingSet::ReadAll(Family family, std::vector<Wanted<State>> wanted) {
  std::sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) {
    return a.head != b.head ? a.head < b.head : a.key < b.key;
  });
  std::vector<std::string> keys;
  keys.reserve(wanted.size());
  for (Wanted<State>& one : wanted) keys.push_back(std::move(one.key));
  const absl::Status status =
      reader_.MultiGet(family, keys, [&](size_t i, std::string_view bytes) {
        Row row;
        if (!Row::Decode(bytes, &row)) return Fail(store::Damaged(family, keys[i]));
        Take(std::move(row), wanted[i].state);
      });
  if (!status.ok()) Fail(status);
}

NameState& WorkingSet::Known(BlockName name) {
  const auto [entry, inserted] = names_.TryEmplace(name);
  NameState& state = entry.value;
  if (inserted) {
    state.name = name;
    if (previous_ != nullptr) state.previous = previous_->names_.Find(name);
  }
  return state;
}

NameState* WorkingSet::BeginName(NameState& name) {
  if (std::exchange(name.loaded, true)) return nullptr;
  if (name.previous == nullptr || !name.previous->loaded) return &name;
  name.now = name.before = name.previous->now;
  return nullptr;
}

RecordState* WorkingSet::BeginRecord(NameState& name) {
  if (name.record != nullptr) return nullptr;
  name.record = &records_.emplace_back();
  name.record->id = store::RecordOf(name.name);
  if (name.previous == nullptr || name.previous->record == nullptr) return name.record;
  Follow(*name.previous->record, name.record);
  return nullptr;
}

BlockState* WorkingSet::BeginBlock(NameState& name) {
  if (name.block != nullptr) return nullptr;
  name.block = &blocks_.emplace_back();
  if (name.previous == nullptr || name.previous->block == nullptr) return name.block;
  name.block->row.Follow(name.previous->block->row);
  return nullptr;
}

NameState& WorkingSet::Loaded(NameState& name) {
  if (BeginName(name) != nullptr) Read<NameRow>(Family::kNames, Encoded(name.name), &name);
  return name;
}

RecordState& WorkingSet::Record(NameState& name) {
  if (RecordState* record = BeginRecord(name)) {
    Read<RecordRow>(Family::kRecords, Encoded(record->id), record);
  }
  return *name.record;
}

BlockState& WorkingSet::StateOf(NameState& name) {
  if (BlockState* block = BeginBlock(name)) {
    Read<BlockRow>(Family::kBlocks, Encoded(name.name), block);
  }
  return *name.block;
}

const RecordState* WorkingSet::FindLoaded(RecordId id) const {
  const NameState* name = names_.Find(store::NameOf(id));
  return name == nullptr ? nullptr : name->record;
}

void WorkingSet::PreloadRecords(std::span<const RecordId> ids) {
  std::vector<Wanted<RecordState>> wanted;
  for (const RecordId id : ids) {
    RecordState* const record = BeginRecord(Known(store::NameOf(id)));
    if (record != nullptr) wanted.emplace_back(Encoded(id), record);
  }
  ReadAll<RecordRow>(Family::kRecords, std::move(wanted));
}

void WorkingSet::PreloadNames(std::span<const BlockName> names) {
  std::vector<Wanted<NameState>> wanted;
  for (const BlockName name : names) {
    NameState* const state = BeginName(Known(name));
    if (state != nullptr) wanted.emplace_back(Encoded(name), state);
  }
  ReadAll<NameRow>(Family::kNames, std::move(wanted));
}

void WorkingSet::PreloadBlocks(std::span<const BlockName> names) {
  std::vector<Wanted<BlockState>> wanted;
  for (const BlockName name : names) {
    BlockState* const block = BeginBlock(Known(name));
    if (block != nullptr) wanted.emplace_back(Encoded(name), block);
  }
  ReadAll<BlockRow>(Family::kBlocks, std::move(wanted));
}

template <typename Key, typename Row>
RowVersions<Row>& WorkingSet::Load(Rows<Key, Row> WorkingSet::*map, Family family,
                                   const Key& key) {
  const auto [entry, inserted] = (this->*map).TryEmplace(key);
  if (!inserted) return entry.value;
  const RowVersions<Row>* previous =
      previous_ == nullptr ? nullptr : ((*previous_).*map).Find(key);
  if (previous != nullptr) {
    entry.value.Follow(*previous);
  } else {
    Read<Row>(family, Encoded(key), &entry.value);
  }
  return entry.value;
}

RowVersions<PartRow>& WorkingSet::Part(BlockName name) {
  return Load(&WorkingSet::parts_, Family::kBlocks, name);
}

RowVersions<store::ConflictOwnerRow>& WorkingSet::ConflictOwner(const std::string& key) {
  return Load(&WorkingSet::conflict_owners_, Family::kConflictOwners, key);
}

RecordState* WorkingSet::Probe(const Identity& identity, SymbolId entity_type,
                               SymbolId perspective) {
  store::RecordAddress address =
      store::FirstAddress(identity.entity_type, identity.perspective, identity.uid);
  for (uint32_t tries = 0; tries < limits::kRecordsPerSlotMax; ++tries, address = address.Next()) {
    RecordState& record = Record(address.Id());
    if (!record.stored && !record.written) return &record;
    const RecordRow& row = record.row.now();
    if (row.uid == identity.uid && row.entity_type == entity_type &&
        row.perspective == perspective) {
      return &record;
    }
  }
  return nullptr;
}

std::optional<RecordId> WorkingSet::FindRecord(const Identity& identity, SymbolId entity_type,
                                               SymbolId perspective) {
  const RecordState* record = Probe(identity, entity_type, perspective);
  if (record == nullptr || (!record->stored && !record->written)) return std::nullopt;
  return record->id;
}

absl::StatusOr<RecordId> WorkingSet::PlaceRecord(const Identity& identity, SymbolId entity_type,
                                                 SymbolId perspective) {
  const RecordState* record = Probe(identity, entity_type, perspective);
  if (record == nullptr) {
    return absl::ResourceExhaustedError("no free record id in the slot of " + RecordName(identity));
  }
  if (!record->stored) Known(store::NameOf(record->id)).loaded = true;  // nothing is stored about it
  return record->id;
}

BlockName WorkingSet::NewHandle() {
  const BlockName handle = store::HandleOf(++handles_);
  NameState& name = Known(handle);
  name.loaded = true;
  name.block = &blocks_.emplace_back();
  parts_.TryEmplace(handle);
  return handle;
}

GroupState& WorkingSet::Group(const std::string& encoded_key) {
  LoadExpectedGroups();
  const auto [entry, inserted] = groups_.TryEmplace(encoded_key);
  GroupState& group = entry.value;
  if (!inserted) return group;
  group.number = groups_.size();
  group.encoded_key = entry.key;
  const std::optional<store::GroupKey> key = store::GroupKey::Decode(encoded_key);
  if (!key || key->identity_key >= rules_.keys().size()) {
    Fail(store::Damaged(Family::kGroups, encoded_key));
    return group;
  }
  group.key = *key;
  expected_groups_.push_back(&group);
  LoadExpectedGroups();
  auto verbatim =
      store::VerbatimValues(key->values, rules_.keys()[key->identity_key].attributes.size());
  group.values = verbatim ? *std::move(verbatim) : group.row.before().values;
  return group;
}

GroupState& WorkingSet::Group(SymbolId entity_type, uint16_t identity_key,
                              const std::vector<std::string_view>& values) {
  GroupState& group = ExpectGroup(entity_type, identity_key, values);
  LoadExpectedGroups();
  return group;
}

GroupState& WorkingSet::ExpectGroup(SymbolId entity_type, uint16_t identity_key,
                                    const std::vector<std::string_view>& values) {
  store::GroupKey key{.entity_type = entity_type,
                      .identity_key = identity_key,
                      .values = store::EncodeValues(values)};
  const auto [entry, inserted] = groups_.TryEmplace(key.Encode());
  GroupState& group = entry.value;
  if (!inserted) return group;
  group.number = groups_.size();
  group.encoded_key = entry.key;
  group.key = std::move(key);
  group.values.assign(values.begin(), values.end());
  expected_groups_.push_back(&group);
  return group;
}

void WorkingSet::LoadExpectedGroups() {
  if (expected_groups_.empty()) return;
  std::vector<Wanted<GroupState>> wanted;
  for (GroupState* group : expected_groups_) {
    std::string key(group->encoded_key);
    const GroupState* previous = previous_ == nullptr ? nullptr : previous_->groups_.Find(key);
    if (previous != nullptr) {
      group->row.Follow(previous->row);
    } else {
      wanted.emplace_back(std::move(key), group);
    }
  }
  expected_groups_.clear();
  ReadAll<GroupRow>(Family::kGroups, std::move(wanted));
}

// Levels strictly increase on the way up; anything else is damage.
NameState& WorkingSet::Climb(NameState& from, uint16_t level, NameRow NameState::*when) {
  NameState* name = &from;
  uint16_t last = 0;
  while (true) {
    const NameRow& row = Loaded(*name).*when;
    if (row.up_level == 0 || row.up_level > level) return *name;
    if (row.up_level <= last) {
      Fail(store::Damaged(Family::kNames, store::NameKey{name->name}.Encode()));
      return *name;
    }
    last = row.up_level;
    if (name->up == nullptr || name->up->name != row.up) name->up = &Known(row.up);
    name = name->up;
  }
}

WorkingSet::Existence WorkingSet::Exists(NameState& name, uint16_t level) {
  Loaded(name);
  const auto at_top = [level](const NameRow& row) {
    return row.up_level == 0 || row.up_level > level;
  };
  Existence out{.before = at_top(name.before), .now = at_top(name.now)};
  if (store::IsRecord(name.name)) {
    const RecordState& record = Record(name);
    out.before = out.before && record.live_before;
    out.now = out.now && record.live_now;
  } else {
    const RowVersions<BlockRow>& block = Block(name);
    out.before = out.before && block.existed() && block.before().level <= level;
    out.now = out.now && block.exists() && block.now().level <= level;
  }
  return out;
}

const Signature& WorkingSet::SignatureBefore(RecordId id) {
  RecordState& record = Record(id);
  if (!record.signature_before) record.signature_before = SignatureOf(record.row.before(), rules_);
  return *record.signature_before;
}

Signature WorkingSet::SignatureBefore(BlockName name) {
  if (store::IsRecord(name)) return SignatureBefore(store::RecordOf(name));
  return SignatureOf(Block(name).before().strong);
}

const Signature& WorkingSet::SignatureNow(NameState& name) {
  if (store::IsRecord(name.name)) {
    RecordState& record = Record(name);
    if (!record.signature_now) record.signature_now = SignatureOf(record.row.now(), rules_);
    return *record.signature_now;
  }
  BlockState& block = StateOf(name);
  if (!block.signature_now) block.signature_now = SignatureOf(block.row.now().strong);
  return *block.signature_now;
}

WorkingSet::Content WorkingSet::ContentBefore(BlockName name) {
  if (store::IsRecord(name)) return {1, CountsOf(SignatureBefore(store::RecordOf(name)))};
  const BlockRow& row = Block(name).before();
  return {row.records, row.strong};
}

WorkingSet::Content WorkingSet::ContentNow(NameState& name) {
  if (store::IsRecord(name.name)) return {1, CountsOf(SignatureNow(name))};
  const BlockRow& row = Block(name).now();
  return {row.records, row.strong};
}

void WorkingSet::ChangeContent(BlockName block, const Content& less, const Content& more) {
  if (less == more) return;
  BlockState& state = StateOf(Known(block));
  BlockRow& row = state.row.Edit();
  if (row.records < less.records || !Subtract(less.strong, &row.strong)) {
    Fail(store::Damaged(Family::kBlocks, store::NameKey{block}.Encode()));
  }
  row.records = row.records - less.records + more.records;
  Add(more.strong, &row.strong);
  state.signature_now.reset();
}

namespace {

FirstRecord FirstOf(RecordId id, const RecordRow& row) { return {id, row.perspective, row.uid}; }

}  // namespace

FirstRecord WorkingSet::FirstBefore(BlockName name) {
  if (!store::IsRecord(name)) return Block(name).before().first;
  const RecordState& record = Record(store::RecordOf(name));
  return FirstOf(record.id, record.row.before());
}

FirstRecord WorkingSet::FirstNow(NameState& name) {
  if (!store::IsRecord(name.name)) return Block(name).now().first;
  const RecordState& record = Record(name);
  return FirstOf(record.id, record.row.now());
}

bool WorkingSet::Before(const FirstRecord& a, const FirstRecord& b, interner::Interner& interner) {
  if (a.perspective == b.perspective) return a.uid < b.uid;
  const absl::StatusOr<std::string> text_a = interner.Text(a.perspective);
  const absl::StatusOr<std::string> text_b = interner.Text(b.perspective);
  if (!text_a.ok() || !text_b.ok()) {
    Fail(text_a.ok() ? text_b.status() : text_a.status());
    return false;
  }
  return *text_a < *text_b;
}

bool WorkingSet::HasWrites() const {
  return std::any_of(records_.begin(), records_.end(),
                     [](const RecordState& record) { return record.written; });
}

std::vector<RecordId> WorkingSet::Written() const {
  std::vector<RecordId> out;
  for (const RecordState& record : records_) {
    if (record.written) out.push_back(record.id);
  }
  return out;
}

void WorkingSet::FlushRecords(store::Batch& batch) const {
  for (const RecordState& record : records_) {
    if (!record.written) continue;
    batch.Put(Family::kRecords, Encoded(record.id), record.row.now().Encode());
  }
}

void WorkingSet::FlushDerived(store::Batch& batch) const {
  const auto flush = [&](Family family, const std::string& key, const auto& row) {
    if (row.exists()) {
      batch.Put(family, key, row.now().Encode());
    } else {
      batch.Delete(family, key);
    }
  };
  for (const auto& [name, state] : names_) {
    if (state.now != state.before) {
      if (state.now.empty()) {
        batch.Delete(Family::kNames, Encoded(name));
      } else {
        batch.Put(Family::kNames, Encoded(name), state.now.Encode());
      }
    }
    if (state.block != nullptr && state.block->row.Changed()) {
      flush(Family::kBlocks, Encoded(name), state.block->row);
    }
  }
  for (const auto& [name, row] : parts_) {
    if (row.Changed()) flush(Family::kBlocks, Encoded(name), row);
  }
  for (const auto& [key, group] : groups_) {
    if (group.row.Changed()) flush(Family::kGroups, key, group.row);
  }
  for (const auto& [key, row] : conflict_owners_) {
    if (row.Changed()) flush(Family::kConflictOwners, key, row);
  }
  for (const SortedRows* rows :
       {&held_values_, &stretches_, &pieces_, &runs_, &kids_, &disputes_}) {
    rows->AddTo(batch);
  }
  for (const auto& [key, touched] : touches_) {
    if (touched) {
      batch.Put(Family::kTouches, key, "");
    } else {
      batch.Delete(Family::kTouches, key);
    }
  }
}

}  // namespace unirust::resolve
