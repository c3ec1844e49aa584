#include "proto/write_list.h"

#include <string>
#include <utility>

#include "proto/unirust.pb.h"
#include "proto/wire_bytes.h"

namespace unirust::proto {
namespace {

constexpr int kRecords = IngestRecordsRequest::kRecordsFieldNumber;
static_assert(kRecords == +IngestRecordsChunk::kRecordsFieldNumber &&
              kRecords == +ImportRecordsRequest::kRecordsFieldNumber &&
              kRecords == +ImportRecordsChunk::kRecordsFieldNumber);

// The same in both kinds of records.
using Input = RecordInput;
static_assert(+Input::kIdentityFieldNumber == +RecordSnapshot::kIdentityFieldNumber &&
              +Input::kDescriptorsFieldNumber == +RecordSnapshot::kDescriptorsFieldNumber &&
              +Input::kVersionFieldNumber == +RecordSnapshot::kVersionFieldNumber);

bool ReadIdentity(std::string_view message, Identity* identity) {
  FieldReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(RecordIdentity::kEntityTypeFieldNumber)) {
      identity->entity_type = reader.bytes();
    } else if (reader.IsBytes(RecordIdentity::kPerspectiveFieldNumber)) {
      identity->perspective = reader.bytes();
    } else if (reader.IsBytes(RecordIdentity::kUidFieldNumber)) {
      identity->uid = reader.bytes();
    }
  }
  return reader.ok();
}

bool ReadDescriptor(std::string_view message, Descriptor* descriptor) {
  descriptor->interval = {0, 0};
  FieldReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(RecordDescriptor::kAttrFieldNumber)) {
      descriptor->attribute = reader.bytes();
    } else if (reader.IsBytes(RecordDescriptor::kValueFieldNumber)) {
      descriptor->value = reader.bytes();
    } else if (reader.IsNumber(RecordDescriptor::kStartFieldNumber)) {
      descriptor->interval.start = static_cast<int64_t>(reader.number());
    } else if (reader.IsNumber(RecordDescriptor::kEndFieldNumber)) {
      descriptor->interval.end = static_cast<int64_t>(reader.number());
    }
  }
  return reader.ok();
}

struct Read {
  Write write;
  uint32_t index = 0;
  int op = WRITE_OP_UPSERT;
  bool has_identity = false;
};

size_t CountDescriptors(std::string_view message) {
  size_t count = 0;
  for (FieldReader reader(message); reader.Next();) {
    if (reader.IsBytes(Input::kDescriptorsFieldNumber)) ++count;
  }
  return count;
}

bool ReadRecord(std::string_view message, Read* out) {
  out->write.descriptors.reserve(CountDescriptors(message));
  FieldReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(Input::kIdentityFieldNumber)) {
      out->has_identity = true;
      if (!ReadIdentity(reader.bytes(), &out->write.identity)) return false;
    } else if (reader.IsBytes(Input::kDescriptorsFieldNumber)) {
      if (!ReadDescriptor(reader.bytes(), &out->write.descriptors.emplace_back())) return false;
    } else if (reader.IsNumber(Input::kVersionFieldNumber)) {
      out->write.version = static_cast<int64_t>(reader.number());
    } else if (reader.IsNumber(Input::kIndexFieldNumber)) {
      out->index = static_cast<uint32_t>(reader.number());
    } else if (reader.IsNumber(Input::kOpFieldNumber)) {
      out->op = static_cast<int>(reader.number());
    }
  }
  return reader.ok();
}

// "records[3] person/crm/42: ", without the name where there is no identity.
std::string Position(size_t position, const Read& record) {
  std::string out = "records[" + std::to_string(position) + "] ";
  if (record.has_identity) out += RecordName(record.write.identity) + ": ";
  return out;
}

absl::Status CheckInput(size_t position, const Read& record) {
  std::string fault;
  if (!record.has_identity) {
    fault = "identity: is missing";
  } else if (!WriteOp_IsValid(record.op)) {
    fault = "op: " + std::to_string(record.op) + " is unknown";
  } else {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(Position(position, record) + fault);
}

}  // namespace

std::optional<WriteListSize> MeasureWriteList(std::string_view message) {
  WriteListSize size;
  FieldReader reader(message);
  while (reader.Next()) {
    if (!reader.IsBytes(kRecords)) continue;
    ++size.records;
    size.bytes += sizeof(Write) + reader.bytes().size() +
                  CountDescriptors(reader.bytes()) * sizeof(Descriptor);
  }
  if (!reader.ok()) return std::nullopt;
  return size;
}

std::optional<absl::Status> ReadWriteList(std::string_view message, ListOf what, WriteList* list) {
  FieldReader reader(message);
  while (reader.Next()) {
    if (!reader.IsBytes(kRecords)) continue;
    Read record;
    if (!ReadRecord(reader.bytes(), &record)) return std::nullopt;
    if (what == ListOf::kInputs) {
      const absl::Status status = CheckInput(list->writes.size(), record);
      list->indexes.push_back(record.index);
      if (!status.ok()) return status;
      record.write.retract = record.op == WRITE_OP_RETRACT;
    }
    list->writes.push_back(std::move(record.write));
  }
  if (!reader.ok()) return std::nullopt;
  return absl::OkStatus();
}

}  // namespace unirust::proto
