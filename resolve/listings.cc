#include "resolve/listings.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "resolve/cursor.h"
#include "resolve/indexes.h"
#include "resolve/page.h"
#include "resolve/postings.h"
#include "resolve/stretch_entries.h"

namespace unirust::resolve {
namespace {

using store::Family;

void AppendFilterInterval(std::string* out, const std::optional<Interval>& interval) {
  AppendBig8(out, interval ? 1 : 0);
  if (!interval) return;
  AppendBigSigned64(out, interval->start);
  AppendBigSigned64(out, interval->end);
}

// Yields record ids in index order, each with the key to go on behind. One subclass per index.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  virtual bool Next(RecordId* id) = 0;  // false at the end and on an error
  virtual std::string position() const = 0;
  virtual absl::Status status() const = 0;
};

class AllRecords : public RecordSource {
 public:
  AllRecords(const store::Reader& reader, std::string_view after)
      : cursor_(reader.Scan(Family::kRecords, "", "")) {
    if (after.empty()) return;
    cursor_->Seek(after);
    if (cursor_->Valid() && cursor_->key() == after) cursor_->Next();
  }
  bool Next(RecordId* id) override {
    if (!first_) cursor_->Next();
    first_ = false;
    if (!cursor_->Valid()) return false;
    const auto key = store::RecordKey::Decode(cursor_->key());
    if (!key) {
      damage_ = store::Damaged(Family::kRecords, cursor_->key());
      return false;
    }
    *id = key->record;
    return true;
  }
  std::string position() const override { return std::string(cursor_->key()); }
  absl::Status status() const override { return damage_.ok() ? cursor_->status() : damage_; }

 private:
  std::unique_ptr<store::Cursor> cursor_;
  bool first_ = true;
  absl::Status damage_;
};

// By entity type, perspective and time, of which any may be left open: one walk under each type and perspective that
// pass.
class RecordsOfSource : public RecordSource {
 public:
  RecordsOfSource(const store::Reader& reader, SymbolId type, SymbolId perspective,
                  const Interval& interval, std::string_view after)
      : perspective_(perspective), interval_(interval) {
    cursor_ = type == SymbolId()
                  ? reader.Scan(Family::kSources, "", "")
                  : reader.ScanPrefix(Family::kSources, store::SourceKey::Prefix(type));
    if (const auto last = store::SourceKey::Decode(after)) {
      scan_.emplace(*cursor_, store::SourceKey::Prefix(last->entity_type, last->perspective),
                    interval_, after);
    }
  }
  bool Next(RecordId* id) override {
    while (scan_ || Enter()) {
      if (scan_->Next()) {
        *id = scan_->entry().record;
        return true;
      }
      if (scan_->damaged()) return IsDamaged();
      scan_.reset();
    }
    return false;
  }
  std::string position() const override { return std::string(cursor_->key()); }
  absl::Status status() const override { return damage_.ok() ? cursor_->status() : damage_; }

 private:
  // Begins with the next type and perspective that pass, from where the cursor stands; false if there are none.
  bool Enter() {
    while (cursor_->Valid()) {
      const auto key = store::SourceKey::Decode(cursor_->key());
      if (!key) return IsDamaged();
      if (perspective_ == SymbolId() || key->perspective == perspective_) {
        scan_.emplace(*cursor_, store::SourceKey::Prefix(key->entity_type, key->perspective),
                      interval_, "");
        return true;
      }
      const SymbolId type = key->perspective < perspective_
                                ? key->entity_type
                                : SymbolId(key->entity_type.value() + 1);
      const std::string behind = std::string(cursor_->key()) + '\0';  // ever on, whatever is stored
      cursor_->Seek(std::max(behind, store::SourceKey::Prefix(type, perspective_)));
    }
    return false;
  }

  bool IsDamaged() {
    damage_ = store::Damaged(Family::kSources, cursor_->key());
    return false;
  }

  SymbolId perspective_;
  Interval interval_;
  std::unique_ptr<store::Cursor> cursor_;
  std::optional<TimedScan> scan_;
  absl::Status damage_;
};

class RecordsOfValue : public RecordSource {
 public:
  RecordsOfValue(const store::Reader& reader, SymbolId attribute, const std::string& value,
                 const Interval& interval, std::string_view after)
      : scan_(reader, attribute, value, interval, after) {}
  bool Next(RecordId* id) override {
    Posting posting;
    if (!scan_.Next(&posting)) return false;
    *id = posting.record;
    return true;
  }
  std::string position() const override { return scan_.key(); }
  absl::Status status() const override { return scan_.status(); }

