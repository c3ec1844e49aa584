#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "model/record.h"
#include "resolve/indexes.h"
#include "resolve/set_digest.h"
#include "resolve/verify.h"
#include "store/symbols.h"

namespace unirust::resolve {
namespace {

using store::Family;

constexpr Family kIndexes[] = {Family::kAttributeValues, Family::kSources};
constexpr uint64_t kProgressRows = 100000;

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

class RecordVerifier {
 public:
  RecordVerifier(const ReadContext& context, VerifyReport& report)
      : reader_(context.reader), interner_(*context.interner), report_(report) {}

  absl::Status Probe(uint32_t probes) {
    const auto records = reader_.Scan(Family::kRecords, "", "");
    for (uint64_t i = 0; i < probes; ++i) {
      const RecordId from(static_cast<uint32_t>((i << 32U) / probes));
      records->Seek(store::RecordKey{from}.Encode());
      if (!records->Valid()) break;
      UNIRUST_RETURN_IF_ERROR(TakeRecord(*records));
      UNIRUST_RETURN_IF_ERROR(NameMissingEntries(*records));
    }
    UNIRUST_RETURN_IF_ERROR(records->status());
    for (const Family index : kIndexes) UNIRUST_RETURN_IF_ERROR(ProbeIndex(index, probes));
    return absl::OkStatus();
  }

  absl::Status Run(uint64_t live_records) {
    UNIRUST_RETURN_IF_ERROR(WalkRecords());
    if (live_ != live_records) {
      report_.Fault("meta: the counters tell of " + std::to_string(live_records) +
                    " live records; there are " + std::to_string(live_));
    }
    bool equal = true;
    for (const Family index : kIndexes) {
      UNIRUST_ASSIGN_OR_RETURN(const SetDigest stored, WalkIndex(index));
      equal = equal && stored == DigestOf(index);
    }
    if (equal) return absl::OkStatus();
    UNIRUST_RETURN_IF_ERROR(NameMissingEntries());
    for (const Family index : kIndexes) UNIRUST_RETURN_IF_ERROR(NameForeignEntries(index));
    return absl::OkStatus();
  }

 private:
  SetDigest& DigestOf(Family index) { return digests_[index == Family::kSources ? 1 : 0]; }

  // Each record: its bytes, its address, and what the indexes should have of it.
  absl::Status WalkRecords() {
    uint64_t rows = 0;
    const auto cursor = reader_.Scan(Family::kRecords, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      if (++rows % kProgressRows == 0) report_.Progress("records", rows);
      UNIRUST_RETURN_IF_ERROR(TakeRecord(*cursor));
    }
    return cursor->status();
  }

  absl::Status TakeRecord(const store::Cursor& cursor) {
    const auto key = store::RecordKey::Decode(cursor.key());
    RecordRow record;
    if (!key || !RecordRow::Decode(cursor.value(), &record) || record.Encode() != cursor.value()) {
      report_.Fault(TextOf(store::Damaged(Family::kRecords, cursor.key())));
      return absl::OkStatus();
    }
    if (record.erased()) return absl::OkStatus();
    UNIRUST_RETURN_IF_ERROR(CheckRecord(key->record, record));
    if (record.retracted) return absl::OkStatus();
    ++live_;
    ForEachIndexRow(key->record, record,
                    [&](Family index, const std::string& row, const std::string& value) {
                      DigestOf(index).Add(row, value);
                    });
    return absl::OkStatus();
  }

  absl::Status CheckRecord(RecordId id, const RecordRow& record) {
    Names names(interner_);
    const Identity identity = names.IdentityOf(record);
    std::vector<Descriptor> descriptors;
    for (const store::StoredDescriptor& d : record.descriptors) {
      descriptors.push_back({names.Text(d.attribute), d.value, d.interval});
    }
    if (!names.status().ok()) {
      if (!absl::IsDataLoss(names.status())) return names.status();
      report_.Fault("records: record id " + std::to_string(id.value()) + " (" +
                    RecordName(identity) + ") has a name that is no symbol");
      return absl::OkStatus();
    }
    std::vector<Descriptor> normal = descriptors;
    Normalize(normal);
    if (normal != descriptors) {
      report_.Fault("records: the descriptors of " + RecordName(identity) +
                    " are not in canonical order, or not coalesced");
    }
    return CheckAddress(id, identity);
  }

  // An identity is found at its first address or behind a row of others.
  absl::Status CheckAddress(RecordId id, const Identity& identity) {
    store::RecordAddress address =
        store::FirstAddress(identity.entity_type, identity.perspective, identity.uid);
    std::string row;
    for (uint32_t i = 0; i < limits::kRecordsPerSlotMax; ++i, address = address.Next()) {
      if (address.Id() == id) return absl::OkStatus();
      UNIRUST_ASSIGN_OR_RETURN(
          const bool taken,
          reader_.Get(Family::kRecords, store::RecordKey{address.Id()}.Encode(), &row));
      if (!taken) break;
    }
    report_.Fault("records: " + RecordName(identity) + " is stored where it is not looked for");
    return absl::OkStatus();
  }

  absl::StatusOr<SetDigest> WalkIndex(Family index) {
    SetDigest out;
    const auto cursor = reader_.Scan(index, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      out.Add(cursor->key(), cursor->value());
      if (out.rows() % kProgressRows == 0) report_.Progress(store::FamilyName(index), out.rows());
    }
    UNIRUST_RETURN_IF_ERROR(cursor->status());
    return out;
  }

