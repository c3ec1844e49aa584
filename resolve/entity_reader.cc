#include "resolve/entity_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/evidence.h"
#include "resolve/golden.h"

namespace unirust::resolve {
namespace {

constexpr size_t kKidsPreloadedMax = 64;  // of a block: a page that ends early has read little in vain

}  // namespace

Record ToRecord(const RecordRow& row, Names& names) {
  Record out;
  out.identity = names.IdentityOf(row);
  out.version = row.version;
  out.descriptors.reserve(row.descriptors.size());
  for (const store::StoredDescriptor& d : row.descriptors) {
    out.descriptors.push_back({names.Text(d.attribute), d.value, d.interval});
  }
  return out;
}

absl::StatusOr<std::optional<RecordId>> EntityReader::Find(const Identity& identity) {
  interner::Interner& symbols = names_.interner();
  UNIRUST_ASSIGN_OR_RETURN(const auto type, symbols.Find(identity.entity_type));
  UNIRUST_ASSIGN_OR_RETURN(const auto perspective, symbols.Find(identity.perspective));
  if (!type || !perspective) return std::nullopt;
  return rows_.FindRecord(identity, *type, *perspective);
}

BlockName EntityReader::EntityOf(RecordId record) {
  return rows_.BlockNow(store::NameOf(record), rows_.rules().levels());
}

absl::StatusOr<Entity> EntityReader::Load(BlockName name) {
  std::vector<std::tuple<std::string, std::string_view, RecordId>> order;
  for (const RecordId id : rows_.RecordsNow(name)) {
    const RecordRow& row = rows_.Record(id).row.now();
    order.emplace_back(names_.Text(row.perspective), row.uid, id);
  }
  UNIRUST_RETURN_IF_ERROR(status());
  if (order.empty()) {
    return store::Damaged(store::Family::kBlocks, store::NameKey{name}.Encode());
  }
  std::sort(order.begin(), order.end());
  Entity out;
  out.name = name;
  for (const auto& [perspective, uid, id] : order) {
    out.ids.push_back(id);
    out.records.push_back(&rows_.Record(id).row.now());
  }
  const Identity first = names_.IdentityOf(*out.records[0]);
  out.ref = {.first = out.ids[0],
             .name = RecordName(first),
             .entity_type = first.entity_type,
             .strongest_key = StrongestKey(out.records)};
  UNIRUST_RETURN_IF_ERROR(status());
  return out;
}

void EntityReader::PreloadEntitiesOf(std::span<const RecordId> records) {
  std::vector<BlockName> names;
  for (const RecordId id : records) names.push_back(store::NameOf(id));
  for (uint16_t step = 0; step <= rows_.rules().levels() && !names.empty(); ++step) {
    rows_.PreloadNames(names);
    std::vector<BlockName> above;
    for (const BlockName name : names) {
      const NameRow& row = rows_.Name(name).now;
      if (row.up_level != 0) above.push_back(row.up);
    }
    names = std::move(above);
  }
}

void EntityReader::PreloadRecordsOf(std::span<const BlockName> entities) {
  std::vector<RecordId> records;
  std::vector<BlockName> blocks;
  const auto add = [&](BlockName name) {
    if (store::IsRecord(name)) {
      records.push_back(store::RecordOf(name));
    } else {
      blocks.push_back(name);
    }
  };
  for (const BlockName entity : entities) add(entity);
  for (uint16_t step = 0; step < rows_.rules().levels() && !blocks.empty(); ++step) {
    rows_.PreloadBlocks(blocks);
    for (const BlockName block : std::exchange(blocks, {})) {
      const BlockRow& row = rows_.Block(block).now();
      if (row.large || row.kids.size() > kKidsPreloadedMax) continue;
      for (const BlockName kid : row.kids) add(kid);
    }
  }
  rows_.PreloadRecords(records);
}

void EntityReader::PreloadNamesOf(std::span<const BlockName> entities) {
  std::vector<BlockName> blocks;
  for (const BlockName entity : entities) {
    if (!store::IsRecord(entity)) blocks.push_back(entity);
  }
  rows_.PreloadBlocks(blocks);
  std::vector<RecordId> firsts;
  for (const BlockName entity : entities) firsts.push_back(rows_.FirstNow(entity).id);
  rows_.PreloadRecords(firsts);
}

absl::StatusOr<std::string> EntityReader::NameOfEntity(BlockName entity) {
  const RecordState& first = rows_.Record(rows_.FirstNow(entity).id);
  UNIRUST_RETURN_IF_ERROR(rows_.status());
  const std::string name = RecordName(names_.IdentityOf(first.row.now()));
  UNIRUST_RETURN_IF_ERROR(status());
  return name;
}

absl::StatusOr<RecordView> EntityReader::View(RecordId id) {
  RecordView out{
      .id = id, .record = ToRecord(rows_.Record(id).row.now(), names_), .entity_name = {}};
  UNIRUST_RETURN_IF_ERROR(status());
  return out;
}

absl::StatusOr<EntityView> EntityReader::View(const Entity& entity) {
  EntityView out{.ref = entity.ref,
                 .golden = Golden(entity.records, rows_.rules(), names_),
                 .records = {}};
  for (size_t i = 0; i < entity.ids.size(); ++i) {
    out.records.push_back({.id = entity.ids[i],
                           .record = ToRecord(*entity.records[i], names_),
                           .entity_name = entity.ref.name});
  }
  UNIRUST_RETURN_IF_ERROR(status());
  return out;
}

std::string EntityReader::StrongestKey(const std::vector<const RecordRow*>& records) {
  for (const KeyRule& key : rows_.rules().keys()) {
    for (const RecordRow* record : records) {
      if (!key.types.Has(record->entity_type)) continue;
      const auto instances = KeyInstances(key, record->descriptors, rows_.rules());
      if (!instances.ok()) rows_.Fail(instances.status());
      if (instances.ok() && !instances->empty()) return key.name;
    }
  }
  return {};
}

}  // namespace unirust::resolve