 private:
  PostingScan scan_;
};

class RecordScan {
 public:
  RecordScan(const ReadContext& context, const RecordFilter& filter)
      : context_(context), filter_(filter), interval_(filter.interval.value_or(Interval())) {}

  absl::StatusOr<Page<RecordView>> Run(size_t page_size, std::string_view cursor) {
    UNIRUST_ASSIGN_OR_RETURN(const Listing listing, ThisListing());
    UNIRUST_ASSIGN_OR_RETURN(std::string last, DecodeCursor(listing, cursor));
    UNIRUST_ASSIGN_OR_RETURN(const std::unique_ptr<RecordSource> source, Source(last));
    Page<RecordView> page;
    if (source == nullptr) return page;
    std::optional<EntityReader> reader(context_);
    PageBudget budget(page_size);
    // What needs rows of missing parts is passed over, so records are read one by one.
    for (size_t at_once = HasGaps() ? 1 : kReadAtOnce;; at_once = TwiceAsMany(at_once)) {
      std::vector<Candidate> candidates = ReadAhead(*source, at_once, *reader);
      UNIRUST_RETURN_IF_ERROR(source->status());
      for (Candidate& candidate : candidates) {
        UNIRUST_RETURN_IF_ERROR(MakeView(*reader, &candidate));
        if (candidate.view && !budget.Take(MessageBytes(*candidate.view))) {
          page.cursor = EncodeCursor(listing, last);
          return page;
        }
        if (candidate.view) page.items.push_back(*std::move(candidate.view));
        last = candidate.position;
        budget.Read(candidate.bytes);
        if (!reader->status().ok()) reader.emplace(context_);
        if (!budget.Spent()) continue;
        page.cursor = EncodeCursor(listing, last);
        return page;
      }
      if (candidates.size() < at_once) return page;
    }
  }

 private:
  struct Candidate {
    RecordId id;
    std::string position;
    bool passes = false;
    size_t bytes = 0;                     // of what was read
    std::optional<RecordView> view = {};  // if it passes
  };

  bool HasGaps() const { return !context_.reader.missing().empty(); }
  size_t TwiceAsMany(size_t at_once) const {
    return HasGaps() ? 1 : std::min(2 * at_once, kReadAtOnceMax);
  }

  // What the page tells of a record that was read ahead; nothing of one that needs rows of missing parts.
  absl::Status MakeView(EntityReader& reader, Candidate* candidate) const {
    const auto unless_missing = [&](const absl::Status& status) {
      return HasGaps() && store::IsMissing(status) ? absl::OkStatus() : status;
    };
    candidate->bytes = candidate->position.size();
    if (!reader.status().ok()) return unless_missing(reader.status());
    candidate->bytes = TextBytes(reader.rows().Record(candidate->id).row.now());
    if (!candidate->passes) return absl::OkStatus();
    absl::StatusOr<RecordView> view = reader.View(candidate->id);
    if (!view.ok()) return unless_missing(view.status());
    absl::StatusOr<std::string> entity = reader.NameOfEntity(reader.EntityOf(candidate->id));
    if (!entity.ok()) return unless_missing(entity.status());
    view->entity_name = *std::move(entity);
    candidate->view = *std::move(view);
    return absl::OkStatus();
  }

  // The next records, and what the page will tell of those that pass, read in sweeps. Fewer at the end.
  std::vector<Candidate> ReadAhead(RecordSource& source, size_t count, EntityReader& reader) const {
    std::vector<Candidate> out;
    std::vector<RecordId> ids;
    for (RecordId id; out.size() < count && source.Next(&id);) {
      out.push_back({.id = id, .position = source.position()});
      ids.push_back(id);
    }
    reader.rows().PreloadRecords(ids);
    ids.clear();
    for (Candidate& candidate : out) {
      const RecordState& record = reader.rows().Record(candidate.id);
      candidate.passes =
          record.live_now && Passes(record.row.now(), candidate.id, candidate.position);
      if (candidate.passes) ids.push_back(candidate.id);
    }
    reader.PreloadEntitiesOf(ids);
    std::vector<BlockName> entities;
    for (const RecordId id : ids) entities.push_back(reader.EntityOf(id));
    reader.PreloadNamesOf(entities);
    return out;
  }

