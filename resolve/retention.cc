#include "resolve/retention.h"

#include <algorithm>
#include <optional>

#include "base/status_macros.h"

namespace unirust::resolve {

using store::Family;

Instant DueAt(const Interval& interval, int64_t ended_before) {
  if (interval.end > kMaxTime - ended_before) return kMaxTime;
  return interval.end + ended_before;
}

std::vector<Instant> DueInstants(const store::RecordRow& record, const Rules& rules) {
  std::vector<Instant> out;
  const std::optional<int64_t> ended_before =
      rules.EndedBefore(record.entity_type, record.perspective);
  if (!ended_before) return out;
  for (const store::StoredDescriptor& d : record.descriptors) {
    const Instant due = DueAt(d.interval, *ended_before);
    if (due != kMaxTime) out.push_back(due);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

size_t RemoveExpired(SymbolId entity_type, SymbolId perspective, const Rules& rules, Instant now,
                     std::vector<store::StoredDescriptor>* descriptors) {
  const std::optional<int64_t> ended_before = rules.EndedBefore(entity_type, perspective);
  if (!ended_before) return 0;
  return std::erase_if(*descriptors, [&](const store::StoredDescriptor& d) {
    return now > DueAt(d.interval, *ended_before);
  });
}

void WriteExpiries(const WorkingSet& rows, store::Batch& batch) {
  if (!rows.rules().HasRetention()) return;
  const auto due = [&](const store::RecordRow& row, bool live) {
    return live ? DueInstants(row, rows.rules()) : std::vector<Instant>();
  };
  std::vector<Instant> changed;
  for (const RecordState& record : rows.records()) {
    if (!record.written) continue;
    const RecordId id = record.id;
    const std::vector<Instant> before = due(record.row.before(), record.live_before);
    const std::vector<Instant> now = due(record.row.now(), record.live_now);
    changed.clear();
    std::set_difference(before.begin(), before.end(), now.begin(), now.end(),
                        std::back_inserter(changed));
    for (const Instant gone : changed) {
      batch.Delete(Family::kExpiries, store::ExpiryKey{gone, id}.Encode());
    }
    changed.clear();
    std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                        std::back_inserter(changed));
    for (const Instant added : changed) {
      batch.Put(Family::kExpiries, store::ExpiryKey{added, id}.Encode(), "");
    }
  }
}

absl::StatusOr<ExpiryStep> NextExpiries(const store::Reader& reader, Instant from, Instant now,
                                        size_t max_records) {
  ExpiryStep out{.records = {}, .expired_at = now, .declared = now};
  size_t of_whole_instants = 0;
  std::optional<Instant> last;
  const auto cursor = reader.Scan(Family::kExpiries, store::ExpiryKey::Prefix(from),
                                  store::ExpiryKey::Prefix(now));
  for (; cursor->Valid(); cursor->Next()) {
    const auto key = store::ExpiryKey::Decode(cursor->key());
    if (!key) return store::Damaged(Family::kExpiries, cursor->key());
    if (last && key->due != *last) of_whole_instants = out.records.size();
    if (out.records.size() == max_records) {
      const bool within = key->due == *last;
      if (within && of_whole_instants > 0) {
        out.records.resize(of_whole_instants);
        out.expired_at = out.declared = *last;  // what is due before `last` goes, what is due at it stays
      } else {
        out.expired_at = *last + 1;
        out.declared = within ? *last : *last + 1;
      }
      break;
    }
    last = key->due;
    out.records.push_back(key->record);
  }
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  std::sort(out.records.begin(), out.records.end());
  out.records.erase(std::unique(out.records.begin(), out.records.end()), out.records.end());
  return out;
}

}  // namespace unirust::resolve
