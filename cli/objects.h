// The JSON objects that commands print, one line each: what docs/cli.md and semantics.md, section
// 11 describe.
#pragma once

#include <string>

#include "cli/graph_lines.h"
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
    const DescriptorView view{d.attr(), d.value(), {d.start(), d.end()}};
    const size_t size = json->size();
    json->resize(size + DescriptorRoom(view));
    json->resize(static_cast<size_t>(WriteDescriptor(view, json->data() + size) - json->data()));
  }
};

template <typename Descriptors>
std::string DescriptorsJson(const Descriptors& descriptors) {
  return JsonArray(descriptors, AppendDescriptor());
}

// --- lines of the canonical export, without a newline; the others are in graph_lines.h -----------

std::string ConflictLine(const proto::ConflictSummary& conflict);
std::string GenericLine(const proto::GraphGeneric& generic);

// --- lines of the other commands -----------------------------------------------------------------

// As the canonical record, and `entity` and `version`.
std::string ScannedRecordLine(const proto::RecordSnapshot& record);

// {"type": "match", "entity", "start", "end", "strongest_key", "golden"}
std::string MatchLine(const proto::QueryMatch& match);

// {"type": "query_conflict", "start", "end", "matches": [two matches], "descriptors"}
std::string QueryConflictLine(const proto::QueryConflict& conflict);

// {"type": "entity", "id", "entity_type", "strongest_key", "golden", "records": [scanned records]}
std::string EntityAnswerLine(const proto::GetEntityResponse& entity);

}  // namespace unirust::cli