  absl::StatusOr<Listing> ThisListing() const {
    Listing listing;
    UNIRUST_ASSIGN_OR_RETURN(listing.lineage, context_.reader.ReadLineage());
    std::string& out = listing.name;
    out = "scan";
    AppendBig8(&out, filter_.descriptor ? 1 : 0);
    if (filter_.descriptor) {
      AppendString(&out, filter_.descriptor->first);
      AppendString(&out, filter_.descriptor->second);
    }
    AppendString(&out, filter_.entity_type);
    AppendString(&out, filter_.perspective);
    AppendFilterInterval(&out, filter_.interval);
    return listing;
  }

  // Null if a name of the filter was never used: no record passes.
  absl::StatusOr<std::unique_ptr<RecordSource>> Source(std::string_view after) {
    for (const auto& [text, symbol] : {std::pair(&filter_.entity_type, &type_),
                                       std::pair(&filter_.perspective, &perspective_)}) {
      if (text->empty()) continue;
      UNIRUST_ASSIGN_OR_RETURN(const auto found, context_.interner->Find(*text));
      if (!found) return std::unique_ptr<RecordSource>();
      *symbol = *found;
    }
    if (filter_.descriptor) {
      UNIRUST_ASSIGN_OR_RETURN(const auto found,
                               context_.interner->Find(filter_.descriptor->first));
      if (!found) return std::unique_ptr<RecordSource>();
      attribute_ = *found;
      return std::unique_ptr<RecordSource>(std::make_unique<RecordsOfValue>(
          context_.reader, attribute_, filter_.descriptor->second, interval_, after));
    }
    if (type_ != SymbolId() || perspective_ != SymbolId() || filter_.interval) {
      return std::unique_ptr<RecordSource>(std::make_unique<RecordsOfSource>(
          context_.reader, type_, perspective_, interval_, after));
    }
    return std::unique_ptr<RecordSource>(std::make_unique<AllRecords>(context_.reader, after));
  }

  // Whether the record passes, and the position is the first of those at which the index has it: it is reported there.
  bool Passes(const RecordRow& record, RecordId id, const std::string& position) const {
    if (type_ != SymbolId() && record.entity_type != type_) return false;
    if (perspective_ != SymbolId() && record.perspective != perspective_) return false;
    const auto holds = [&](const store::StoredDescriptor& d) {
      return Overlaps(d.interval, interval_) &&
             (!filter_.descriptor ||
              (d.attribute == attribute_ && d.value == filter_.descriptor->second));
    };
    const auto begin = record.descriptors.begin();
    const auto end = record.descriptors.end();
    if ((filter_.descriptor || filter_.interval) && std::none_of(begin, end, holds)) return false;
    std::set<std::string> positions;
    if (filter_.descriptor) {
      for (const store::StoredDescriptor& d : record.descriptors) {
        if (holds(d)) positions.insert(PostingKey(attribute_, d.value, d.interval, id));
      }
    } else if (type_ != SymbolId() || perspective_ != SymbolId() || filter_.interval) {
      for (const store::SourceKey& key : SourceKeys(id, record)) {
        if (Overlaps(key.interval, interval_)) positions.insert(key.Encode());
      }
    }
    return positions.empty() || *positions.begin() == position;
  }

  const ReadContext& context_;
  const RecordFilter& filter_;
  Interval interval_;
  SymbolId type_;
  SymbolId perspective_;
  SymbolId attribute_;
};

// Walks the keys of the conflicts that pass a filter; seeks over what the order of the keys lets it pass over.
class ConflictScan {
 public:
  // `after`: the SortPart to go on behind, or empty.
  ConflictScan(const store::Reader& reader, const ConflictFilter& filter, std::string_view after)
      : filter_(filter), rows_(reader.ScanPrefix(Family::kConflicts, KindPrefix(filter))) {
    if (!after.empty()) rows_->Seek(PrefixEnd(after));
  }

  // Moves to the first entry that passes, from where the cursor stands. False at the end, on an error, and where
  // `budget` is spent.
  bool Find(PageBudget* budget) {
    for (; rows_->Valid() && !budget->Spent(); budget->Read(sizeof(store::ConflictKey))) {
      const auto key = store::ConflictKey::Decode(rows_->key());
      if (!key) {
        damage_ = store::Damaged(Family::kConflicts, rows_->key());
        return false;
      }
      position_ = store::ConflictKey::SortPart(rows_->key());
      if (!filter_.attribute.empty() && key->attribute != filter_.attribute) {
        const bool before = key->attribute < filter_.attribute;
        rows_->Seek(before ? Prefix(key->kind, filter_.attribute) : KindEnd(key->kind));
      } else if (filter_.interval && key->interval.start >= filter_.interval->end) {
        rows_->Seek(PrefixEnd(Prefix(key->kind, key->attribute)));
      } else if (filter_.interval && key->interval.end <= filter_.interval->start) {
        PassOver(*key);
      } else {
        return true;
      }
    }
    return false;
  }

