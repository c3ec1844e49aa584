// `unirust query`: entities by descriptors (semantics.md, 10).
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/listing.h"
#include "cli/missing_parts.h"
#include "cli/objects.h"
#include "cli/output.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

const std::vector<std::string> kHeading = {"entity",       "from",       "to",      "attribute",
                                           "golden value", "value from", "value to"};

// One row for each golden value; the entity is named in the first.
void AddMatch(const proto::QueryMatch& match, Table* table) {
  std::vector<std::string> row = {
      match.cluster_key(), TimeText(match.start()), TimeText(match.end()), "", "", "", ""};
  for (const proto::GoldenDescriptor& golden : match.golden()) {
    row[3] = golden.attr();
    row[4] = golden.value();
    row[5] = TimeText(golden.start());
    row[6] = TimeText(golden.end());
    table->Row(row);
    row[0] = row[1] = row[2] = "";
  }
  if (match.golden().empty()) table->Row(row);
}

template <typename Request>
absl::StatusOr<Request> MakeRequest(const QueryFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const Interval interval,
                           ParseInterval(flags.interval.start, flags.interval.end));
  Request request;
  request.set_start(interval.start);
  request.set_end(interval.end);
  request.set_allow_partial(flags.allow_partial);
  for (const std::string& text : flags.pairs) {
    UNIRUST_ASSIGN_OR_RETURN(*request.add_descriptors(), ParsePair(text));
  }
  return request;
}

void PrintMatches(const google::protobuf::RepeatedPtrField<proto::QueryMatch>& matches, bool json,
                  Table* table, Output* out) {
  for (const proto::QueryMatch& match : matches) {
    if (json) {
      out->Write(MatchLine(match) + "\n");
    } else {
      AddMatch(match, table);
    }
  }
}

absl::Status FindAll(Client& client, const QueryFlags& flags, MissingParts* missing, Output* out) {
  UNIRUST_ASSIGN_OR_RETURN(const auto request, MakeRequest<proto::FindEntitiesRequest>(flags));
  Table table(kHeading, out);
  const std::function<absl::StatusOr<bool>(const proto::FindEntitiesChunk&)> take =
      [&](const proto::FindEntitiesChunk& chunk) -> absl::StatusOr<bool> {
    PrintMatches(chunk.matches(), flags.json, &table, out);
    missing->Note(chunk);
    UNIRUST_RETURN_IF_ERROR(out->status());
    return true;
  };
  UNIRUST_RETURN_IF_ERROR(client.Stream(&Router::FindEntities, request, take));
  table.Finish();
  if (!flags.json && table.rows() == 0) out->Write("no match\n");
  return absl::OkStatus();
}

void PrintOutcome(const proto::QueryEntitiesResponse& response, bool json, Output* out) {
  if (json && response.has_conflict()) {
    out->Write(QueryConflictLine(response.conflict()) + "\n");
    return;
  }
  Table table(kHeading, out);
  if (response.has_conflict()) {
    out->Write("conflict: two entities of one type match " + IntervalText(response.conflict()) +
               "\n");
    PrintMatches(response.conflict().clusters(), json, &table, out);
  } else {
    PrintMatches(response.matches().matches(), json, &table, out);
  }
  table.Finish();
  if (!json && table.rows() == 0) out->Write("no match\n");
}

}  // namespace

absl::Status Run(const QueryFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto request, MakeRequest<proto::QueryEntitiesRequest>(flags));
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  MissingParts missing;
  if (flags.all) {
    UNIRUST_RETURN_IF_ERROR(FindAll(*client, flags, &missing, out.get()));
    return missing.TellAndClose(flags.json, out.get());
  }
  proto::QueryEntitiesResponse response;
  const absl::Status status = client->Call(&Router::QueryEntities, request, &response);
  if (absl::IsResourceExhausted(status)) {
    return WithHint(status, "Stream the matches with --all, or ask for less.");
  }
  UNIRUST_RETURN_IF_ERROR(status);
  PrintOutcome(response, flags.json, out.get());
  missing.Note(response);
  return missing.TellAndClose(flags.json, out.get());
}

}  // namespace unirust::cli
