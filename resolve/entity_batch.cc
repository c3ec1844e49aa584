#include "resolve/entity_batch.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::resolve {
namespace {

constexpr size_t kBytesOfRecordExpected = 128;
// Rows passed over for each one that is sought, up to which walking costs less than looking up.
constexpr size_t kRowsPassedMax = 12;
constexpr size_t kMembersAtOnce = 1024;  // looked up between two looks at the memory

}  // namespace

using store::Family;

void EntityBatch::Clear() {
  entities_.clear();
  members_.clear();
  bytes_.clear();
  blocks_.clear();
  sought_.clear();
  records_ = 0;
  if (bytes_.capacity() > 2 * bytes_max_) bytes_ = std::string();
  if (rows_.size() > limits::kLargeEntityRecordsMin) rows_ = std::deque<store::RecordRow>();
}

void EntityBatch::Reserve() {
  bytes_.reserve(bytes_max_);
  members_.reserve(bytes_max_ / kBytesOfRecordExpected);
}

void EntityBatch::Add(RecordId id, std::string_view row) {
  entities_.push_back({.name = store::NameOf(id)});
  AddRow(static_cast<uint32_t>(entities_.size() - 1), id, row);
  ++records_;
}

void EntityBatch::Add(BlockName name, const store::BlockRow& row) {
  constexpr uint32_t kAboveAllLevels = 0x10000;
  entities_.push_back({.name = name});
  const Part part{static_cast<uint32_t>(entities_.size() - 1), name, kAboveAllLevels};
  records_ += std::max<uint64_t>(row.records, 1);
  if (row.large) {
    blocks_.push_back(part);
  } else {
    for (const BlockName kid : row.kids) AddKid(part, row.level, kid);
  }
}

// Levels strictly decrease on the way down; anything else is damage.
absl::Status EntityBatch::AddKids(const Part& part, const store::BlockRow& row) {
  if (row.level >= part.below) {
    return store::Damaged(Family::kBlocks, store::NameKey{part.name}.Encode());
  }
  for (const BlockName kid : row.kids) AddKid(part, row.level, kid);
  if (!row.large) return absl::OkStatus();
  const auto cursor = context_.reader.ScanPrefix(Family::kKids, store::KidKey::Prefix(part.name));
  for (; cursor->Valid(); cursor->Next()) {
    const auto key = store::KidKey::Decode(cursor->key());
    if (!key) return store::Damaged(Family::kKids, cursor->key());
    AddKid(part, row.level, key->kid);
  }
  return cursor->status();
}

void EntityBatch::AddKid(const Part& part, uint16_t level, BlockName kid) {
  if (store::IsRecord(kid)) {
    sought_.push_back({.entity = part.entity, .id = store::RecordOf(kid)});
  } else {
    blocks_.push_back({part.entity, kid, level});
  }
}

void EntityBatch::AddRow(uint32_t entity, RecordId id, std::string_view row) {
  members_.push_back({.entity = entity,
                      .id = id,
                      .size = static_cast<uint32_t>(row.size()),
                      .offset = bytes_.size()});
  bytes_.append(row);
}

size_t EntityBatch::bytes() const {
  return bytes_.size() + entities_.size() * sizeof(Place) +
         members_.size() * sizeof(Member) + sought_.size() * sizeof(Sought) +
         blocks_.size() * sizeof(Part);
}

bool EntityBatch::Fits() const {
  return entities_.size() == 1 || bytes() <= bytes_max_;
}

absl::StatusOr<bool> EntityBatch::Load() {
  while (!blocks_.empty()) {
    if (!Fits()) return false;
    UNIRUST_RETURN_IF_ERROR(ReadNextBlocks());
  }
  UNIRUST_ASSIGN_OR_RETURN(const bool fits, ReadRecords());
  if (fits) UNIRUST_RETURN_IF_ERROR(Complete());
  return fits;
}

absl::Status EntityBatch::ReadBlocks() {
  while (!blocks_.empty()) UNIRUST_RETURN_IF_ERROR(ReadNextBlocks());
  return absl::OkStatus();
}

