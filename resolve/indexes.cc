#include "resolve/indexes.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace unirust::resolve {
namespace {

using store::Family;

struct IndexRow {
  Family family;
  std::string key;
  std::string value;
  auto Tie() const { return std::tie(family, key, value); }
  friend bool operator<(const IndexRow& a, const IndexRow& b) { return a.Tie() < b.Tie(); }
};

std::vector<IndexRow> RowsOf(RecordId id, const RecordRow& record, bool live) {
  std::vector<IndexRow> out;
  if (!live) return out;
  ForEachIndexRow(id, record,
                  [&](Family family, const std::string& key, const std::string& value) {
                    out.push_back({family, key, value});
                  });
  std::sort(out.begin(), out.end());
  return out;
}

bool HasKey(const std::vector<IndexRow>& sorted, const IndexRow& row) {
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), IndexRow{row.family, row.key, ""});
  return it != sorted.end() && it->family == row.family && it->key == row.key;
}

// Writes the rows of `now` that are not in `before`, deletes the keys of `before` that are not in `now`.
void WriteDifference(const std::vector<IndexRow>& before, const std::vector<IndexRow>& now,
                     store::Batch& batch) {
  for (const IndexRow& row : before) {
    if (!HasKey(now, row)) batch.Delete(row.family, row.key);
  }
  for (const IndexRow& row : now) {
    if (!std::binary_search(before.begin(), before.end(), row)) {
      batch.Put(row.family, row.key, row.value);
    }
  }
}

}  // namespace

std::vector<store::SourceKey> SourceKeys(RecordId id, const RecordRow& record) {
  std::vector<Interval> times;
  for (const store::StoredDescriptor& d : record.descriptors) times.push_back(d.interval);
  if (times.empty()) times.emplace_back();
  std::vector<store::SourceKey> out;
  for (const Interval& time : Coalesce(std::move(times))) {
    out.push_back({record.entity_type, record.perspective, time, id});
  }
  return out;
}

void ForEachIndexRow(RecordId id, const RecordRow& record, const IndexRowVisitor& visit) {
  for (const store::SourceKey& key : SourceKeys(id, record)) {
    visit(Family::kSources, key.Encode(), std::string());
  }
  const std::string row =
      store::AttributeValueRow{record.entity_type, record.perspective}.Encode();
  for (const store::StoredDescriptor& d : record.descriptors) {
    const store::AttributeValueKey key{.attribute = d.attribute,
                                       .value = store::EncodeValue(d.value),
                                       .interval = d.interval,
                                       .record = id};
    visit(Family::kAttributeValues, key.Encode(), row);
  }
}

void WriteIndexes(const WorkingSet& rows, store::Batch& batch) {
  for (const RecordState& record : rows.records()) {
    if (!record.written) continue;
    const RecordId id = record.id;
    if (!record.live_before && record.live_now) {
      ForEachIndexRow(id, record.row.now(),
                      [&](Family family, const std::string& key, const std::string& value) {
                        batch.Put(family, key, value);
                      });
    } else {
      WriteDifference(RowsOf(id, record.row.before(), record.live_before),
                      RowsOf(id, record.row.now(), record.live_now), batch);
    }
  }
}

}  // namespace unirust::resolve
