// `unirust scan`: records as their sources tell them.
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/listing.h"
#include "cli/missing_parts.h"
#include "cli/objects.h"
#include "cli/output.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

absl::StatusOr<proto::ScanRecordsRequest> MakeRequest(const ScanFlags& flags) {
  proto::ScanRecordsRequest request;
  if (!flags.pair.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(*request.mutable_descriptor(), ParsePair(flags.pair));
  }
  request.set_entity_type(flags.entity_type);
  request.set_perspective(flags.perspective);
  request.set_allow_partial(flags.allow_partial);
  if (flags.from || flags.to) {
    UNIRUST_ASSIGN_OR_RETURN(const Interval interval, ParseInterval(flags.from, flags.to));
    request.set_start(interval.start);
    request.set_end(interval.end);
  }
  return request;
}

// One row for each descriptor; the record is named in its first.
void AddRows(const proto::RecordSnapshot& record, Table* table) {
  std::vector<std::string> row = {NameOf(record.identity()), record.cluster_key(), "", "", "", ""};
  for (const proto::RecordDescriptor& descriptor : record.descriptors()) {
    row[2] = descriptor.attr();
    row[3] = descriptor.value();
    row[4] = TimeText(descriptor.start());
    row[5] = TimeText(descriptor.end());
    table->Row(row);
    row[0] = row[1] = "";
  }
  if (record.descriptors().empty()) table->Row(row);
}

}  // namespace

absl::Status Run(const ScanFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto request, MakeRequest(flags));
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  Table table({"record", "entity", "attribute", "value", "from", "to"}, out.get());
  MissingParts missing;
  const std::function<size_t(const proto::ScanRecordsChunk&)> take =
      [&](const proto::ScanRecordsChunk& chunk) {
        for (const proto::RecordSnapshot& record : chunk.records()) {
          if (flags.json) {
            out->Write(ScannedRecordLine(record) + "\n");
          } else {
            AddRows(record, &table);
          }
        }
        missing.Note(chunk);
        return static_cast<size_t>(chunk.records_size());
      };
  UNIRUST_ASSIGN_OR_RETURN(const std::string cursor, List(*client, &Router::ScanRecords, request,
                                                          flags.limit, flags.cursor, take));
  table.Finish();
  if (!flags.json && table.rows() == 0) out->Write("no records\n");
  PrintCursor(cursor, flags.json, out.get());
  return missing.TellAndClose(flags.json, out.get());
}

}  // namespace unirust::cli
