// `unirust retention show|advance`.
#include <string>

#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_line.h"
#include "cli/output.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

void AddStatus(const proto::RetentionStatus& status, JsonLine* line) {
  line->Number("shard", status.shard_id());
  if (status.has_declared()) line->Number("declared", status.declared());
  if (status.has_earliest_due()) line->Number("earliest_due", status.earliest_due());
}

absl::Status Print(const std::string& text) {
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  out->Write(text);
  return out->Close();
}

}  // namespace

absl::Status Run(const RetentionShowFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::GetRetentionResponse response;
  UNIRUST_RETURN_IF_ERROR(
      client->Call(&Router::GetRetention, proto::GetRetentionRequest(), &response));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  Table table({"shard", "declared", "earliest due"}, out.get());
  for (const proto::RetentionStatus& status : response.shards()) {
    if (flags.json) {
      JsonLine line;
      AddStatus(status, &line.Text("type", "retention"));
      out->Write(line.Take() + "\n");
    } else {
      table.Row({std::to_string(status.shard_id()),
                 status.has_declared() ? std::to_string(status.declared()) : "none",
                 status.has_earliest_due() ? std::to_string(status.earliest_due()) : "none"});
    }
  }
  table.Finish();
  return out->Close();
}

absl::Status Run(const RetentionAdvanceFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::AdvanceRetentionRequest request;
  request.set_now(flags.now);
  proto::AdvanceRetentionResponse response;
  UNIRUST_RETURN_IF_ERROR(client->Call(&Router::AdvanceRetention, request, &response));
  if (!flags.json) {
    return Print(WithSeparators(response.descriptors()) + " descriptors of " +
                 WithSeparators(response.records()) + " records expired\n");
  }
  const auto shards =
      JsonArray(response.shards(), [](std::string* json, const proto::RetentionStatus& status) {
        JsonLine line;
        AddStatus(status, &line);
        *json += line.Take();
      });
  return Print(JsonLine()
                   .Text("type", "retention_advance")
                   .Number("records", response.records())
                   .Number("descriptors", response.descriptors())
                   .Json("shards", shards)
                   .Take() +
               "\n");
}

}  // namespace unirust::cli