  store::Cursor& rows() { return *rows_; }
  const std::string& position() const { return position_; }  // what to go on behind
  bool at_end() const { return !rows_->Valid() || !damage_.ok(); }
  absl::Status status() const { return damage_.ok() ? rows_->status() : damage_; }

 private:
  static std::string KindPrefix(const ConflictFilter& filter) {
    std::string prefix;
    if (!filter.kind) return prefix;
    if (!filter.attribute.empty()) return Prefix(*filter.kind, filter.attribute);
    AppendBig8(&prefix, static_cast<uint8_t>(*filter.kind));
    return prefix;
  }
  static std::string KindEnd(ConflictKind kind) {
    std::string prefix;
    AppendBig8(&prefix, static_cast<uint8_t>(kind));
    return PrefixEnd(prefix);
  }
  static std::string Prefix(ConflictKind kind, std::string_view attribute) {
    std::string prefix;
    AppendBig8(&prefix, static_cast<uint8_t>(kind));
    AppendOrderedString(&prefix, attribute);
    return prefix;
  }

  // Of entries that start together, those that end too early lie first.
  void PassOver(const store::ConflictKey& key) {
    if (!ended_ || ended_->start != key.interval.start) {
      ended_ = key.interval;
      rows_->Next();
      return;
    }
    std::string next = Prefix(key.kind, key.attribute);
    AppendBigSigned64(&next, key.interval.start);
    AppendBigSigned64(&next, filter_.interval->start + 1);
    rows_->Seek(next);
  }

  const ConflictFilter& filter_;
  std::unique_ptr<store::Cursor> rows_;
  std::string position_;
  std::optional<Interval> ended_;  // of the last entry that ended too early
  absl::Status damage_;
};

}  // namespace

absl::StatusOr<Page<RecordView>> ScanRecords(const ReadContext& context, const RecordFilter& filter,
                                             size_t page_size, std::string_view cursor) {
  if (filter.interval && filter.interval->start >= filter.interval->end) {
    return absl::InvalidArgumentError("scan: start >= end");
  }
  return RecordScan(context, filter).Run(page_size, cursor);
}

absl::StatusOr<Conflict> ReadConflict(const ReadContext& context, std::string_view key,
                                      std::string_view value, PageBudget* budget) {
  budget->Read(value.size());
  const auto decoded = store::ConflictKey::Decode(key);
  store::ConflictRow row;
  if (!decoded || !store::ConflictRow::Decode(value, &row)) {
    return store::Damaged(Family::kConflicts, key);
  }
  Conflict out;
  out.kind = decoded->kind;
  out.attribute = decoded->attribute;
  out.interval = decoded->interval;
  out.cause = decoded->cause;
  out.entity_type = std::move(row.entity_type);
  if (row.voice) {
    UNIRUST_RETURN_IF_ERROR(ReadStretch(context, *row.voice, budget, &out));
    return out;
  }
  out.records = std::move(row.records);
  out.record_count = row.record_count;
  out.key = std::move(row.key);
  out.values = std::move(row.values);
  out.entities = std::move(row.entities);
  out.entity_count = row.entity_count;
  return out;
}

void SortConflicts(std::vector<Conflict>& conflicts) {
  struct Keyed {
    std::vector<std::string> records;
    Conflict entry;
  };
  std::vector<Keyed> keyed;
  for (Conflict& entry : conflicts) {
    Keyed k;
    for (const Identity& record : entry.records) k.records.push_back(RecordName(record));
    k.entry = std::move(entry);
    keyed.push_back(std::move(k));
  }
  std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return std::tie(a.entry.kind, a.entry.attribute, a.entry.interval, a.entry.cause, a.records,
                    a.entry.key, a.entry.values) <
           std::tie(b.entry.kind, b.entry.attribute, b.entry.interval, b.entry.cause, b.records,
                    b.entry.key, b.entry.values);
  });
  for (size_t i = 0; i < keyed.size(); ++i) conflicts[i] = std::move(keyed[i].entry);
}

