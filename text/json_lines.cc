#include "text/json_lines.h"

#include <simdjson.h>

#include <string>

#include "base/status_macros.h"
#include "text/json_fields.h"
#include "text/json_writer.h"

namespace unirust::text {
namespace {

namespace dom = simdjson::dom;

// The members of a line, found but not yet checked. Of a repeated one the last counts.
struct LineFields {
  JsonField entity_type, perspective, uid, version, op, descriptors;

  JsonField* Find(std::string_view name) {
    if (name == "entity_type") return &entity_type;
    if (name == "perspective") return &perspective;
    if (name == "uid") return &uid;
    if (name == "version") return &version;
    if (name == "op") return &op;
    if (name == "descriptors") return &descriptors;
    return nullptr;
  }
};

absl::Status ReadDescriptor(const dom::object& object, Descriptor* descriptor) {
  JsonField attr, value, start, end;
  for (const auto& [name, member] : object) {
    if (name == "attr") attr = member;
    if (name == "value") value = member;
    if (name == "start") start = member;
    if (name == "end") end = member;
  }
  UNIRUST_ASSIGN_OR_RETURN(descriptor->attribute, JsonText("attr", attr));
  UNIRUST_ASSIGN_OR_RETURN(descriptor->value, JsonText("value", value, /*empty_allowed=*/true));
  if (start) {
    UNIRUST_ASSIGN_OR_RETURN(descriptor->interval.start, JsonInteger("start", *start));
  }
  if (end) {
    UNIRUST_ASSIGN_OR_RETURN(descriptor->interval.end, JsonInteger("end", *end));
  }
  return absl::OkStatus();
}

absl::Status ReadDescriptors(const dom::element& list, std::vector<Descriptor>* descriptors) {
  dom::array array;
  if (list.get_array().get(array) != simdjson::SUCCESS) {
    return WrongJson("descriptors", "a list", list);
  }
  descriptors->reserve(array.size());
  const auto place = [descriptors] {
    return "descriptors[" + std::to_string(descriptors->size() - 1) + "]";
  };
  for (const dom::element& element : array) {
    Descriptor& descriptor = descriptors->emplace_back();
    dom::object object;
    if (element.get_object().get(object) != simdjson::SUCCESS) {
      return WrongJson(place(), "an object", element);
    }
    const absl::Status status = ReadDescriptor(object, &descriptor);
    if (!status.ok()) {
      return absl::InvalidArgumentError(place() + "." + std::string(status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadWrite(const LineFields& fields, Write* write) {
  Identity& identity = write->identity;
  UNIRUST_ASSIGN_OR_RETURN(identity.entity_type, JsonText("entity_type", fields.entity_type));
  UNIRUST_ASSIGN_OR_RETURN(identity.perspective, JsonText("perspective", fields.perspective));
  UNIRUST_ASSIGN_OR_RETURN(identity.uid, JsonText("uid", fields.uid));
  if (fields.version) {
    UNIRUST_ASSIGN_OR_RETURN(write->version, JsonInteger("version", *fields.version));
  }
  if (fields.op) {
    std::string_view op;
    const bool is_text = fields.op->get_string().get(op) == simdjson::SUCCESS;
    if (!is_text || (op != "upsert" && op != "delete")) {
      return WrongJson("op", "\"upsert\" or \"delete\"", fields.op);
    }
    write->retract = op == "delete";
  }
  if (fields.descriptors) return ReadDescriptors(*fields.descriptors, &write->descriptors);
  if (write->retract) return absl::OkStatus();
  return absl::InvalidArgumentError("descriptors: missing (an empty list is allowed)");
}

void AppendDescriptor(const Descriptor& descriptor, std::string* out) {
  *out += "{\"attr\": ";
  AppendJsonString(out, descriptor.attribute);
  *out += ", \"value\": ";
  AppendJsonString(out, descriptor.value);
  const auto [start, end] = descriptor.interval;
  if (start != kMinTime) *out += ", \"start\": " + std::to_string(start);
  if (end != kMaxTime) *out += ", \"end\": " + std::to_string(end);
  *out += '}';
}

}  // namespace

struct JsonLinesReader::Impl {
  dom::parser parser;
};

JsonLinesReader::JsonLinesReader() : impl_(std::make_unique<Impl>()) {}
JsonLinesReader::~JsonLinesReader() = default;

absl::Status JsonLinesReader::Parse(std::string_view line, Write* write) {
  dom::element root;
  const simdjson::error_code error = impl_->parser.parse(line.data(), line.size()).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    return absl::InvalidArgumentError("not JSON: a number is malformed or too large");
  }
  if (error != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(std::string("not JSON: ") + simdjson::error_message(error));
  }
  dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS) {
    return WrongJson("line", "an object", root);
  }
  LineFields fields;
  for (const auto& [name, value] : object) {
    JsonField* field = fields.Find(name);
    if (field == nullptr) {
      return absl::InvalidArgumentError("unknown field \"" + std::string(name.substr(0, 60)) +
                                        "\"");
    }
    *field = value;
  }
  *write = Write{};
  UNIRUST_RETURN_IF_ERROR(ReadWrite(fields, write));
  return Check(*write);
}

void AppendJsonLine(const Write& write, std::string* out) {
  *out += "{\"entity_type\": ";
  AppendJsonString(out, write.identity.entity_type);
  *out += ", \"perspective\": ";
  AppendJsonString(out, write.identity.perspective);
  *out += ", \"uid\": ";
  AppendJsonString(out, write.identity.uid);
  if (write.version) *out += ", \"version\": " + std::to_string(*write.version);
  if (write.retract) *out += ", \"op\": \"delete\"";
  if (!write.retract || !write.descriptors.empty()) {
    *out += ", \"descriptors\": [";
    for (size_t i = 0; i < write.descriptors.size(); ++i) {
      if (i > 0) *out += ", ";
      AppendDescriptor(write.descriptors[i], out);
    }
    *out += ']';
  }
  *out += '}';
}

}  // namespace unirust::text
