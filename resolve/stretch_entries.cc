#include "resolve/stretch_entries.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/conflicts.h"

namespace unirust::resolve {

using store::Family;
using store::HeldValueKey;
using store::HeldValueRow;
using store::StretchKey;
using store::StretchRow;
using store::Voice;

std::string KeyOfStretch(const Voice& voice, Instant start) {
  return StretchKey{voice, StretchKey::Part::kStretch, start}.Encode();
}

std::string FirstRecordsKey(const Voice& voice, Instant start) {
  return StretchKey{voice, StretchKey::Part::kFirstRecords, start}.Encode();
}

StretchEntries EntriesOf(const Voice& voice, SymbolId entity_type, Instant start,
                         const StretchRow& stretch, const Rules& rules, Names& names) {
  StretchEntries out;
  if (stretch.values < 2) return out;
  const Identity first{names.Text(entity_type), names.Text(stretch.first.perspective),
                       stretch.first.uid};
  store::ConflictKey key{.kind = ConflictKind::kDirect,
                         .attribute = names.Text(voice.attribute),
                         .interval = {start, stretch.end},
                         .cause = "",
                         .first_record = RecordName(first),
                         .owner = OwnerInKeys(store::ConflictOwnerKey::Entity(voice.entity)),
                         .ordinal = ~voice.perspective.value()};  // small entities count theirs from 0
  const bool all = voice.perspective == SymbolId();
  if (all) out.keys.push_back(key.Encode());
  key.kind = ConflictKind::kConstraintViolation;
  for (const ConstraintRule& rule : rules.constraints()) {
    if (rule.attribute != voice.attribute || !rule.types.Has(entity_type)) continue;
    if (rule.within_perspective == all) continue;
    key.cause = rule.name;
    out.keys.push_back(key.Encode());
  }
  const uint64_t listed = std::min<uint64_t>(stretch.records, limits::kConflictNamesMax);
  out.edges = out.keys.size() * (listed - 1);
  return out;
}

namespace {

// Each value that is held at some time of the interval, in the order of the keys.
absl::Status ReadValues(const store::Reader& reader, const Voice& voice, const Interval& interval,
                        PageBudget* budget, std::vector<std::string>* out) {
  std::string prefix;
  voice.AppendTo(&prefix);
  const auto cursor = reader.ScanPrefix(Family::kHeldValues, prefix);
  while (cursor->Valid()) {
    budget->Read(cursor->key().size() + cursor->value().size());
    const auto key = HeldValueKey::Decode(cursor->key());
    HeldValueRow row;
    if (!key || !HeldValueRow::Decode(cursor->value(), &row)) {
      return store::Damaged(Family::kHeldValues, cursor->key());
    }
    if (!Overlaps(key->interval, interval)) {
      cursor->Next();
      continue;
    }
    const auto verbatim = store::VerbatimValues(key->value, 1);
    out->push_back(verbatim ? verbatim->front() : row.value);
    cursor->Seek(PrefixEnd(HeldValueKey::Prefix(voice, key->value)));
  }
  return cursor->status();
}

template <typename Row>
absl::Status ReadRow(const store::Reader& reader, const std::string& key, Row* row) {
  std::string bytes;
  UNIRUST_ASSIGN_OR_RETURN(const bool found, reader.Get(Family::kStretches, key, &bytes));
  if (!found || !Row::Decode(bytes, row)) return store::Damaged(Family::kStretches, key);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadStretch(const ReadContext& context, const Voice& voice, PageBudget* budget,
                         Conflict* entry) {
  const Instant start = entry->interval.start;
  StretchRow stretch;
  UNIRUST_RETURN_IF_ERROR(ReadRow(context.reader, KeyOfStretch(voice, start), &stretch));
  store::FirstRecordsRow list;
  UNIRUST_RETURN_IF_ERROR(ReadRow(context.reader, FirstRecordsKey(voice, start), &list));
  Names names(*context.interner);
  for (const FirstRecord& record : list.records) {
    if (entry->records.size() == limits::kConflictNamesMax) break;
    entry->records.push_back({entry->entity_type, names.Text(record.perspective), record.uid});
  }
  entry->record_count = stretch.records;
  UNIRUST_RETURN_IF_ERROR(
      ReadValues(context.reader, voice, entry->interval, budget, &entry->values));
  std::sort(entry->values.begin(), entry->values.end());
  return names.status();
}

absl::StatusOr<std::vector<std::string>> EntriesOfLarge(const ReadContext& context,
                                                        BlockName entity, SymbolId entity_type) {
  Names names(*context.interner);
  std::vector<std::string> out;
  const auto cursor = context.reader.ScanPrefix(Family::kStretches, StretchKey::Prefix(entity));
  for (; cursor->Valid(); cursor->Next()) {
    const auto key = StretchKey::Decode(cursor->key());
    if (!key) return store::Damaged(Family::kStretches, cursor->key());
    if (key->part != StretchKey::Part::kStretch) continue;
    StretchRow row;
    if (!StretchRow::Decode(cursor->value(), &row)) {
      return store::Damaged(Family::kStretches, cursor->key());
    }
    StretchEntries entries =
        EntriesOf(key->voice, entity_type, key->start, row, *context.rules, names);
    std::move(entries.keys.begin(), entries.keys.end(), std::back_inserter(out));
  }
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  UNIRUST_RETURN_IF_ERROR(names.status());
  return out;
}

}  // namespace unirust::resolve