absl::Status EntityBatch::Complete() {
  std::sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) {
    return std::tie(a.entity, a.id) < std::tie(b.entity, b.id);
  });
  size_t next = 0;
  for (size_t i = 0; i < entities_.size(); ++i) {
    entities_[i].first_member = next;
    while (next < members_.size() && members_[next].entity == i) ++next;
    if (next == entities_[i].first_member) {
      return store::Damaged(Family::kBlocks, store::NameKey{entities_[i].name}.Encode());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<const Entity*> EntityBatch::Get(size_t i, Names& names) {
  const size_t first = entities_[i].first_member;
  const size_t last = i + 1 < entities_.size() ? entities_[i + 1].first_member : members_.size();
  if (rows_.size() < last - first) rows_.resize(last - first);
  order_.clear();
  for (size_t m = first; m < last; ++m) {
    const Member& member = members_[m];
    RecordRow& row = rows_[m - first];
    if (!RecordRow::Decode(Row(member), &row) || row.retracted) {
      return store::Damaged(Family::kRecords, store::RecordKey{member.id}.Encode());
    }
    order_.push_back({names.Text(row.perspective), &row, member.id});
  }
  std::sort(order_.begin(), order_.end(), [](const Ordered& a, const Ordered& b) {
    return std::tie(a.perspective, a.row->uid, a.id) < std::tie(b.perspective, b.row->uid, b.id);
  });
  entity_.name = entities_[i].name;
  entity_.ids.clear();
  entity_.records.clear();
  for (const Ordered& member : order_) {
    entity_.ids.push_back(member.id);
    entity_.records.push_back(member.row);
  }
  UNIRUST_RETURN_IF_ERROR(names.status());
  return &entity_;
}

absl::Status EntityBatch::ReadNextBlocks() {
  std::vector<Part> parts = std::exchange(blocks_, {});
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.name < b.name; });
  std::vector<std::string> keys;
  keys.reserve(parts.size());
  for (const Part& part : parts) keys.push_back(store::NameKey{part.name}.Encode());
  absl::Status status;
  size_t found = 0;
  UNIRUST_RETURN_IF_ERROR(context_.reader.MultiGet(
      Family::kBlocks, keys, [&](size_t i, std::string_view bytes) {
        store::BlockRow row;
        ++found;
        status.Update(store::BlockRow::Decode(bytes, &row)
                          ? AddKids(parts[i], row)
                          : store::Damaged(Family::kBlocks, keys[i]));
      }));
  if (found != parts.size()) status.Update(store::Damaged(Family::kBlocks, keys[0]));
  return status;
}

absl::StatusOr<bool> EntityBatch::ReadRecords() {
  std::sort(sought_.begin(), sought_.end(),
            [](const Sought& a, const Sought& b) { return a.id < b.id; });
  const size_t known = members_.size();
  UNIRUST_ASSIGN_OR_RETURN(size_t next, ReadNeighbours());
  while (next < sought_.size()) {
    if (!Fits()) return false;
    const size_t first = next;
    std::vector<std::string> keys;
    for (; next < sought_.size() && next - first < kMembersAtOnce; ++next) {
      keys.push_back(store::RecordKey{sought_[next].id}.Encode());
    }
    UNIRUST_RETURN_IF_ERROR(context_.reader.MultiGet(
        Family::kRecords, keys,
        [&](size_t i, std::string_view row) {
          AddRow(sought_[first + i].entity, sought_[first + i].id, row);
        }));
  }
  if (!Fits()) return false;
  if (members_.size() - known != sought_.size()) {
    return store::Damaged(Family::kRecords, store::RecordKey{sought_[0].id}.Encode());
  }
  sought_.clear();
  return true;
}

absl::StatusOr<size_t> EntityBatch::ReadNeighbours() {
  if (sought_.empty()) return 0;
  const auto rows = context_.reader.Scan(Family::kRecords,
                                         store::RecordKey{sought_[0].id}.Encode(), "");
  size_t passed = 0;
  size_t next = 0;
  for (; next < sought_.size() && Fits(); ++next) {
    const std::string key = store::RecordKey{sought_[next].id}.Encode();
    for (; rows->Valid() && rows->key() < key; rows->Next()) {
      if (++passed > kRowsPassedMax * (next + 1)) return next;
    }
    if (!rows->Valid() || rows->key() != key) break;
    AddRow(sought_[next].entity, sought_[next].id, rows->value());
  }
  UNIRUST_RETURN_IF_ERROR(rows->status());
  return next;
}

