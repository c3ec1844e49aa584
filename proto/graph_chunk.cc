#include "proto/graph_chunk.h"

#include "proto/answers.h"
#include "proto/wire_bytes.h"

namespace unirust::proto {
namespace {

// What a descriptor takes beside its texts.
constexpr size_t kDescriptorBytesMax = 5 * kFieldBytesMax;

size_t RoomFor(std::span<const DescriptorView> descriptors) {
  size_t bytes = 0;
  for (const DescriptorView& d : descriptors) {
    bytes += kDescriptorBytesMax + d.attribute.size() + d.value.size();
  }
  return bytes;
}

size_t RoomFor(std::span<const std::string_view> texts) {
  size_t bytes = 0;
  for (const std::string_view text : texts) bytes += kFieldBytesMax + text.size();
  return bytes;
}

char* WriteTexts(int field, std::span<const std::string_view> texts, char* to) {
  for (const std::string_view text : texts) to = WriteElement(field, text, to);
  return to;
}

// RecordDescriptor and GoldenDescriptor have the same fields.
char* WriteDescriptors(int field, std::span<const DescriptorView> descriptors, char* to) {
  for (const DescriptorView& d : descriptors) {
    const Nested<1> descriptor(field, to);  // below 128 bytes mostly
    to = WriteText(RecordDescriptor::kAttrFieldNumber, d.attribute, descriptor.begin());
    to = WriteText(RecordDescriptor::kValueFieldNumber, d.value, to);
    to = WriteTime(RecordDescriptor::kStartFieldNumber, d.interval.start, to);
    to = descriptor.End(WriteTime(RecordDescriptor::kEndFieldNumber, d.interval.end, to));
  }
  return to;
}

}  // namespace

size_t GraphChunkWriter::Add(const GraphRecord& record) {
  item_ = bytes_.size();
  char* room = bytes_.Room(12 * kFieldBytesMax + record.entity_type.size() +
                           record.perspective.size() + record.uid.size() +
                           record.entity_name.size() + RoomFor(record.descriptors));
  const Nested<> item(ExportGraphChunk::kItemsFieldNumber, room);
  const Nested<> snapshot(GraphItem::kRecordFieldNumber, item.begin());
  char* to = WriteNumber(RecordSnapshot::kRecordIdFieldNumber, record.id.value(),
                         snapshot.begin());
  const Nested<> identity(RecordSnapshot::kIdentityFieldNumber, to);
  to = WriteText(RecordIdentity::kEntityTypeFieldNumber, record.entity_type, identity.begin());
  to = WriteText(RecordIdentity::kPerspectiveFieldNumber, record.perspective, to);
  to = identity.End(WriteText(RecordIdentity::kUidFieldNumber, record.uid, to));
  to = WriteDescriptors(RecordSnapshot::kDescriptorsFieldNumber, record.descriptors, to);
  to = WriteTag(RecordSnapshot::kVersionFieldNumber, WireFormatLite::WIRETYPE_VARINT, to);
  to = WriteVarint(static_cast<uint64_t>(record.version), to);  // optional: there though it is 0
  to = WriteText(RecordSnapshot::kClusterKeyFieldNumber, record.entity_name, to);
  bytes_.EndAt(item.End(snapshot.End(to)));
  return Added();
}

size_t GraphChunkWriter::Add(const unirust::GraphEntity& entity) {
  item_ = bytes_.size();
  char* room = bytes_.Room(8 * kFieldBytesMax + entity.name.size() + entity.entity_type.size() +
                           RoomFor(entity.records) + RoomFor(entity.golden));
  const Nested<> item(ExportGraphChunk::kItemsFieldNumber, room);
  const Nested<> node(GraphItem::kEntityFieldNumber, item.begin());
  char* to = WriteText(GraphEntity::kIdFieldNumber, entity.name, node.begin());
  to = WriteText(GraphEntity::kEntityTypeFieldNumber, entity.entity_type, to);
  to = WriteTexts(GraphEntity::kRecordsFieldNumber, entity.records, to);
  to = WriteDescriptors(GraphEntity::kGoldenFieldNumber, entity.golden, to);
  bytes_.EndAt(item.End(node.End(to)));
  return Added();
}

size_t GraphChunkWriter::Add(const unirust::GraphSameAs& edge) {
  item_ = bytes_.size();
  char* room = bytes_.Room(10 * kFieldBytesMax + edge.source.size() + edge.target.size() +
                           edge.key.size() + RoomFor(edge.values));
  const Nested<> item(ExportGraphChunk::kItemsFieldNumber, room);
  const Nested<> same_as(GraphItem::kSameAsFieldNumber, item.begin());
  char* to = WriteText(GraphSameAs::kSourceFieldNumber, edge.source, same_as.begin());
  to = WriteText(GraphSameAs::kTargetFieldNumber, edge.target, to);
  to = WriteText(GraphSameAs::kKeyFieldNumber, edge.key, to);
  to = WriteTexts(GraphSameAs::kValuesFieldNumber, edge.values, to);
  to = WriteTime(GraphSameAs::kStartFieldNumber, edge.interval.start, to);
  to = WriteTime(GraphSameAs::kEndFieldNumber, edge.interval.end, to);
  bytes_.EndAt(item.End(same_as.End(to)));
  return Added();
}

size_t GraphChunkWriter::Add(const Conflict& conflict) {
  GraphItem item;
  ToProto(conflict, &item);
  return Add(item);
}

size_t GraphChunkWriter::Add(const Generic& generic) {
  GraphItem item;
  ToProto(generic, &item);
  return Add(item);
}

size_t GraphChunkWriter::Add(const GraphItem& item) {
  item_ = bytes_.size();
  const size_t size = item.ByteSizeLong();
  char* to = WriteTag(ExportGraphChunk::kItemsFieldNumber,
                      WireFormatLite::WIRETYPE_LENGTH_DELIMITED,
                      bytes_.Room(kFieldBytesMax + size));
  to = WriteVarint(size, to);
  item.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to));
  bytes_.EndAt(to + size);
  return Added();
}

