// `unirust entity`: one entity with its golden record and its records.
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/objects.h"
#include "cli/output.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

void PrintGolden(const proto::GetEntityResponse& entity, Output* out) {
  Table table({"golden", "value", "from", "to"}, out);
  for (const proto::GoldenDescriptor& golden : entity.golden()) {
    table.Row({golden.attr(), golden.value(), TimeText(golden.start()), TimeText(golden.end())});
  }
  table.Finish();
  if (table.rows() == 0) out->Write("no golden values\n");
}

// One row for each descriptor; the record is named in its first.
void PrintRecords(const proto::GetEntityResponse& entity, Output* out) {
  Table table({"record", "attribute", "value", "from", "to"}, out);
  for (const proto::RecordSnapshot& record : entity.records()) {
    std::string name = NameOf(record.identity());
    if (record.descriptors().empty()) table.Row({name, "", "", "", ""});
    for (const proto::RecordDescriptor& descriptor : record.descriptors()) {
      table.Row({name, descriptor.attr(), descriptor.value(), TimeText(descriptor.start()),
                 TimeText(descriptor.end())});
      name.clear();
    }
  }
  table.Finish();
}

}  // namespace

absl::Status Run(const EntityFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::GetEntityRequest request;
  request.set_name(flags.name);
  if (flags.as_of) request.set_as_of(*flags.as_of);
  proto::GetEntityResponse entity;
  UNIRUST_RETURN_IF_ERROR(client->Call(&Router::GetEntity, request, &entity));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  if (flags.json) {
    out->Write(EntityAnswerLine(entity) + "\n");
    return out->Close();
  }
  out->Write("entity " + Printable(entity.cluster_key()) + ", type " +
             Printable(entity.entity_type()));
  if (!entity.cluster_key_identity().empty()) {
    out->Write(", strongest key " + Printable(entity.cluster_key_identity()));
  }
  out->Write("\n\n");
  PrintGolden(entity, out.get());
  out->Write("\n");
  PrintRecords(entity, out.get());
  return out->Close();
}

}  // namespace unirust::cli
