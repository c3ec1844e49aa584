// `unirust export`: the graph in one of the formats of formats/.
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/formats/format.h"
#include "proto/graph_chunk.h"

namespace unirust::cli {
namespace {

proto::GraphPart PartOf(const std::string& name) {
  if (name == "entity") return proto::GRAPH_PART_ENTITY;
  if (name == "conflict") return proto::GRAPH_PART_CONFLICT;
  if (name == "same_as") return proto::GRAPH_PART_SAME_AS;
  if (name == "generic") return proto::GRAPH_PART_GENERIC;
  return proto::GRAPH_PART_RECORD;  // the command line lets no other name through
}

}  // namespace

absl::Status Run(const ExportFlags& flags) {
  if (flags.format == "html" && flags.entities.empty()) {
    return WithExitCode(absl::InvalidArgumentError(
                            "the page shows a neighbourhood: name its entities with --entity"),
                        kExitUsage);
  }
  proto::ExportGraphRequest request;
  // Chunks as long as they may be: each costs all who pass it on.
  request.set_page_size(limits::kPageItemsMax);
  for (const std::string& part : flags.only) request.add_parts(PartOf(part));
  for (const std::string& entity : flags.entities) request.add_entities(entity);
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const auto writer, NewGraphWriter(flags.format, flags.out));
  const auto take = [&writer](std::string_view chunk) -> absl::Status {
    absl::Status status;
    const bool sound = proto::ForEachItem(chunk, [&](std::string_view item) {
      status = writer->Add(item);
      return status.ok();
    });
    if (status.ok() && !sound) return absl::InternalError("a chunk of the graph does not decode");
    return status;
  };
  UNIRUST_RETURN_IF_ERROR(client->StreamBytes("ExportGraph", request, take));
  return writer->Finish();
}

}  // namespace unirust::cli