ByteBuffer GraphChunkWriter::Finish(std::string_view cursor) {
  char* room = bytes_.Room(kFieldBytesMax + cursor.size());
  bytes_.EndAt(WriteText(ExportGraphChunk::kCursorFieldNumber, cursor, room));
  item_ = 0;
  return std::exchange(bytes_, ByteBuffer());
}

bool ForEachItem(std::string_view chunk, absl::FunctionRef<bool(std::string_view item)> take) {
  FieldReader fields(chunk);
  while (fields.Next()) {
    if (fields.field() == ExportGraphChunk::kItemsFieldNumber && !take(fields.bytes())) {
      return false;
    }
  }
  return fields.ok();
}

bool GraphItemReader::Read(std::string_view item) {
  kind_ = GraphItem::ITEM_NOT_SET;
  bool sound = true;
  FieldReader fields(item);
  while (fields.Next()) {
    switch (fields.field()) {
      case GraphItem::kRecordFieldNumber:
        sound = sound && ReadRecord(fields.bytes());
        break;
      case GraphItem::kEntityFieldNumber:
        sound = sound && ReadEntity(fields.bytes());
        break;
      case GraphItem::kSameAsFieldNumber:
        sound = sound && ReadSameAs(fields.bytes());
        break;
      case GraphItem::kConflictFieldNumber:
      case GraphItem::kGenericFieldNumber:
        break;
      default:
        continue;
    }
    kind_ = static_cast<GraphItem::ItemCase>(fields.field());
  }
  return sound && fields.ok();
}

