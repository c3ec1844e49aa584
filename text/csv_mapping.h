// What the columns of a CSV file mean (docs/ingest-formats.md). A pure value, read from JSON:
//
//   {"entity_type": {"constant": "person"}, "perspective": {"constant": "crm"}, "uid": "Customer
//   No",
//    "start": "valid from", "attributes": {"E-Mail": "email", "Phone": {"attribute": "phone",
//    "empty": "keep"}}}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace unirust::text {

struct CsvMapping {
  // A part of the identity: the cell of `column`, or `constant` where there is no column.
  struct Part {
    std::string column;
    std::string constant;
    bool operator==(const Part&) const = default;
  };

  // One descriptor of each row, unless the cell is empty and keep_empty is false.
  struct Attribute {
    std::string column;
    std::string attribute;
    std::string start_column;  // empty: unbounded
    std::string end_column;    // empty: unbounded
    bool keep_empty = false;
    bool operator==(const Attribute&) const = default;
  };

  Part entity_type;
  Part perspective;
  Part uid;
  std::string version_column;  // empty: no version
  std::string op_column;       // empty: all are upserts
  std::vector<Attribute> attributes;
  bool operator==(const CsvMapping&) const = default;
};

// INVALID_ARGUMENT names the first field at fault, e.g. "attributes.Phone.empty: \"skip\" or
// \"keep\" is needed". At most limits::kCsvMappingBytesMax.
absl::StatusOr<CsvMapping> ParseCsvMapping(std::string_view json);

}  // namespace unirust::text
