#include "resolve/indexes.h"

#include <map>
#include <string>
#include <utility>

namespace unirust::resolve {
namespace {

using store::Family;

using IndexRows = std::map<std::pair<Family, std::string>, std::string>;

IndexRows RowsOf(RecordId id, const RecordRow& record) {
  IndexRows out;
  out[{Family::kSources, store::SourceKey{record.entity_type, record.perspective, id}.Encode()}];
  for (const store::StoredDescriptor& d : record.descriptors) {
    const store::AttributeValueKey key{
        .attribute = d.attribute,
        .value = store::EncodeValues({d.value}),
        .level = store::AttributeValueKey::LevelOf(d.interval),
        .start = d.interval.start,
        .record = id};
    out[{Family::kAttributeValues, key.Encode()}] =
        store::AttributeValueRow{d.interval.end, record.entity_type, record.perspective}.Encode(
            d.interval.start);
  }
  return out;
}

}  // namespace

void WriteIndexes(const WorkingSet& rows, store::Batch& batch) {
  for (const auto& [id, record] : rows.records()) {
    if (!record.written) continue;
    const IndexRows before = record.live_before ? RowsOf(id, record.before) : IndexRows();
    IndexRows now = record.live_now ? RowsOf(id, record.now) : IndexRows();
    for (const auto& [key, value] : before) {
      const auto it = now.find(key);
      if (it == now.end()) {
        batch.Delete(key.first, key.second);
      } else if (it->second == value) {
        now.erase(it);
      }
    }
    for (auto& [key, value] : now) batch.Put(key.first, key.second, std::move(value));
  }
}

}  // namespace unirust::resolve
