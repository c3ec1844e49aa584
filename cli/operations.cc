// `unirust stats` and `unirust checkpoint`.
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/output.h"
#include "cli/table.h"

namespace unirust::cli {

absl::Status Run(const StatsFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::StatsResponse stats;
  UNIRUST_RETURN_IF_ERROR(client->Call(&Router::GetStats, proto::StatsRequest(), &stats));
  proto::ConfigVersionResponse ontology;
  UNIRUST_RETURN_IF_ERROR(
      client->Call(&Router::GetConfigVersion, proto::ConfigVersionRequest(), &ontology));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  if (flags.json) {
    out->Write(JsonLine()
                   .Text("type", "stats")
                   .Number("records", stats.record_count())
                   .Number("entities", stats.cluster_count())
                   .Number("conflicts", stats.conflict_count())
                   .Number("graph_nodes", stats.graph_node_count())
                   .Number("graph_edges", stats.graph_edge_count())
                   .Text("ontology_version", ontology.version())
                   .Take() +
               "\n");
    return out->Close();
  }
  Table table({"what", "count"}, out.get());
  table.Row({"records", WithSeparators(stats.record_count())});
  table.Row({"entities", WithSeparators(stats.cluster_count())});
  table.Row({"conflicts", WithSeparators(stats.conflict_count())});
  table.Row({"graph nodes", WithSeparators(stats.graph_node_count())});
  table.Row({"graph edges", WithSeparators(stats.graph_edge_count())});
  table.Finish();
  out->Write("ontology version " + Printable(ontology.version()) + "\n");
  return out->Close();
}

absl::Status Run(const CheckpointFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::CheckpointRequest request;
  request.set_path(flags.name);
  proto::CheckpointResponse response;
  const absl::Status status = client->Call(&Router::Checkpoint, request, &response);
  if (absl::IsFailedPrecondition(status)) {
    return WithHint(status,
                    "Start the daemon with --backup-dir DIR, or give it here with --data-dir.");
  }
  UNIRUST_RETURN_IF_ERROR(status);
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  for (const std::string& path : response.paths()) out->Write(path + "\n");
  return out->Close();
}

}  // namespace unirust::cli
