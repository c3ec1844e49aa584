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

void Identify(RecordId id, RecordState* state) { state->id = id; }
template <typename Key, typename State>
void Identify(const Key& /*key*/, State* /*state*/) {}

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
void Follow(const NameState& previous, NameState* state) { Take(previous.now, state); }
void Follow(const GroupState& previous, GroupState* state) { state->row.Follow(previous.row); }
template <typename Row>
void Follow(const RowVersions<Row>& previous, RowVersions<Row>* state) {
  state->Follow(previous);
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
  std::sort(wanted.begin(), wanted.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
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

template <typename Key, typename State>
const State* WorkingSet::Previous(Map<Key, State> map, const Key& key) const {
  return previous_ == nullptr ? nullptr : ((*previous_).*map).Find(key);
}

template <typename Row, typename Key, typename State>
State& WorkingSet::Load(Map<Key, State> map, Family family, const Key& key) {
  const auto [entry, inserted] = (this->*map).TryEmplace(key);
  if (!inserted) return entry.value;
  Identify(key, &entry.value);
  if (const State* previous = Previous(map, key)) {
    Follow(*previous, &entry.value);
  } else {
    Read<Row>(family, Encoded(key), &entry.value);
  }
  return entry.value;
}

template <typename Row, typename Key, typename State>
void WorkingSet::Preload(Map<Key, State> map, Family family, std::span<const Key> keys) {
  std::vector<Wanted<State>> wanted;
  for (const Key& key : keys) {
    const auto [entry, inserted] = (this->*map).TryEmplace(key);
    if (!inserted) continue;
    Identify(key, &entry.value);
    if (const State* previous = Previous(map, key)) {
      Follow(*previous, &entry.value);
    } else {
      wanted.push_back({Encoded(key), &entry.value});
    }
  }
  ReadAll<Row>(family, std::move(wanted));
}

RecordState& WorkingSet::Record(RecordId id) {
  return Load<RecordRow>(&WorkingSet::records_, Family::kRecords, id);
}

NameState& WorkingSet::Name(BlockName name) {
  return Load<NameRow>(&WorkingSet::names_, Family::kNames, name);
}

RowVersions<BlockRow>& WorkingSet::Block(BlockName name) {
  return Load<BlockRow>(&WorkingSet::blocks_, Family::kBlocks, name);
}

RowVersions<PartRow>& WorkingSet::Part(BlockName name) {
  return Load<PartRow>(&WorkingSet::parts_, Family::kBlocks, name);
}

RowVersions<store::ConflictOwnerRow>& WorkingSet::ConflictOwner(const std::string& key) {
  return Load<store::ConflictOwnerRow>(&WorkingSet::conflict_owners_, Family::kConflictOwners, key);
}

void WorkingSet::PreloadRecords(std::span<const RecordId> ids) {
  Preload<RecordRow>(&WorkingSet::records_, Family::kRecords, ids);
}

void WorkingSet::PreloadNames(std::span<const BlockName> names) {
  Preload<NameRow>(&WorkingSet::names_, Family::kNames, names);
}

void WorkingSet::PreloadBlocks(std::span<const BlockName> names) {
  Preload<BlockRow>(&WorkingSet::blocks_, Family::kBlocks, names);
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
  if (!record->stored) names_.TryEmplace(store::NameOf(record->id));  // nothing is stored about it
  return record->id;
}

BlockName WorkingSet::NewHandle() {
  const BlockName handle = store::HandleOf(++handles_);
  names_.TryEmplace(handle);
  blocks_.TryEmplace(handle);
  parts_.TryEmplace(handle);
  return handle;
}

GroupState& WorkingSet::Group(const std::string& encoded_key) {
  LoadExpectedGroups();
  const auto [entry, inserted] = groups_.TryEmplace(encoded_key);
  GroupState& group = entry.value;
  if (!inserted) return group;
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
    if (const GroupState* previous = Previous(&WorkingSet::groups_, key)) {
      Follow(*previous, group);
    } else {
      wanted.push_back({std::move(key), group});
    }
  }
  expected_groups_.clear();
  ReadAll<GroupRow>(Family::kGroups, std::move(wanted));
}

namespace {

// Levels strictly increase on the way up; anything else is damage.
BlockName ClimbRows(WorkingSet& rows, BlockName name, uint16_t level, NameRow NameState::*when) {
  uint16_t last = 0;
  while (true) {
    const NameRow& row = rows.Name(name).*when;
    if (row.up_level == 0 || row.up_level > level) return name;
    if (row.up_level <= last) {
      rows.Fail(store::Damaged(Family::kNames, store::NameKey{name}.Encode()));
      return name;
    }
    last = row.up_level;
    name = row.up;
  }
}

}  // namespace

BlockName WorkingSet::BlockBefore(BlockName name, uint16_t level) {
  return ClimbRows(*this, name, level, &NameState::before);
}

BlockName WorkingSet::BlockNow(BlockName name, uint16_t level) {
  return ClimbRows(*this, name, level, &NameState::now);
}

WorkingSet::Existence WorkingSet::Exists(BlockName name, uint16_t level) {
  const NameState& state = Name(name);
  const auto at_top = [level](const NameRow& row) {
    return row.up_level == 0 || row.up_level > level;
  };
  Existence out{.before = at_top(state.before), .now = at_top(state.now)};
  if (store::IsRecord(name)) {
    const RecordState& record = Record(store::RecordOf(name));
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

const Signature& WorkingSet::SignatureNow(BlockName name) {
  if (store::IsRecord(name)) {
    RecordState& record = Record(store::RecordOf(name));
    if (!record.signature_now) record.signature_now = SignatureOf(record.row.now(), rules_);
    return *record.signature_now;
  }
  static const Signature kMute;
  const StrongCounts& strong = Block(name).now().strong;
  if (strong.empty()) return kMute;
  std::unique_ptr<Signature>& signature = block_signatures_[name];
  if (signature == nullptr) signature = std::make_unique<Signature>(SignatureOf(strong));
  return *signature;
}

WorkingSet::Content WorkingSet::ContentBefore(BlockName name) {
  if (store::IsRecord(name)) return {1, CountsOf(SignatureBefore(store::RecordOf(name)))};
  const BlockRow& row = Block(name).before();
  return {row.records, row.strong};
}

WorkingSet::Content WorkingSet::ContentNow(BlockName name) {
  if (store::IsRecord(name)) return {1, CountsOf(SignatureNow(name))};
  const BlockRow& row = Block(name).now();
  return {row.records, row.strong};
}

void WorkingSet::ChangeContent(BlockName block, const Content& less, const Content& more) {
  if (less == more) return;
  BlockRow& row = Block(block).Edit();
  if (row.records < less.records || !Subtract(less.strong, &row.strong)) {
    Fail(store::Damaged(Family::kBlocks, store::NameKey{block}.Encode()));
  }
  row.records = row.records - less.records + more.records;
  Add(more.strong, &row.strong);
  block_signatures_.erase(block);
}

namespace {

FirstRecord FirstOf(RecordId id, const RecordRow& row) { return {id, row.perspective, row.uid}; }

}  // namespace

FirstRecord WorkingSet::FirstBefore(BlockName name) {
  if (!store::IsRecord(name)) return Block(name).before().first;
  const RecordState& record = Record(store::RecordOf(name));
  return FirstOf(record.id, record.row.before());
}

FirstRecord WorkingSet::FirstNow(BlockName name) {
  if (!store::IsRecord(name)) return Block(name).now().first;
  const RecordState& record = Record(store::RecordOf(name));
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
                     [](const auto& entry) { return entry.value.written; });
}

void WorkingSet::FlushRecords(store::Batch& batch) const {
  for (const auto& [id, record] : records_) {
    if (!record.written) continue;
    batch.Put(Family::kRecords, store::RecordKey{id}.Encode(), record.row.now().Encode());
  }
}

void WorkingSet::FlushDerived(store::Batch& batch) const {
  for (const auto& [name, state] : names_) {
    if (state.now == state.before) continue;
    const std::string key = store::NameKey{name}.Encode();
    if (state.now.empty()) {
      batch.Delete(Family::kNames, key);
    } else {
      batch.Put(Family::kNames, key, state.now.Encode());
    }
  }
  const auto flush = [&](Family family, const std::string& key, const auto& row) {
    if (row.exists()) {
      batch.Put(family, key, row.now().Encode());
    } else {
      batch.Delete(family, key);
    }
  };
  for (const auto& [name, row] : blocks_) {
    if (row.Changed()) flush(Family::kBlocks, store::NameKey{name}.Encode(), row);
  }
  for (const auto& [name, row] : parts_) {
    if (row.Changed()) flush(Family::kBlocks, store::NameKey{name}.Encode(), row);
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
