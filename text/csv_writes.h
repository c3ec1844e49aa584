// From CSV rows to writes, by a mapping. Rows that follow each other directly and have the same
// identity, version and op make one write, so that a record whose values change over time can take
// several rows.
//
// Nothing is half applied: if a row of a write is bad, the whole write is left out. A row whose
// cells cannot be told apart, or whose version or op cannot be read, is taken to belong to the rows
// around it if these are one write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/record.h"
#include "text/csv.h"
#include "text/csv_mapping.h"

namespace unirust::text {

// Not thread-safe.
class CsvWrites {
 public:
  // Reads the header. INVALID_ARGUMENT if there is none, if two columns have one name, or if a
  // column of the mapping is missing; the status of the read otherwise.
  static absl::StatusOr<std::unique_ptr<CsvWrites>> Create(LineReader lines,
                                                           const CsvMapping& mapping);

  // As WriteReader::Next: `*line` is where the write begins, or where the fault is.
  absl::StatusOr<bool> Next(Write* write, uint64_t* line);

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  // Where to find what, as positions in a row.
  struct Part {
    size_t cell = kNone;
    std::string constant;
  };
  struct Attribute {
    std::string attribute;
    size_t cell = kNone;
    size_t start = kNone;
    size_t end = kNone;
    bool keep_empty = false;
  };

  // The write that the last rows belong to, until a row shows that it is complete.
  struct Group {
    Write write;
    uint64_t line = 0;      // of its first row
    uint64_t bad_line = 0;  // of a bad row; 0: none
    bool has_good_rows = false;
    size_t bytes = 0;
  };

  // A write, or why there is none.
  struct Item {
    absl::Status status;
    Write write;
    uint64_t line = 0;
  };

  explicit CsvWrites(CsvReader rows) : rows_(std::move(rows)) {}
  absl::Status ReadHeader(const CsvMapping& mapping);
  absl::StatusOr<bool> ReadItem();
  void AddRow();
  void CloseGroup();
  void AddFault(uint64_t line, absl::Status fault);
  absl::Status ReadKey(Write* key) const;
  absl::Status AddDescriptors(Group* group) const;
  absl::StatusOr<int64_t> ReadInteger(size_t cell) const;

  CsvReader rows_;
  CsvRow row_;
  std::vector<std::string> columns_;
  Part entity_type_, perspective_, uid_;
  size_t version_ = kNone;
  size_t op_ = kNone;
  std::vector<Attribute> attributes_;

  std::optional<Group> group_;
  uint64_t unreadable_line_ =
      0;  // of a row since the last one of group_ whose identity is unknown; 0: none
  std::vector<Item> items_;  // ready, to be handed out in order; at most two
  size_t next_item_ = 0;
};

}  // namespace unirust::text
