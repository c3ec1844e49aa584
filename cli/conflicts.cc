// `unirust conflicts`: the entries of semantics.md, section 8.
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

constexpr int kNamesShown = 4;  // in a table; --json has all

std::string Sources(const proto::ConflictSummary& conflict) {
  std::string text;
  for (int i = 0; i < std::min(conflict.records_size(), kNamesShown); ++i) {
    const proto::RecordRef& record = conflict.records(i);
    text += (i == 0 ? "" : ", ") + record.perspective() + "/" + record.uid();
  }
  if (conflict.record_count() > static_cast<uint64_t>(kNamesShown)) {
    text += ", ... (" + WithSeparators(conflict.record_count()) + ")";
  }
  return text;
}

void AddRow(const proto::ConflictSummary& conflict, Table* table) {
  table->Row({conflict.kind(), conflict.attribute(), TimeText(conflict.start()),
              TimeText(conflict.end()), conflict.key().empty() ? conflict.cause() : conflict.key(),
              Join(conflict.values(), " | "), conflict.entity_type(), Sources(conflict)});
}

}  // namespace

absl::Status Run(const ConflictsFlags& flags) {
  proto::StreamConflictsRequest request;
  if (flags.from || flags.to) {
    UNIRUST_ASSIGN_OR_RETURN(const Interval interval, ParseInterval(flags.from, flags.to));
    request.set_start(interval.start);
    request.set_end(interval.end);
  }
  request.set_attribute(flags.attribute);
  request.set_kind(flags.kind);
  request.set_allow_partial(flags.allow_partial);
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  Table table({"kind", "attribute", "from", "to", "cause or key", "values", "type", "records"},
              out.get());
  MissingParts missing;
  const std::function<size_t(const proto::StreamConflictsChunk&)> take =
      [&](const proto::StreamConflictsChunk& chunk) {
        for (const proto::ConflictSummary& conflict : chunk.conflicts()) {
          if (flags.json) {
            out->Write(ConflictLine(conflict) + "\n");
          } else {
            AddRow(conflict, &table);
          }
        }
        missing.Note(chunk);
        return static_cast<size_t>(chunk.conflicts_size());
      };
  UNIRUST_ASSIGN_OR_RETURN(
      const std::string cursor,
      List(*client, &Router::StreamConflicts, request, flags.limit, flags.cursor, take));
  table.Finish();
  if (!flags.json && table.rows() == 0) out->Write("no conflicts\n");
  PrintCursor(cursor, flags.json, out.get());
  return missing.TellAndClose(flags.json, out.get());
}

}  // namespace unirust::cli
