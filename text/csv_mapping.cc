#include "text/csv_mapping.h"

#include <simdjson.h>

#include <map>

#include "base/limits.h"
#include "base/status_macros.h"
#include "text/json_fields.h"

namespace unirust::text {
namespace {

namespace dom = simdjson::dom;
using Fields = std::map<std::string_view, JsonField>;

// The members of an object. Every one must be a key of `*fields`, which receives their values.
absl::Status ReadFields(const std::string& place, const dom::element& value, Fields* fields) {
  dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return WrongJson(place, "an object", value);
  }
  for (const auto& [name, member] : object) {
    const auto field = fields->find(name);
    if (field == fields->end()) {
      return absl::InvalidArgumentError(place + ": unknown field \"" + std::string(name) + "\"");
    }
    field->second = member;
  }
  return absl::OkStatus();
}

// The name of a column; empty if the field is absent.
absl::StatusOr<std::string> ReadColumn(const std::string& place, const JsonField& field) {
  if (!field) return "";
  UNIRUST_ASSIGN_OR_RETURN(const std::string_view column, JsonText(place, field));
  return std::string(column);
}

absl::StatusOr<CsvMapping::Part> ReadPart(const std::string& place, const JsonField& field) {
  CsvMapping::Part part;
  if (!field || !field->is_object()) {
    UNIRUST_ASSIGN_OR_RETURN(part.column, JsonText(place, field));
    return part;
  }
  Fields fields{{"constant", {}}};
  UNIRUST_RETURN_IF_ERROR(ReadFields(place, *field, &fields));
  UNIRUST_ASSIGN_OR_RETURN(part.constant, JsonText(place + ".constant", fields["constant"]));
  return part;
}

// True for "keep"; `*keep` stays as it is where the field is absent.
absl::Status ReadEmpty(const std::string& place, const JsonField& field, bool* keep) {
  if (!field) return absl::OkStatus();
  std::string_view word;
  const bool is_text = field->get_string().get(word) == simdjson::SUCCESS;
  if (!is_text || (word != "skip" && word != "keep")) {
    return WrongJson(place, "\"skip\" or \"keep\"", field);
  }
  *keep = word == "keep";
  return absl::OkStatus();
}

// `*attribute` has the defaults of all columns when it comes in.
absl::Status ReadAttribute(const std::string& place, const dom::element& value,
                           CsvMapping::Attribute* attribute) {
  if (!value.is_object()) {
    UNIRUST_ASSIGN_OR_RETURN(attribute->attribute, JsonText(place, value));
    return absl::OkStatus();
  }
  Fields fields{{"attribute", {}}, {"start", {}}, {"end", {}}, {"empty", {}}};
  UNIRUST_RETURN_IF_ERROR(ReadFields(place, value, &fields));
  UNIRUST_ASSIGN_OR_RETURN(attribute->attribute,
                           JsonText(place + ".attribute", fields["attribute"]));
  if (fields["start"]) {
    UNIRUST_ASSIGN_OR_RETURN(attribute->start_column, JsonText(place + ".start", fields["start"]));
  }
  if (fields["end"]) {
    UNIRUST_ASSIGN_OR_RETURN(attribute->end_column, JsonText(place + ".end", fields["end"]));
  }
  return ReadEmpty(place + ".empty", fields["empty"], &attribute->keep_empty);
}

absl::Status ReadAttributes(const JsonField& value, const CsvMapping::Attribute& defaults,
                            std::vector<CsvMapping::Attribute>* attributes) {
  dom::object object;
  if (!value || value->get_object().get(object) != simdjson::SUCCESS) {
    return WrongJson("attributes", "an object from column to attribute", value);
  }
  for (const auto& [column, member] : object) {
    CsvMapping::Attribute attribute = defaults;
    attribute.column = column;
    UNIRUST_RETURN_IF_ERROR(ReadAttribute("attributes." + attribute.column, member, &attribute));
    attributes->push_back(std::move(attribute));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CsvMapping> ParseCsvMapping(std::string_view json) {
  if (json.size() > limits::kCsvMappingBytesMax) {
    return absl::InvalidArgumentError("the mapping has more than " +
                                      std::to_string(limits::kCsvMappingBytesMax) + " bytes");
  }
  dom::parser parser;
  dom::element root;
  const simdjson::error_code error = parser.parse(json.data(), json.size()).get(root);
  if (error != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(std::string("not JSON: ") + simdjson::error_message(error));
  }
  Fields fields{{"entity_type", {}}, {"perspective", {}}, {"uid", {}},
                {"version", {}},     {"op", {}},          {"start", {}},
                {"end", {}},         {"empty", {}},       {"attributes", {}}};
  UNIRUST_RETURN_IF_ERROR(ReadFields("mapping", root, &fields));
  CsvMapping mapping;
  CsvMapping::Attribute defaults;
  UNIRUST_ASSIGN_OR_RETURN(mapping.entity_type, ReadPart("entity_type", fields["entity_type"]));
  UNIRUST_ASSIGN_OR_RETURN(mapping.perspective, ReadPart("perspective", fields["perspective"]));
  UNIRUST_ASSIGN_OR_RETURN(mapping.uid, ReadPart("uid", fields["uid"]));
  UNIRUST_ASSIGN_OR_RETURN(mapping.version_column, ReadColumn("version", fields["version"]));
  UNIRUST_ASSIGN_OR_RETURN(mapping.op_column, ReadColumn("op", fields["op"]));
  UNIRUST_ASSIGN_OR_RETURN(defaults.start_column, ReadColumn("start", fields["start"]));
  UNIRUST_ASSIGN_OR_RETURN(defaults.end_column, ReadColumn("end", fields["end"]));
  UNIRUST_RETURN_IF_ERROR(ReadEmpty("empty", fields["empty"], &defaults.keep_empty));
  UNIRUST_RETURN_IF_ERROR(ReadAttributes(fields["attributes"], defaults, &mapping.attributes));
  return mapping;
}

}  // namespace unirust::text
