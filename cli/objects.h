// The JSON objects that commands print, one line each: what docs/cli.md and semantics.md, section
// 11 describe. The canonical lines are here too, since `--json` and the formats use the same
// objects.
#pragma once

#include <string>

#include "cli/json_line.h"
#include "proto/unirust.pb.h"

namespace unirust::cli {

std::string NameOf(const proto::RecordIdentity& identity);

// Names of the records that a conflict lists.
std::vector<std::string> RecordNames(const proto::ConflictSummary& conflict);

// {"attr": ..., "end": ..., "start": ..., "value": ...}; most of what is ever printed.
struct AppendDescriptor {
  template <typename Descriptor>
  void operator()(std::string* json, const Descriptor& d) const {
    json->append("{\"attr\": ");
    text::AppendJsonString(json, d.attr());
    json->append(", \"end\": ");
    AppendNumber(json, d.end());
    json->append(", \"start\": ");
    AppendNumber(json, d.start());
    json->append(", \"value\": ");
    text::AppendJsonString(json, d.value());
    json->push_back('}');
  }
};

template <typename Descriptors>
std::string DescriptorsJson(const Descriptors& descriptors) {
  return JsonArray(descriptors, AppendDescriptor());
}

// --- lines of the canonical export, without a newline
// ---------------------------------------------

// `spent`: a line that is no longer needed, for its memory.
std::string ItemLine(const proto::GraphItem& item, std::string spent = {});
std::string ConflictLine(const proto::ConflictSummary& conflict, std::string spent = {});

// --- lines of the other commands
// -------------------------------------------------------------------

// As the canonical record, and `entity` and `version`.
std::string ScannedRecordLine(const proto::RecordSnapshot& record);

// {"type": "match", "entity", "start", "end", "strongest_key", "golden"}
std::string MatchLine(const proto::QueryMatch& match);

// {"type": "query_conflict", "start", "end", "matches": [two matches], "descriptors"}
std::string QueryConflictLine(const proto::QueryConflict& conflict);

// {"type": "entity", "id", "entity_type", "strongest_key", "golden", "records": [scanned records]}
std::string EntityAnswerLine(const proto::GetEntityResponse& entity);

}  // namespace unirust::cli
