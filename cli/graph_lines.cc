#include "cli/graph_lines.h"

#include <cstring>
#include <span>

#include "cli/json_line.h"
#include "cli/objects.h"
#include "model/record.h"
#include "text/json_writer.h"

namespace unirust::cli {
namespace {

using text::JsonStringRoom;
using text::WriteJsonString;

template <size_t kSize>
char* Write(const char (&text)[kSize], char* to) {
  std::memcpy(to, text, kSize - 1);
  return to + kSize - 1;
}

void Append(std::string_view key, std::string_view text, ByteBuffer* lines) {
  lines->Append(key);
  lines->EndAt(WriteJsonString(text, lines->Room(JsonStringRoom(text))));
}

void Append(std::string_view key, int64_t number, ByteBuffer* lines) {
  lines->Append(key);
  lines->EndAt(WriteNumber(number, lines->Room(kNumberBytesMax)));
}

void Append(std::string_view key, std::span<const DescriptorView> descriptors, ByteBuffer* lines) {
  lines->Append(key);
  std::string_view before;
  for (const DescriptorView& d : descriptors) {
    lines->Append(before);
    lines->EndAt(WriteDescriptor(d, lines->Room(DescriptorRoom(d))));
    before = ", ";
  }
}

void Append(std::string_view key, std::span<const std::string_view> texts, ByteBuffer* lines) {
  lines->Append(key);
  std::string_view before;
  for (const std::string_view text : texts) {
    Append(before, text, lines);
    before = ", ";
  }
}

void Append(const GraphEntity& entity, ByteBuffer* lines) {
  Append(R"({"entity_type": )", entity.entity_type, lines);
  Append(R"(, "golden": [)", entity.golden, lines);
  Append(R"(], "id": )", entity.name, lines);
  Append(R"(, "records": [)", entity.records, lines);
  lines->Append("], \"type\": \"entity\"}\n");
}

void Append(const GraphSameAs& edge, ByteBuffer* lines) {
  Append(R"({"end": )", edge.interval.end, lines);
  Append(R"(, "key": )", edge.key, lines);
  Append(R"(, "source": )", edge.source, lines);
  Append(R"(, "start": )", edge.interval.start, lines);
  Append(R"(, "target": )", edge.target, lines);
  Append(R"(, "type": "same_as", "values": [)", edge.values, lines);
  lines->Append("]}\n");
}

void Append(const GraphRecord& record, std::string_view name, ByteBuffer* lines) {
  Append(R"({"descriptors": [)", record.descriptors, lines);
  Append(R"(], "id": )", name, lines);
  lines->Append(", \"type\": \"record\"}\n");
}

// The kinds of which there are few, as messages.
bool AppendMessage(std::string_view item, ByteBuffer* lines) {
  proto::GraphItem message;
  if (!message.ParseFromArray(item.data(), static_cast<int>(item.size()))) return false;
  lines->Append(message.has_conflict() ? ConflictLine(message.conflict())
                                       : GenericLine(message.generic()));
  lines->Append("\n");
  return true;
}

}  // namespace

size_t DescriptorRoom(const DescriptorView& descriptor) {
  return 64 + 2 * kNumberBytesMax + JsonStringRoom(descriptor.attribute) +
         JsonStringRoom(descriptor.value);
}

char* WriteDescriptor(const DescriptorView& descriptor, char* to) {
  to = WriteJsonString(descriptor.attribute, Write(R"({"attr": )", to));
  to = WriteNumber(descriptor.interval.end, Write(R"(, "end": )", to));
  to = WriteNumber(descriptor.interval.start, Write(R"(, "start": )", to));
  to = WriteJsonString(descriptor.value, Write(R"(, "value": )", to));
  *to++ = '}';
  return to;
}

absl::Status GraphLines::Append(std::string_view item, ByteBuffer* lines) {
  bool sound = reader_.Read(item);
  switch (reader_.kind()) {
    case proto::GraphItem::kRecord: {
      const GraphRecord& record = reader_.record();
      name_.clear();
      AppendRecordName(&name_, record.entity_type, record.perspective, record.uid);
      cli::Append(record, name_, lines);
      break;
    }
    case proto::GraphItem::kEntity:
      cli::Append(reader_.entity(), lines);
      break;
    case proto::GraphItem::kSameAs:
      cli::Append(reader_.same_as(), lines);
      break;
    case proto::GraphItem::kConflict:
    case proto::GraphItem::kGeneric:
      sound = sound && AppendMessage(item, lines);
      break;
    case proto::GraphItem::ITEM_NOT_SET:
      lines->Append("{}\n");
      break;
  }
  return sound ? absl::OkStatus() : absl::InternalError("an item of the graph does not decode");
}

}  // namespace unirust::cli
