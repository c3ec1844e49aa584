#include "store/rows.h"

#include "base/bytes.h"

namespace unirust::store {
namespace {

// An interval takes a tag and only the bounded ends: bit 0 the start is kMinTime, bit 1 the end is kMaxTime.
void AppendInterval(std::string* out, const Interval& interval) {
  const bool open_start = interval.start == kMinTime;
  const bool open_end = interval.end == kMaxTime;
  AppendBig8(out, static_cast<uint8_t>((open_start ? 1U : 0U) | (open_end ? 2U : 0U)));
  if (!open_start) AppendSignedVarint(out, interval.start);
  if (!open_end) {
    AppendVarint(out, static_cast<uint64_t>(interval.end) - static_cast<uint64_t>(interval.start));
  }
}

Interval ReadInterval(ByteReader& in) {
  const uint8_t tag = in.Big8();
  Interval out;
  if ((tag & 1U) == 0) out.start = in.SignedVarint();
  if ((tag & 2U) == 0) {
    out.end = static_cast<Instant>(static_cast<uint64_t>(out.start) + in.Varint());
  }
  const bool has_own_tag = ((tag & 1U) != 0) == (out.start == kMinTime) &&
                           ((tag & 2U) != 0) == (out.end == kMaxTime);
  if (tag > 3 || out.start >= out.end || !has_own_tag) in.Fail();
  return out;
}

template <typename Id>
void AppendId(std::string* out, Id id) {
  AppendVarint(out, id.value());
}

template <typename Id>
Id ReadId(ByteReader& in) {
  const uint64_t value = in.Varint();
  const auto narrow = static_cast<typename Id::Representation>(value);
  if (narrow != value) in.Fail();
  return Id(narrow);
}

uint16_t ReadSmall(ByteReader& in) {
  const uint64_t value = in.Varint();
  if (value > 0xFFFF) in.Fail();
  return static_cast<uint16_t>(value);
}

void AppendName(std::string* out, BlockName name) { AppendBig64(out, name.value()); }
BlockName ReadName(ByteReader& in) { return BlockName(in.Big64()); }

void AppendNames(std::string* out, const std::vector<BlockName>& names) {
  AppendVarint(out, names.size());
  for (const BlockName name : names) AppendName(out, name);
}

std::vector<BlockName> ReadNames(ByteReader& in) {
  std::vector<BlockName> names(in.Count(8));
  for (BlockName& name : names) name = ReadName(in);
  return names;
}

void AppendFirst(std::string* out, const FirstRecord& first) {
  AppendId(out, first.id);
  AppendId(out, first.perspective);
  AppendString(out, first.uid);
}

FirstRecord ReadFirst(ByteReader& in) {
  FirstRecord out;
  out.id = ReadId<RecordId>(in);
  out.perspective = ReadId<SymbolId>(in);
  out.uid = in.String();
  return out;
}

void AppendStrings(std::string* out, const std::vector<std::string>& strings) {
  AppendVarint(out, strings.size());
  for (const std::string& s : strings) AppendString(out, s);
}

std::vector<std::string> ReadStrings(ByteReader& in) {
  std::vector<std::string> strings(in.Count(1));
  for (std::string& s : strings) s = in.String();
  return strings;
}

}  // namespace

RecordRow RecordRow::Erased() {
  RecordRow out;
  out.retracted = true;
  return out;
}

std::string RecordRow::Encode() const {
  std::string out;
  AppendId(&out, entity_type);
  if (erased()) return out;
  AppendId(&out, perspective);
  AppendString(&out, uid);
  AppendSignedVarint(&out, version);
  AppendBig8(&out, retracted ? 1 : 0);
  if (retracted) {
    AppendId(&out, successor);
    return out;
  }
  AppendVarint(&out, descriptors.size());
  for (const StoredDescriptor& d : descriptors) {
    AppendId(&out, d.attribute);
    AppendString(&out, d.value);
    AppendInterval(&out, d.interval);
  }
  return out;
}

bool RecordRow::Decode(std::string_view bytes, RecordRow* out) {
  ByteReader in(bytes);
  out->entity_type = ReadId<SymbolId>(in);
  if (out->erased()) {
    *out = Erased();
    return in.done();
  }
  out->perspective = ReadId<SymbolId>(in);
  out->uid = in.String();
  out->version = in.SignedVarint();
  const uint8_t flags = in.Big8();
  out->retracted = flags == 1;
  out->successor = RecordId();
  if (flags > 1) return false;
  if (out->retracted) {
    out->descriptors.clear();
    out->successor = ReadId<RecordId>(in);
    return in.done();
  }
  out->descriptors.resize(in.Count(3));  // what is there is overwritten, in the memory that it has
  for (StoredDescriptor& d : out->descriptors) {
    d.attribute = ReadId<SymbolId>(in);
    d.value = in.String();
    d.interval = ReadInterval(in);
  }
  return in.done();
}

std::string NameRow::Encode() const {
  std::string out;
  AppendVarint(&out, up_level);
  if (up_level != 0) AppendName(&out, up);
  if (touches == 0 && !conflicts && parts.empty()) return out;
  AppendVarint(&out, touches);
  AppendBig8(&out, conflicts ? 1 : 0);
  AppendVarint(&out, parts.size());
  for (const InPart& in_part : parts) {
    AppendVarint(&out, in_part.level);
    AppendName(&out, in_part.part);
  }
  return out;
}

bool NameRow::Decode(std::string_view bytes, NameRow* out) {
  ByteReader in(bytes);
  *out = NameRow();
  out->up_level = ReadSmall(in);
  if (out->up_level != 0) out->up = ReadName(in);
  if (in.done()) return true;
  const uint64_t touches = in.Varint();
  out->touches = static_cast<uint32_t>(touches);
  const uint8_t conflicts = in.Big8();
  out->conflicts = conflicts == 1;
  out->parts.resize(in.Count(9));
  for (InPart& in_part : out->parts) {
    in_part.level = ReadSmall(in);
    in_part.part = ReadName(in);
  }
  const bool has_tail = out->touches != 0 || out->conflicts || !out->parts.empty();
  return in.done() && has_tail && touches == out->touches && conflicts <= 1;
}

std::string BlockRow::Encode() const {
  std::string out(1, large ? 'B' : 'b');
  AppendVarint(&out, level);
  AppendFirst(&out, first);
  AppendVarint(&out, records);
  if (large) {
    AppendVarint(&out, large_kids);
  } else {
    AppendNames(&out, kids);
  }
  AppendVarint(&out, strong.size());
  for (const auto& [row, count] : strong) {
    AppendVarint(&out, row.identifier);
    AppendId(&out, row.domain);
    AppendInterval(&out, row.interval);
    AppendStrings(&out, row.values);
    AppendVarint(&out, count);
  }
  return out;
}

bool BlockRow::Decode(std::string_view bytes, BlockRow* out) {
  ByteReader in(bytes);
  const uint8_t tag = in.Big8();
  if (tag != 'b' && tag != 'B') return false;
  out->large = tag == 'B';
  out->level = ReadSmall(in);
  out->first = ReadFirst(in);
  out->records = in.Varint();
  out->kids = out->large ? std::vector<BlockName>() : ReadNames(in);
  out->large_kids = out->large ? in.Varint() : 0;
  out->strong.resize(in.Count(6));
  for (auto& [row, count] : out->strong) {
    row.identifier = ReadSmall(in);
    row.domain = ReadId<SymbolId>(in);
    row.interval = ReadInterval(in);
    row.values = ReadStrings(in);
    count = in.Varint();
  }
  return in.done();
}

std::string PartRow::Encode() const {
  std::string out(1, 'p');
  AppendVarint(&out, level);
  AppendNames(&out, blocks);
  return out;
}

bool PartRow::Decode(std::string_view bytes, PartRow* out) {
  ByteReader in(bytes);
  if (in.Big8() != 'p') return false;
  out->level = ReadSmall(in);
  out->blocks = ReadNames(in);
  return in.done();
}

std::string GroupRow::Encode() const {
  std::string out;
  const bool touched = !node_touches.empty() || !entity_touches.empty();
  AppendBig8(&out, static_cast<uint8_t>((divided ? 1U : 0U) | (touched ? 2U : 0U) |
                                        (values.empty() ? 0U : 4U) | (large ? 8U : 0U) |
                                        (followed ? 16U : 0U)));
  if (large) {
    AppendVarint(&out, large_pieces);
    AppendVarint(&out, large_records);
  } else {
    AppendVarint(&out, pieces.size());
  }
  for (const Piece& piece : pieces) {
    AppendBig32(&out, piece.record.value());
    AppendInterval(&out, piece.interval);
  }
  AppendVarint(&out, edges);
  if (touched) {
    AppendNames(&out, node_touches);
    AppendNames(&out, entity_touches);
  }
  if (!values.empty()) AppendStrings(&out, values);
  return out;
}

bool GroupRow::Decode(std::string_view bytes, GroupRow* out) {
  ByteReader in(bytes);
  const uint8_t flags = in.Big8();
  if (flags > 31) return false;
  *out = GroupRow();
  out->divided = (flags & 1U) != 0;
  out->large = (flags & 8U) != 0;
  out->followed = (flags & 16U) != 0;
  if (out->large) {
    out->large_pieces = in.Varint();
    out->large_records = in.Varint();
  } else {
    out->pieces.resize(in.Count(5));
  }
  for (Piece& piece : out->pieces) {
    piece.record = RecordId(in.Big32());
    piece.interval = ReadInterval(in);
  }
  out->edges = in.Varint();
  if ((flags & 2U) != 0) {
    out->node_touches = ReadNames(in);
    out->entity_touches = ReadNames(in);
  }
  if ((flags & 4U) != 0) out->values = ReadStrings(in);
  const bool touched = !out->node_touches.empty() || !out->entity_touches.empty();
  return in.done() && ((flags & 2U) != 0) == touched && ((flags & 4U) != 0) == !out->values.empty();
}

std::string RunRow::Encode() const {
  std::string out;
  AppendBigSigned64(&out, end);
  AppendVarint(&out, pieces);
  return out;
}

bool RunRow::Decode(std::string_view bytes, RunRow* out) {
  ByteReader in(bytes);
  out->end = in.BigSigned64();
  out->pieces = in.Varint();
  return in.done() && out->pieces > 0;
}

std::string AttributeValueRow::Encode() const {
  std::string out;
  AppendId(&out, entity_type);
  AppendId(&out, perspective);
  return out;
}

bool AttributeValueRow::Decode(std::string_view bytes, AttributeValueRow* out) {
  ByteReader in(bytes);
  out->entity_type = ReadId<SymbolId>(in);
  out->perspective = ReadId<SymbolId>(in);
  return in.done();
}

std::string HeldValueRow::Encode() const {
  std::string out;
  AppendVarint(&out, records);
  AppendString(&out, value);
  return out;
}

bool HeldValueRow::Decode(std::string_view bytes, HeldValueRow* out) {
  ByteReader in(bytes);
  out->records = in.Varint();
  out->value = in.String();
  return in.done() && out->records > 0;
}

std::string StretchRow::Encode() const {
  std::string out;
  AppendBigSigned64(&out, end);
  for (const uint64_t n : {values, steps, records, uint64_t{listed}}) AppendVarint(&out, n);
  AppendFirst(&out, first);
  AppendFirst(&out, last_listed);
  return out;
}

bool StretchRow::Decode(std::string_view bytes, StretchRow* out) {
  ByteReader in(bytes);
  out->end = in.BigSigned64();
  for (uint64_t* n : {&out->values, &out->steps, &out->records}) *n = in.Varint();
  const uint64_t listed = in.Varint();
  out->listed = static_cast<uint32_t>(listed);
  out->first = ReadFirst(in);
  out->last_listed = ReadFirst(in);
  return in.done() && out->listed == listed && listed > 0 && listed <= out->records &&
         out->values > 0;
}

namespace {

void AppendFirsts(std::string* out, const std::vector<FirstRecord>& records) {
  AppendVarint(out, records.size());
  for (const FirstRecord& record : records) AppendFirst(out, record);
}

std::vector<FirstRecord> ReadFirsts(ByteReader& in) {
  std::vector<FirstRecord> out(in.Count(3));
  for (FirstRecord& record : out) record = ReadFirst(in);
  return out;
}

}  // namespace

std::string FirstRecordsRow::Encode() const {
  std::string out;
  AppendFirsts(&out, records);
  return out;
}

bool FirstRecordsRow::Decode(std::string_view bytes, FirstRecordsRow* out) {
  ByteReader in(bytes);
  out->records = ReadFirsts(in);
  return in.done() && !out->records.empty();
}

std::string DisputedNodesRow::Encode() const {
  std::string out;
  AppendVarint(&out, nodes);
  return out;
}

bool DisputedNodesRow::Decode(std::string_view bytes, DisputedNodesRow* out) {
  ByteReader in(bytes);
  out->nodes = in.Varint();
  return in.done() && out->nodes > 0;
}

std::string DisputedEntitiesRow::Encode() const {
  std::string out;
  AppendVarint(&out, entities);
  AppendVarint(&out, records);
  AppendFirsts(&out, first_entities);
  AppendFirsts(&out, first_records);
  return out;
}

bool DisputedEntitiesRow::Decode(std::string_view bytes, DisputedEntitiesRow* out) {
  ByteReader in(bytes);
  out->entities = in.Varint();
  out->records = in.Varint();
  out->first_entities = ReadFirsts(in);
  out->first_records = ReadFirsts(in);
  return in.done() && !out->first_entities.empty() && !out->first_records.empty() &&
         out->first_entities.size() <= out->entities && out->first_records.size() <= out->records;
}

std::string ConflictRow::Encode() const {
  std::string out;
  AppendBig8(&out, voice ? 1 : 0);
  AppendString(&out, entity_type);
  if (voice) {
    voice->AppendTo(&out);
    return out;
  }
  AppendVarint(&out, records.size());
  for (const Identity& record : records) {
    AppendString(&out, record.perspective);
    AppendString(&out, record.uid);
  }
  AppendVarint(&out, record_count);
  AppendString(&out, key);
  AppendStrings(&out, values);
  AppendStrings(&out, entities);
  AppendVarint(&out, entity_count);
  return out;
}

bool ConflictRow::Decode(std::string_view bytes, ConflictRow* out) {
  ByteReader in(bytes);
  *out = ConflictRow();
  const uint8_t kind = in.Big8();
  out->entity_type = in.String();
  if (kind > 1) return false;
  if (kind == 1) {
    out->voice = Voice::Decode(in.Bytes(Voice::kBytes));
    return in.done();
  }
  out->records.resize(in.Count(2));
  for (Identity& record : out->records) {
    record.entity_type = out->entity_type;
    record.perspective = in.String();
    record.uid = in.String();
  }
  out->record_count = in.Varint();
  out->key = in.String();
  out->values = ReadStrings(in);
  out->entities = ReadStrings(in);
  out->entity_count = in.Varint();
  return in.done();
}

std::string ConflictOwnerRow::Encode() const {
  std::string out;
  AppendStrings(&out, keys);
  AppendVarint(&out, edges);
  return out;
}

bool ConflictOwnerRow::Decode(std::string_view bytes, ConflictOwnerRow* out) {
  ByteReader in(bytes);
  out->keys = ReadStrings(in);
  out->edges = in.Varint();
  return in.done();
}

std::string CountersRow::Encode() const {
  std::string out;
  for (const uint64_t n : {records, entities, conflicts, same_as, conflicts_with, handles}) {
    AppendVarint(&out, n);
  }
  return out;
}

bool CountersRow::Decode(std::string_view bytes, CountersRow* out) {
  ByteReader in(bytes);
  for (uint64_t* n : {&out->records, &out->entities, &out->conflicts, &out->same_as,
                      &out->conflicts_with, &out->handles}) {
    *n = in.Varint();
  }
  return in.done();
}

std::string RetentionRow::Encode() const {
  std::string out;
  AppendBigSigned64(&out, declared);
  return out;
}

bool RetentionRow::Decode(std::string_view bytes, RetentionRow* out) {
  ByteReader in(bytes);
  out->declared = in.BigSigned64();
  return in.done();
}

std::string ErasuresRow::Encode() const {
  std::string out;
  AppendBig64(&out, erasures.records);
  for (const int64_t micros :
       {erasures.last_micros, erasures.pending_since_micros, erasures.purged_micros}) {
    AppendBigSigned64(&out, micros);
  }
  return out;
}

bool ErasuresRow::Decode(std::string_view bytes, ErasuresRow* out) {
  ByteReader in(bytes);
  out->erasures.records = in.Big64();
  out->erasures.last_micros = in.BigSigned64();
  out->erasures.pending_since_micros = in.BigSigned64();
  out->erasures.purged_micros = in.BigSigned64();
  return in.done();
}

}  // namespace unirust::store