// --- walk ----------------------------------------------------------------------------------------

// Names begin with the slot; within one, those of records come before those of other blocks, and in the order of the
// records' ids. So two scans, merged by name, meet all blocks in the order of their names.
EntityWalk::EntityWalk(const store::Reader& reader, std::string_view after, SlotRange slots)
    : position_(after) {
  // Where a slot begins; empty behind the last one.
  const auto first_record_of = [](uint32_t slot) -> std::string {
    if (slot == limits::kSlots) return "";
    return store::RecordKey{
        store::RecordAddress{.slot = static_cast<uint16_t>(slot), .position = 0}.Id()}.Encode();
  };
  const auto first_name_of = [&](uint32_t slot) -> std::string {
    const auto key = store::RecordKey::Decode(first_record_of(slot));
    return key ? store::NameKey{store::NameOf(key->record)}.Encode() : "";
  };
  std::string first_name = first_name_of(slots.first);
  std::string first_record = first_record_of(slots.first);
  if (const auto name = store::NameKey::Decode(after)) {
    constexpr uint64_t kInSlot = (uint64_t{1} << kBitsInSlot) - 1;  // the last name has all these bits
    const BlockName last = store::IsRecord(name->name) ? name->name
                                                       : BlockName(name->name.value() | kInSlot);
    first_name = std::string(after) + '\0';
    first_record = store::RecordKey{store::RecordOf(last)}.Encode() + '\0';
  }
  records_ = reader.Scan(Family::kRecords, first_record, first_record_of(slots.end));
  blocks_ = reader.Scan(Family::kBlocks, first_name, first_name_of(slots.end));
  names_ = reader.Scan(Family::kNames, first_name, first_name_of(slots.end));
}

bool EntityWalk::Next(EntityBatch* batch) {
  while (damage_.ok() && (records_->Valid() || blocks_->Valid())) {
    std::string record_name;
    if (records_->Valid()) {
      const auto key = store::RecordKey::Decode(records_->key());
      if (!key) {
        damage_ = store::Damaged(Family::kRecords, records_->key());
        break;
      }
      record_name = store::NameKey{store::NameOf(key->record)}.Encode();
    }
    const bool is_record =
        !blocks_->Valid() || (records_->Valid() && record_name < blocks_->key());
    position_ = is_record ? std::move(record_name) : std::string(blocks_->key());
    const bool found = !IsKid(position_) && (is_record ? AddRecord(batch) : AddBlock(batch));
    (is_record ? records_ : blocks_)->Next();
    if (found) return true;
  }
  return false;
}

bool EntityWalk::IsKid(std::string_view key) {
  constexpr int kStepsMax = 16;  // most names have a row, so what is sought is near
  for (int step = 0; names_->Valid() && names_->key() < key; ++step) {
    if (step < kStepsMax) {
      names_->Next();
    } else {
      names_->Seek(key);
    }
  }
  if (!names_->Valid() || names_->key() != key) return false;
  store::NameRow row;
  if (!store::NameRow::Decode(names_->value(), &row)) {
    damage_ = store::Damaged(Family::kNames, key);
    return true;
  }
  return row.up_level != 0;
}

bool EntityWalk::AddRecord(EntityBatch* batch) {
  store::RecordRow row;
  if (!store::RecordRow::Decode(records_->value(), &row)) {
    damage_ = store::Damaged(Family::kRecords, records_->key());
    return false;
  }
  if (row.retracted) return false;
  batch->Add(store::RecordKey::Decode(records_->key())->record, records_->value());
  return true;
}

bool EntityWalk::AddBlock(EntityBatch* batch) {
  store::PartRow part;
  if (store::PartRow::Decode(blocks_->value(), &part)) return false;
  const auto key = store::NameKey::Decode(blocks_->key());
  store::BlockRow row;
  if (!key || !store::BlockRow::Decode(blocks_->value(), &row)) {
    damage_ = store::Damaged(Family::kBlocks, blocks_->key());
    return false;
  }
  batch->Add(key->name, row);
  return true;
}

absl::Status EntityWalk::status() const {
  absl::Status status = damage_;
  for (const auto* cursor : {&records_, &blocks_, &names_}) status.Update((*cursor)->status());
  return status;
}

}  // namespace unirust::resolve