namespace {

bool ReadIdentity(std::string_view bytes, GraphRecord* out) {
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.field()) {
      case RecordIdentity::kEntityTypeFieldNumber:
        out->entity_type = fields.bytes();
        break;
      case RecordIdentity::kPerspectiveFieldNumber:
        out->perspective = fields.bytes();
        break;
      case RecordIdentity::kUidFieldNumber:
        out->uid = fields.bytes();
        break;
      default:
        break;
    }
  }
  return fields.ok();
}

}  // namespace

bool GraphItemReader::ReadRecord(std::string_view bytes) {
  record_ = {};
  descriptors_.clear();
  bool sound = true;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.field()) {
      case RecordSnapshot::kRecordIdFieldNumber:
        record_.id = RecordId(static_cast<uint32_t>(fields.number()));
        break;
      case RecordSnapshot::kIdentityFieldNumber:
        sound = ReadIdentity(fields.bytes(), &record_) && sound;
        break;
      case RecordSnapshot::kDescriptorsFieldNumber:
        sound = AddDescriptor(fields.bytes()) && sound;
        break;
      case RecordSnapshot::kVersionFieldNumber:
        record_.version = static_cast<int64_t>(fields.number());
        break;
      case RecordSnapshot::kClusterKeyFieldNumber:
        record_.entity_name = fields.bytes();
        break;
      default:
        break;
    }
  }
  record_.descriptors = descriptors_;
  return sound && fields.ok();
}

bool GraphItemReader::ReadEntity(std::string_view bytes) {
  entity_ = {};
  descriptors_.clear();
  texts_.clear();
  bool sound = true;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.field()) {
      case GraphEntity::kIdFieldNumber:
        entity_.name = fields.bytes();
        break;
      case GraphEntity::kEntityTypeFieldNumber:
        entity_.entity_type = fields.bytes();
        break;
      case GraphEntity::kRecordsFieldNumber:
        texts_.push_back(fields.bytes());
        break;
      case GraphEntity::kGoldenFieldNumber:
        sound = AddDescriptor(fields.bytes()) && sound;
        break;
      default:
        break;
    }
  }
  entity_.records = texts_;
  entity_.golden = descriptors_;
  return sound && fields.ok();
}

bool GraphItemReader::ReadSameAs(std::string_view bytes) {
  same_as_ = {.source = {}, .target = {}, .key = {}, .values = {}, .interval = {0, 0}};
  texts_.clear();
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.field()) {
      case GraphSameAs::kSourceFieldNumber:
        same_as_.source = fields.bytes();
        break;
      case GraphSameAs::kTargetFieldNumber:
        same_as_.target = fields.bytes();
        break;
      case GraphSameAs::kKeyFieldNumber:
        same_as_.key = fields.bytes();
        break;
      case GraphSameAs::kValuesFieldNumber:
        texts_.push_back(fields.bytes());
        break;
      case GraphSameAs::kStartFieldNumber:
        same_as_.interval.start = static_cast<int64_t>(fields.number());
        break;
      case GraphSameAs::kEndFieldNumber:
        same_as_.interval.end = static_cast<int64_t>(fields.number());
        break;
      default:
        break;
    }
  }
  same_as_.values = texts_;
  return fields.ok();
}

bool GraphItemReader::AddDescriptor(std::string_view bytes) {
  DescriptorView& out = descriptors_.emplace_back();
  out.interval = {0, 0};  // what a field that is not there means
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.field()) {
      case RecordDescriptor::kAttrFieldNumber:
        out.attribute = fields.bytes();
        break;
      case RecordDescriptor::kValueFieldNumber:
        out.value = fields.bytes();
        break;
      case RecordDescriptor::kStartFieldNumber:
        out.interval.start = static_cast<int64_t>(fields.number());
        break;
      case RecordDescriptor::kEndFieldNumber:
        out.interval.end = static_cast<int64_t>(fields.number());
        break;
      default:
        break;
    }
  }
  return fields.ok();
}

}  // namespace unirust::proto
