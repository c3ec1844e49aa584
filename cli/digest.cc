// `unirust digest`: one number for what a store holds.
#include "absl/strings/escaping.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_line.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

constexpr size_t kDigestBytes = 16;

void WriteJson(const proto::GetDigestChunk& answer, bool slots, Output* out) {
  if (slots) {
    for (int slot = 0; slot < answer.slots_size(); ++slot) {
      out->Write(JsonLine()
                     .Text("type", "slot_digest")
                     .Number("slot", static_cast<uint64_t>(slot))
                     .Text("digest", absl::BytesToHexString(answer.slots(slot)))
                     .Take() +
                 "\n");
    }
  }
  out->Write(JsonLine()
                 .Text("type", "digest")
                 .Text("digest", absl::BytesToHexString(answer.digest()))
                 .Number("records", answer.records())
                 .Number("entities", answer.entities())
                 .Take() +
             "\n");
}

// Slots without records are left out.
void WriteText(const proto::GetDigestChunk& answer, bool slots, Output* out) {
  if (slots) {
    const std::string none(kDigestBytes, '\0');
    Table table({"slot", "digest"}, out);
    for (int slot = 0; slot < answer.slots_size(); ++slot) {
      if (answer.slots(slot) == none) continue;
      table.Row({std::to_string(slot), absl::BytesToHexString(answer.slots(slot))});
    }
    table.Finish();
  }
  out->Write(absl::BytesToHexString(answer.digest()) + "  " + WithSeparators(answer.records()) +
             " records in " + WithSeparators(answer.entities()) + " entities\n");
}

}  // namespace

absl::Status Run(const DigestFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::GetDigestChunk answer;
  {
    Progress progress(Progress::ModeFor(flags.quiet, flags.progress));
    const std::function<absl::StatusOr<bool>(const proto::GetDigestChunk&)> take =
        [&](const proto::GetDigestChunk& chunk) {
          progress.Update("records", chunk.records());
          answer = chunk;
          return true;
        };
    UNIRUST_RETURN_IF_ERROR(client->Stream(&Router::GetDigest, proto::GetDigestRequest(), take));
  }
  if (answer.digest().size() != kDigestBytes) {
    return absl::InternalError("the answer ends without a digest");
  }
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  if (flags.json) {
    WriteJson(answer, flags.slots, out.get());
  } else {
    WriteText(answer, flags.slots, out.get());
  }
  return out->Close();
}

}  // namespace unirust::cli
