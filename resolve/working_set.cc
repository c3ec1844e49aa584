#include "resolve/working_set.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "resolve/evidence.h"

namespace unirust::resolve {

using store::Family;

void WorkingSet::Fail(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

template <typename Row>
bool WorkingSet::Load(Family family, const std::string& key, Row* row) {
  const absl::StatusOr<bool> found = reader_.Get(family, key, &buffer_);
  if (!found.ok()) {
    Fail(found.status());
    return false;
  }
  if (!*found) return false;
  if (!Row::Decode(buffer_, row)) {
    Fail(store::Damaged(family, key));
    *row = Row();
    return false;
  }
  return true;
}

template <typename Map, typename Key>
const typename Map::mapped_type* WorkingSet::Previous(Map WorkingSet::*map, const Key& key) const {
  if (previous_ == nullptr) return nullptr;
  const auto it = ((*previous_).*map).find(key);
  return it == ((*previous_).*map).end() ? nullptr : &it->second;
}

RecordState& WorkingSet::Record(RecordId id) {
  const auto [it, inserted] = records_.try_emplace(id);
  RecordState& state = it->second;
  if (!inserted) return state;
  state.id = id;
  if (const RecordState* previous = Previous(&WorkingSet::records_, id)) {
    state.stored = previous->stored || previous->written;
    state.before = previous->now;
  } else {
    state.stored = Load(Family::kRecords, store::RecordKey{id}.Encode(), &state.before);
  }
  state.now = state.before;
  state.live_before = state.live_now = state.stored && !state.before.retracted;
  return state;
}

RecordState* WorkingSet::Probe(const Identity& identity, SymbolId entity_type,
                               SymbolId perspective) {
  store::RecordAddress address =
      store::FirstAddress(identity.entity_type, identity.perspective, identity.uid);
  for (uint32_t tries = 0; tries < limits::kRecordsPerSlotMax; ++tries, address = address.Next()) {
    RecordState& record = Record(address.Id());
    if (!record.stored && !record.written) return &record;
    if (record.now.uid == identity.uid && record.now.entity_type == entity_type &&
        record.now.perspective == perspective) {
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
  if (!record->stored) names_.try_emplace(store::NameOf(record->id));  // nothing is stored about it
  return record->id;
}

BlockName WorkingSet::NewHandle() {
  const BlockName handle = store::HandleOf(++handles_);
  names_.try_emplace(handle);
  blocks_.try_emplace(handle);
  parts_.try_emplace(handle);
  return handle;
}

NameState& WorkingSet::Name(BlockName name) {
  const auto [it, inserted] = names_.try_emplace(name);
  if (!inserted) return it->second;
  if (const NameState* previous = Previous(&WorkingSet::names_, name)) {
    it->second.before = previous->now;
  } else {
    Load(Family::kNames, store::NameKey{name}.Encode(), &it->second.before);
  }
  it->second.now = it->second.before;
  return it->second;
}

BlockState& WorkingSet::Block(BlockName name) {
  const auto [it, inserted] = blocks_.try_emplace(name);
  if (!inserted) return it->second;
  BlockRow row;
  if (const BlockState* previous = Previous(&WorkingSet::blocks_, name)) {
    it->second.before = previous->now;
  } else if (Load(Family::kBlocks, store::NameKey{name}.Encode(), &row)) {
    it->second.before = std::move(row);
  }
  it->second.now = it->second.before;
  return it->second;
}

PartState& WorkingSet::Part(BlockName name) {
  const auto [it, inserted] = parts_.try_emplace(name);
  if (!inserted) return it->second;
  PartRow row;
  if (const PartState* previous = Previous(&WorkingSet::parts_, name)) {
    it->second.before = previous->now;
  } else if (Load(Family::kBlocks, store::NameKey{name}.Encode(), &row)) {
    it->second.before = std::move(row);
  }
  it->second.now = it->second.before;
  return it->second;
}

GroupState& WorkingSet::Group(const std::string& encoded_key) {
  const auto [it, inserted] = groups_.try_emplace(encoded_key);
  GroupState& group = it->second;
  if (!inserted) return group;
  group.encoded_key = encoded_key;
  const std::optional<store::GroupKey> key = store::GroupKey::Decode(encoded_key);
  if (!key || key->identity_key >= rules_.keys().size()) {
    Fail(store::Damaged(Family::kGroups, encoded_key));
    return group;
  }
  group.key = *key;
  if (const GroupState* previous = Previous(&WorkingSet::groups_, encoded_key)) {
    group.before = previous->now;
    group.stored = !previous->now.pieces.empty();
  } else {
    group.stored = Load(Family::kGroups, encoded_key, &group.before);
  }
  group.now = group.before;
  auto verbatim =
      store::VerbatimValues(key->values, rules_.keys()[key->identity_key].attributes.size());
  group.values = verbatim ? *std::move(verbatim) : group.before.values;
  return group;
}

GroupState& WorkingSet::Group(SymbolId entity_type, uint16_t identity_key,
                              const std::vector<std::string_view>& values) {
  const store::GroupKey key{.entity_type = entity_type,
                            .identity_key = identity_key,
                            .values = store::EncodeValues(values)};
  GroupState& group = Group(key.Encode());
  if (group.values.empty()) {  // hashed in the key: the row keeps them
    group.values.assign(values.begin(), values.end());
    group.now.values = group.values;
  }
  return group;
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

bool WorkingSet::ExistsBefore(BlockName name, uint16_t level) {
  const NameRow& row = Name(name).before;
  if (row.up_level != 0 && row.up_level <= level) return false;
  if (store::IsRecord(name)) return Record(store::RecordOf(name)).live_before;
  const BlockState& block = Block(name);
  return block.before && block.before->level <= level;
}

bool WorkingSet::ExistsNow(BlockName name, uint16_t level) {
  const NameRow& row = Name(name).now;
  if (row.up_level != 0 && row.up_level <= level) return false;
  if (store::IsRecord(name)) return Record(store::RecordOf(name)).live_now;
  const BlockState& block = Block(name);
  return block.now && block.now->level <= level;
}

void WorkingSet::Collect(BlockName name, std::optional<BlockRow> BlockState::*when,
                         bool RecordState::*live, std::vector<RecordId>* out) {
  std::vector<std::pair<BlockName, uint16_t>> open = {{name, 0xFFFF}};
  while (!open.empty()) {
    const auto [next, below] = open.back();
    open.pop_back();
    if (store::IsRecord(next)) {
      RecordState& record = Record(store::RecordOf(next));
      if (record.*live) out->push_back(record.id);
      continue;
    }
    const std::optional<BlockRow>& row = Block(next).*when;
    if (!row) continue;
    if (row->level >= below) {  // levels strictly decrease on the way down; anything else is damage
      Fail(store::Damaged(Family::kBlocks, store::NameKey{next}.Encode()));
      continue;
    }
    for (const BlockName kid : row->kids) open.emplace_back(kid, row->level);
  }
}

std::vector<RecordId> WorkingSet::RecordsBefore(BlockName name) {
  std::vector<RecordId> out;
  Collect(name, &BlockState::before, &RecordState::live_before, &out);
  return out;
}

std::vector<RecordId> WorkingSet::RecordsNow(BlockName name) {
  std::vector<RecordId> out;
  Collect(name, &BlockState::now, &RecordState::live_now, &out);
  return out;
}

const Signature& WorkingSet::SignatureBefore(RecordId id) {
  RecordState& record = Record(id);
  if (!record.signature_before) record.signature_before = SignatureOf(record.before, rules_);
  return *record.signature_before;
}

const Signature& WorkingSet::SignatureNow(BlockName name) {
  static const Signature kNone;
  if (!store::IsRecord(name)) {
    const BlockState& block = Block(name);
    return block.now ? block.now->signature : kNone;
  }
  RecordState& record = Record(store::RecordOf(name));
  if (!record.signature_now) record.signature_now = SignatureOf(record.now, rules_);
  return *record.signature_now;
}

FirstRecord WorkingSet::FirstNow(BlockName name) {
  if (!store::IsRecord(name)) {
    const BlockState& block = Block(name);
    return block.now ? block.now->first : FirstRecord();
  }
  const RecordState& record = Record(store::RecordOf(name));
  return {record.id, record.now.perspective, record.now.uid};
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

std::vector<Piece> WorkingSet::Evidence(const GroupState& group, const GroupRow& row) const {
  const uint64_t max_group = rules_.keys()[group.key.identity_key].max_group;
  if (row.pieces.size() > max_group) {
    std::vector<RecordId> records;
    for (const Piece& piece : row.pieces) records.push_back(piece.record);
    std::sort(records.begin(), records.end());
    const auto end = std::unique(records.begin(), records.end());
    if (static_cast<uint64_t>(end - records.begin()) > max_group) return {};
  }
  return row.pieces;
}

const std::vector<Piece>& WorkingSet::EvidenceBefore(GroupState& group) {
  if (!group.evidence_before_known) {
    group.evidence_before = Evidence(group, group.before);
    group.evidence_before_known = true;
  }
  return group.evidence_before;
}

std::vector<GroupState*> WorkingSet::GroupsOf(RecordId id, uint16_t identity_key) {
  const RecordState& record = Record(id);
  const KeyRule& key = rules_.keys()[identity_key];
  std::vector<GroupState*> out;
  if (!record.live_now || !key.types.Has(record.now.entity_type)) return out;
  const auto instances = KeyInstances(key, record.now.descriptors, rules_);
  if (!instances.ok()) {
    Fail(instances.status());
    return out;
  }
  for (const KeyInstance& instance : *instances) {
    out.push_back(&Group(record.now.entity_type, identity_key, instance.values));
  }
  return out;
}

void WorkingSet::FlushRecords(store::Batch& batch) const {
  for (const auto& [id, record] : records_) {
    if (!record.written) continue;
    batch.Put(Family::kRecords, store::RecordKey{id}.Encode(), record.now.Encode());
  }
}

void WorkingSet::FlushDerived(store::Batch& batch) const {
  for (const auto& [name, state] : names_) {
    if (state.now == state.before) continue;
    std::string key = store::NameKey{name}.Encode();
    if (state.now.empty()) {
      batch.Delete(Family::kNames, std::move(key));
    } else {
      batch.Put(Family::kNames, std::move(key), state.now.Encode());
    }
  }
  const auto flush_optional = [&](BlockName name, const auto& state) {
    if (state.now == state.before) return;
    std::string key = store::NameKey{name}.Encode();
    if (state.now) {
      batch.Put(Family::kBlocks, std::move(key), state.now->Encode());
    } else {
      batch.Delete(Family::kBlocks, std::move(key));
    }
  };
  for (const auto& [name, state] : blocks_) flush_optional(name, state);
  for (const auto& [name, state] : parts_) flush_optional(name, state);
  for (const auto& [key, group] : groups_) {
    if (group.now.pieces.empty()) {
      if (group.stored) batch.Delete(Family::kGroups, key);
    } else if (!(group.now == group.before)) {
      batch.Put(Family::kGroups, key, group.now.Encode());
    }
  }
}

}  // namespace unirust::resolve
