#include "text/csv_writes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::text {
namespace {

bool SameKey(const Write& a, const Write& b) {
  return a.identity == b.identity && a.version == b.version && a.retract == b.retract;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CsvWrites>> CsvWrites::Create(LineReader lines,
                                                             const CsvMapping& mapping) {
  std::unique_ptr<CsvWrites> writes(new CsvWrites(CsvReader(std::move(lines))));
  UNIRUST_RETURN_IF_ERROR(writes->ReadHeader(mapping));
  return writes;
}

absl::Status CsvWrites::ReadHeader(const CsvMapping& mapping) {
  UNIRUST_ASSIGN_OR_RETURN(const bool more, rows_.Next(&row_));
  if (!more) return absl::InvalidArgumentError("there is no header row");
  columns_ = row_.cells;
  absl::flat_hash_map<std::string, size_t> places;
  for (const std::string& column : columns_) {
    if (!places.emplace(column, places.size()).second) {
      return absl::InvalidArgumentError("two columns are named \"" + column + "\"");
    }
  }
  std::string missing;
  const auto find = [&](const std::string& column) {
    const auto place = places.find(column);
    if (place != places.end()) return place->second;
    missing += (missing.empty() ? "\"" : ", \"") + column + "\"";
    return kNone;
  };
  const auto find_if_named = [&](const std::string& column) {
    return column.empty() ? kNone : find(column);
  };
  const auto part = [&](const CsvMapping::Part& p) {
    return Part{find_if_named(p.column), p.constant};
  };
  entity_type_ = part(mapping.entity_type);
  perspective_ = part(mapping.perspective);
  uid_ = part(mapping.uid);
  version_ = find_if_named(mapping.version_column);
  op_ = find_if_named(mapping.op_column);
  for (const CsvMapping::Attribute& a : mapping.attributes) {
    attributes_.push_back({a.attribute, find(a.column), find_if_named(a.start_column),
                           find_if_named(a.end_column), a.keep_empty});
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("the header lacks columns that the mapping names: " + missing);
}

absl::StatusOr<bool> CsvWrites::Next(Write* write, uint64_t* line) {
  while (next_item_ == items_.size()) {
    items_.clear();
    next_item_ = 0;
    UNIRUST_ASSIGN_OR_RETURN(const bool more, ReadItem());
    if (!more && items_.empty()) return false;
  }
  Item& item = items_[next_item_++];
  *line = item.line;
  if (!item.status.ok()) return item.status;
  *write = std::move(item.write);
  return true;
}

// Reads one row, which may make items ready. False at the end.
absl::StatusOr<bool> CsvWrites::ReadItem() {
  const absl::StatusOr<bool> more = rows_.Next(&row_);
  if (more.ok() && !*more) {
    CloseGroup();
    return false;
  }
  if (more.ok()) {
    AddRow();
  } else if (absl::IsInvalidArgument(more.status())) {
    unreadable_line_ = row_.line;
    AddFault(row_.line, more.status());
  } else {
    return more.status();
  }
  return true;
}

void CsvWrites::AddRow() {
  Write key;
  if (const absl::Status fault = ReadKey(&key); !fault.ok()) {
    unreadable_line_ = row_.line;
    AddFault(row_.line, fault);
    return;
  }
  if (!group_ || !SameKey(group_->write, key)) {
    CloseGroup();
    group_ = Group{.write = std::move(key), .line = row_.line};
  } else if (unreadable_line_ > 0) {
    group_->bad_line = unreadable_line_;
  }
  unreadable_line_ = 0;
  const absl::Status fault = AddDescriptors(&*group_);
  if (fault.ok()) {
    group_->has_good_rows = true;
  } else {
    group_->bad_line = row_.line;
    AddFault(row_.line, fault);
  }
}

void CsvWrites::CloseGroup() {
  if (!group_) return;
  Group group = *std::exchange(group_, std::nullopt);
  if (group.bad_line == 0) {
    absl::Status status = Check(group.write);
    items_.push_back({std::move(status), std::move(group.write), group.line});
  } else if (group.has_good_rows) {
    AddFault(group.line, absl::InvalidArgumentError(
                             RecordName(group.write.identity) + " is left out, because line " +
                             std::to_string(group.bad_line) + " belongs to it"));
  }
}

void CsvWrites::AddFault(uint64_t line, absl::Status fault) {
  items_.push_back({std::move(fault), {}, line});
}

// The identity, version and op of the present row.
absl::Status CsvWrites::ReadKey(Write* key) const {
  if (row_.cells.size() != columns_.size()) {
    return absl::InvalidArgumentError(std::to_string(row_.cells.size()) +
                                      " cells, the header has " + std::to_string(columns_.size()));
  }
  const auto read = [&](const Part& part) {
    return part.cell == kNone ? part.constant : row_.cells[part.cell];
  };
  key->identity = {read(entity_type_), read(perspective_), read(uid_)};
  if (version_ != kNone && !row_.cells[version_].empty()) {
    UNIRUST_ASSIGN_OR_RETURN(key->version, ReadInteger(version_));
  }
  if (op_ == kNone) return absl::OkStatus();
  const std::string& op = row_.cells[op_];
  key->retract = op == "delete";
  if (key->retract || op == "upsert" || op.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("column " + columns_[op_] +
                                    ": upsert, delete or nothing is needed, not \"" +
                                    op.substr(0, 60) + "\"");
}

absl::Status CsvWrites::AddDescriptors(Group* group) const {
  for (const std::string& cell : row_.cells) group->bytes += cell.size();
  std::vector<Descriptor>& descriptors = group->write.descriptors;
  if (group->bytes > limits::kInputLineBytesMax ||
      descriptors.size() + attributes_.size() > limits::kDescriptorsPerRecordMax) {
    return absl::InvalidArgumentError("too many rows of " + RecordName(group->write.identity));
  }
  for (const Attribute& attribute : attributes_) {
    const std::string& value = row_.cells[attribute.cell];
    if (value.empty() && !attribute.keep_empty) continue;
    Descriptor descriptor{attribute.attribute, value, {}};
    if (attribute.start != kNone && !row_.cells[attribute.start].empty()) {
      UNIRUST_ASSIGN_OR_RETURN(descriptor.interval.start, ReadInteger(attribute.start));
    }
    if (attribute.end != kNone && !row_.cells[attribute.end].empty()) {
      UNIRUST_ASSIGN_OR_RETURN(descriptor.interval.end, ReadInteger(attribute.end));
    }
    descriptors.push_back(std::move(descriptor));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CsvWrites::ReadInteger(size_t cell) const {
  const std::string& text = row_.cells[cell];
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return absl::InvalidArgumentError("column " + columns_[cell] +
                                    ": a 64-bit integer is needed, not \"" + text.substr(0, 60) +
                                    "\"");
}

}  // namespace unirust::text