absl::StatusOr<ConflictPart> ReadConflicts(const ReadContext& context, const ConflictFilter& filter,
                                           std::string_view after, PageBudget* budget) {
  ConflictPart out;
  const bool gaps = !context.reader.missing().empty();
  std::string last(after);
  ConflictScan scan(context.reader, filter, after);
  store::Cursor& rows = scan.rows();
  while (!budget->full() && scan.Find(budget)) {
    // Entries whose keys sort alike have one interval: all pass. They are put in order among themselves.
    const std::string part(store::ConflictKey::SortPart(rows.key()));
    std::vector<Conflict> alike;
    size_t bytes = 0;
    for (; rows.Valid() && store::ConflictKey::SortPart(rows.key()) == part; rows.Next()) {
      absl::StatusOr<Conflict> entry = ReadConflict(context, rows.key(), rows.value(), budget);
      if (store::IsMissing(entry.status()) && gaps) continue;
      UNIRUST_RETURN_IF_ERROR(entry.status());
      bytes += MessageBytes(*entry);
      alike.push_back(*std::move(entry));
    }
    if (!alike.empty() && !budget->TakeAll(alike.size(), bytes)) {
      out.position = last;
      return out;
    }
    last = part;
    SortConflicts(alike);
    std::move(alike.begin(), alike.end(), std::back_inserter(out.items));
  }
  UNIRUST_RETURN_IF_ERROR(scan.status());
  if (!scan.at_end()) out.position = scan.position();
  return out;
}

absl::StatusOr<Page<Conflict>> ListConflicts(const ReadContext& context,
                                             const ConflictFilter& filter, size_t page_size,
                                             std::string_view cursor) {
  Listing listing{.lineage = {}, .name = "conflicts"};
  UNIRUST_ASSIGN_OR_RETURN(listing.lineage, context.reader.ReadLineage());
  AppendFilterInterval(&listing.name, filter.interval);
  AppendString(&listing.name, filter.attribute);
  AppendBig8(&listing.name, filter.kind ? static_cast<uint8_t>(*filter.kind) : 0xFF);
  UNIRUST_ASSIGN_OR_RETURN(const std::string after, DecodeCursor(listing, cursor));
  PageBudget budget(page_size);
  UNIRUST_ASSIGN_OR_RETURN(ConflictPart part, ReadConflicts(context, filter, after, &budget));
  Page<Conflict> page{.items = std::move(part.items), .cursor = {}};
  if (part.position) page.cursor = EncodeCursor(listing, *part.position);
  return page;
}

absl::StatusOr<std::vector<RecordView>> RecordsFrom(const ReadContext& context, uint32_t start,
                                                    uint32_t end, size_t limit, uint32_t* next) {
  *next = 0;
  std::vector<RecordView> out;
  const std::string upper = end == 0 ? "" : store::RecordKey{RecordId(end)}.Encode();
  const auto rows =
      context.reader.Scan(Family::kRecords, store::RecordKey{RecordId(start)}.Encode(), upper);
  Names names(*context.interner);
  PageBudget budget(limit);
  for (; rows->Valid(); rows->Next()) {
    const auto key = store::RecordKey::Decode(rows->key());
    RecordRow row;
    if (!key || !RecordRow::Decode(rows->value(), &row)) {
      return store::Damaged(Family::kRecords, rows->key());
    }
    RecordView view{.id = key->record, .record = {}, .entity_name = {}};
    if (!row.retracted) view.record = ToRecord(row, names);
    if (budget.Spent() || (!row.retracted && !budget.Take(MessageBytes(view)))) {
      *next = key->record.value();
      break;
    }
    budget.Read(rows->value().size());
    if (!row.retracted) out.push_back(std::move(view));
  }
  UNIRUST_RETURN_IF_ERROR(rows->status());
  UNIRUST_RETURN_IF_ERROR(names.status());
  return out;
}

absl::StatusOr<RecordIdRange> IdRange(const ReadContext& context) {
  RecordIdRange out;
  const auto rows = context.reader.Scan(Family::kRecords, "", "");
  const auto live = [&](RecordId* id) -> absl::StatusOr<bool> {
    const auto key = store::RecordKey::Decode(rows->key());
    RecordRow row;
    if (!key || !RecordRow::Decode(rows->value(), &row)) {
      return store::Damaged(Family::kRecords, rows->key());
    }
    *id = key->record;
    return !row.retracted;
  };
  for (; rows->Valid() && out.empty; rows->Next()) {
    UNIRUST_ASSIGN_OR_RETURN(const bool found, live(&out.min));
    out.empty = !found;
  }
  if (!out.empty) {
    for (rows->SeekToLast(); rows->Valid(); rows->Prev()) {
      UNIRUST_ASSIGN_OR_RETURN(const bool found, live(&out.max));
      if (found) break;
    }
  }
  UNIRUST_RETURN_IF_ERROR(rows->status());
  return out;
}

}  // namespace unirust::resolve
