// `unirust cluster status`: how the parts of the store are.
#include <string>

#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_line.h"
#include "cli/moves.h"
#include "cli/output.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

std::string ToJson(const proto::PartStatus& part) {
  JsonLine line;
  line.Text("type", "part").Number("part", part.part()).Text("address", part.address());
  line.Number("slots", part.slots()).Flag("answers", part.fault().empty());
  if (part.fault().empty()) {
    line.Number("epoch", part.epoch()).Number("behind", part.behind());
    line.Text("version", part.version());
  } else {
    line.Text("fault", part.fault());
  }
  return line.Take() + "\n";
}

std::vector<std::string> Row(const proto::PartStatus& part) {
  const std::string address = part.address().empty() ? "(home)" : Printable(part.address());
  const std::string slots = WithSeparators(part.slots());
  if (!part.fault().empty()) {
    return {std::to_string(part.part()), address, slots, "", "", "", Printable(part.fault())};
  }
  return {std::to_string(part.part()),
          address,
          slots,
          WithSeparators(part.epoch()),
          WithSeparators(part.behind()),
          Printable(part.version()),
          "ok"};
}

}  // namespace

absl::Status Run(const ClusterStatusFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::GetPartsResponse response;
  UNIRUST_RETURN_IF_ERROR(client->Call(&Router::GetParts, proto::GetPartsRequest(), &response));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  Table table({"part", "address", "slots", "epoch", "behind", "version", "state"}, out.get());
  size_t silent = 0;
  for (const proto::PartStatus& part : response.parts()) {
    if (!part.fault().empty()) ++silent;
    if (flags.json) {
      out->Write(ToJson(part));
    } else {
      table.Row(Row(part));
    }
  }
  table.Finish();
  out->Write(flags.json ? MovesJson(response) : MovesText(response));
  UNIRUST_RETURN_IF_ERROR(out->Close());
  if (silent == 0) return absl::OkStatus();
  return absl::UnavailableError(std::to_string(silent) + " of " +
                                std::to_string(response.parts_size()) +
                                " parts cannot be used: nothing can be written");
}

}  // namespace unirust::cli
