#include "resolve/entity_batch.h"

#include <algorithm>
#include <tuple>

#include "base/status_macros.h"

namespace unirust::resolve {

using store::Family;

void EntityBatch::Add(RecordId id, store::RecordRow row) {
  entities_.push_back({.name = store::NameOf(id), .ref = {}, .ids = {id}, .records = {}});
  entities_.back().records.push_back(&rows_.emplace_back(std::move(row)));
}

void EntityBatch::Add(BlockName name, store::BlockRow row) {
  constexpr uint32_t kAboveAllLevels = 0x10000;
  entities_.push_back({.name = name, .ref = {}, .ids = {}, .records = {}});
  const absl::Status status = AddKids({entities_.size() - 1, name, kAboveAllLevels}, row);
  static_cast<void>(status);  // no level is that high
}

// Levels strictly decrease on the way down; anything else is damage.
absl::Status EntityBatch::AddKids(const Part& part, const store::BlockRow& row) {
  if (row.level >= part.below) {
    return store::Damaged(Family::kBlocks, store::NameKey{part.name}.Encode());
  }
  for (const BlockName kid : row.kids) {
    (store::IsRecord(kid) ? records_ : blocks_).push_back({part.entity, kid, row.level});
  }
  return absl::OkStatus();
}

absl::Status EntityBatch::Load(Names& names) {
  while (!blocks_.empty()) UNIRUST_RETURN_IF_ERROR(ReadBlocks());
  UNIRUST_RETURN_IF_ERROR(ReadRecords());
  for (Entity& entity : entities_) {
    if (entity.records.empty()) {
      return store::Damaged(Family::kBlocks, store::NameKey{entity.name}.Encode());
    }
    std::vector<std::tuple<std::string_view, std::string_view, RecordId, const RecordRow*>> order;
    for (size_t i = 0; entity.records.size() > 1 && i < entity.records.size(); ++i) {
      const RecordRow* record = entity.records[i];
      order.emplace_back(names.Text(record->perspective), record->uid, entity.ids[i], record);
    }
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size(); ++i) {
      std::tie(std::ignore, std::ignore, entity.ids[i], entity.records[i]) = order[i];
    }
    const Identity first = names.IdentityOf(*entity.records[0]);
    entity.ref.first = entity.ids[0];
    entity.ref.name = RecordName(first);
    entity.ref.entity_type = first.entity_type;
  }
  return names.status();
}

absl::Status EntityBatch::ReadBlocks() {
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

absl::Status EntityBatch::ReadRecords() {
  std::vector<Part> parts = std::exchange(records_, {});
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.name < b.name; });
  std::vector<std::string> keys;
  keys.reserve(parts.size());
  for (const Part& part : parts) {
    keys.push_back(store::RecordKey{store::RecordOf(part.name)}.Encode());
  }
  absl::Status status;
  size_t found = 0;
  UNIRUST_RETURN_IF_ERROR(context_.reader.MultiGet(
      Family::kRecords, keys, [&](size_t i, std::string_view bytes) {
        RecordRow& row = rows_.emplace_back();
        ++found;
        if (!RecordRow::Decode(bytes, &row) || row.retracted) {
          status.Update(store::Damaged(Family::kRecords, keys[i]));
        }
        entities_[parts[i].entity].ids.push_back(store::RecordOf(parts[i].name));
        entities_[parts[i].entity].records.push_back(&row);
      }));
  if (found != parts.size()) status.Update(store::Damaged(Family::kRecords, keys[0]));
  return status;
}

// --- walk ----------------------------------------------------------------------------------------

// Names begin with the slot; within one, those of records come before those of other blocks, and in the order of the
// records' ids. So two scans, merged by name, meet all blocks in the order of their names.
EntityWalk::EntityWalk(const store::Reader& reader, std::string_view after) : position_(after) {
  const auto name = store::NameKey::Decode(after);
  std::string first_name;
  std::string first_record;
  if (name) {
    constexpr uint64_t kInSlot = ~uint64_t{0} >> 10U;  // the last name of a slot has all these bits
    const BlockName last = store::IsRecord(name->name) ? name->name
                                                       : BlockName(name->name.value() | kInSlot);
    first_name = std::string(after) + '\0';
    first_record = store::RecordKey{store::RecordOf(last)}.Encode() + '\0';
  }
  records_ = reader.Scan(Family::kRecords, first_record, "");
  blocks_ = reader.Scan(Family::kBlocks, first_name, "");
  names_ = reader.Scan(Family::kNames, first_name, "");
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
  batch->Add(store::RecordKey::Decode(records_->key())->record, std::move(row));
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
  batch->Add(key->name, std::move(row));
  return true;
}

absl::Status EntityWalk::status() const {
  absl::Status status = damage_;
  for (const auto* cursor : {&records_, &blocks_, &names_}) status.Update((*cursor)->status());
  return status;
}

}  // namespace unirust::resolve