  absl::Status NameMissingEntries() {
    const auto cursor = reader_.Scan(Family::kRecords, "", "");
    for (; cursor->Valid(); cursor->Next()) UNIRUST_RETURN_IF_ERROR(NameMissingEntries(*cursor));
    return cursor->status();
  }

  // Of the record that the cursor is on.
  absl::Status NameMissingEntries(const store::Cursor& cursor) {
    const auto key = store::RecordKey::Decode(cursor.key());
    RecordRow record;
    if (!key || !RecordRow::Decode(cursor.value(), &record) || record.retracted) {
      return absl::OkStatus();
    }
    absl::Status status;
    ForEachIndexRow(key->record, record,
                    [&](Family index, const std::string& row, const std::string& value) {
                      std::string stored;
                      const auto found = reader_.Get(index, row, &stored);
                      if (!found.ok()) status = found.status();
                      if (!found.ok() || (*found && stored == value)) return;
                      report_.Fault(std::string(store::FamilyName(index)) + ": the entry " +
                                    HexOf(row) + " of " + NameOf(record) + " is " +
                                    (*found ? "wrong" : "missing"));
                    });
    return status;
  }

  absl::Status NameForeignEntries(Family index) {
    const auto cursor = reader_.Scan(index, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      UNIRUST_RETURN_IF_ERROR(NameIfForeign(index, cursor->key()));
    }
    return cursor->status();
  }

  absl::Status NameIfForeign(Family index, std::string_view entry) {
    UNIRUST_ASSIGN_OR_RETURN(const bool owned, HasOwner(index, entry));
    if (!owned) {
      report_.Fault(std::string(store::FamilyName(index)) + ": the entry " + HexOf(entry) +
                    " is of no record");
    }
    return absl::OkStatus();
  }

  // Keys begin with a symbol; those of the sample are spread over the symbols that are there.
  absl::Status ProbeIndex(Family index, uint32_t probes) {
    const auto cursor = reader_.Scan(index, "", "");
    cursor->SeekToLast();
    if (!cursor->Valid()) return cursor->status();
    const uint64_t last = HeadOf(cursor->key());
    for (uint64_t i = 0; i < probes; ++i) {
      std::string from;
      AppendBig64(&from, last / probes * i);
      cursor->Seek(from);
      if (!cursor->Valid()) break;
      UNIRUST_RETURN_IF_ERROR(NameIfForeign(index, cursor->key()));
    }
    return cursor->status();
  }

  absl::StatusOr<bool> HasOwner(Family index, std::string_view entry) {
    RecordId id;
    if (index == Family::kSources) {
      const auto key = store::SourceKey::Decode(entry);
      if (key) id = key->record;
    } else {
      const auto key = store::AttributeValueKey::Decode(entry);
      if (key) id = key->record;
    }
    std::string bytes;
    UNIRUST_ASSIGN_OR_RETURN(
        const bool found, reader_.Get(Family::kRecords, store::RecordKey{id}.Encode(), &bytes));
    RecordRow record;
    if (!found || !RecordRow::Decode(bytes, &record) || record.retracted) return false;
    bool owned = false;
    ForEachIndexRow(id, record, [&](Family family, const std::string& row, const std::string&) {
      owned = owned || (family == index && row == entry);
    });
    return owned;
  }

  std::string NameOf(const RecordRow& record) {
    return RecordName(Names(interner_).IdentityOf(record));
  }

  static std::string HexOf(std::string_view bytes) {
    return absl::BytesToHexString(std::string(bytes.substr(0, 64)));
  }

  const store::Reader& reader_;
  interner::Interner& interner_;
  VerifyReport& report_;
  uint64_t live_ = 0;
  SetDigest digests_[2];
};

}  // namespace

absl::Status VerifyRecords(const ReadContext& context, uint64_t live_records,
                           VerifyReport& report) {
  return RecordVerifier(context, report).Run(live_records);
}

absl::Status ProbeRecords(const ReadContext& context, uint32_t probes, VerifyReport& report) {
  return RecordVerifier(context, report).Probe(probes);
}

absl::Status VerifySymbols(const store::Reader& reader, VerifyReport& report) {
  SetDigest by_text;
  SetDigest by_id;
  uint32_t last = 0;
  const auto cursor = reader.Scan(Family::kSymbols, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    const std::optional<store::SymbolRow> row = store::DecodeSymbol(cursor->key(), cursor->value());
    if (!row) {
      report.Fault(TextOf(store::Damaged(Family::kSymbols, cursor->key())));
      continue;
    }
    const std::string id = store::EncodeSymbolId(row->id);
    if (!row->retired) (row->by_id ? by_id : by_text).Add(id, row->text);
    if (!row->by_id) continue;
    if (row->id.value() != last + 1) {
      report.Fault("symbols: after id " + std::to_string(last) + " comes " +
                   std::to_string(row->id.value()));
    }
    last = row->id.value();
  }
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  if (by_text == by_id) return absl::OkStatus();
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    const auto row = store::DecodeSymbol(cursor->key(), cursor->value());
    if (!row || row->retired) continue;
    std::string other;
    const std::string key =
        row->by_id ? store::SymbolByTextKey(row->text) : store::SymbolByIdKey(row->id);
    UNIRUST_ASSIGN_OR_RETURN(const bool found, reader.Get(Family::kSymbols, key, &other));
    if (!found || other != (row->by_id ? store::EncodeSymbolId(row->id) : row->text)) {
      report.Fault("symbols: '" + row->text + "' and id " + std::to_string(row->id.value()) +
                   " do not name each other");
    }
  }
  return cursor->status();
}

}  // namespace unirust::resolve
