// `unirust erase`.
#include <string>

#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_line.h"
#include "cli/output.h"

namespace unirust::cli {
namespace {

std::string Time(int64_t micros) { return UtcTime(micros / 1'000'000); }

std::string TextOf(const proto::ErasureStatus& status) {
  if (status.records() == 0) return "nothing was ever erased\n";
  std::string out = "erased:  " + WithSeparators(status.records()) + " records, the last at " +
                    Time(status.last_micros()) + "\n";
  if (status.purged_micros() == 0) {
    out += "purged:  never\n";
  } else {
    out += "purged:  what was erased before " + Time(status.purged_micros()) + "\n";
  }
  for (const proto::ErasureCopy& copy : status.copies()) {
    const int64_t created = copy.created_seconds();
    out += "copy:    " + Printable(copy.name()) + " of " +
           (created == 0 ? "an unknown time" : UtcTime(created)) + "\n";
  }
  if (status.all_gone()) return out + "gone:    all of it\n";
  if (status.pending_since_micros() != 0) {
    out += "pending: what was erased since " + Time(status.pending_since_micros()) +
           " is in files of the store until it is purged\n";
  }
  if (status.gone_before_micros() == 0) return out + "gone:    nothing yet\n";
  return out + "gone:    what was erased before " + Time(status.gone_before_micros()) + "\n";
}

std::string JsonOf(const proto::ErasureStatus& status) {
  const auto copies =
      JsonArray(status.copies(), [](std::string* json, const proto::ErasureCopy& copy) {
        *json += JsonLine()
                     .Text("name", copy.name())
                     .Text("created", UtcTime(copy.created_seconds()))
                     .Number("purged_micros", copy.purged_micros())
                     .Take();
      });
  return JsonLine()
             .Text("type", "erasures")
             .Number("shard", status.shard_id())
             .Number("records", status.records())
             .Number("last_micros", status.last_micros())
             .Number("pending_since_micros", status.pending_since_micros())
             .Number("purged_micros", status.purged_micros())
             .Number("gone_before_micros", status.gone_before_micros())
             .Flag("all_gone", status.all_gone())
             .Json("copies", copies)
             .Take() +
         "\n";
}

absl::Status EraseRecords(const EraseFlags& flags, Client& client, Output& out) {
  proto::EraseRecordsRequest request;
  for (const std::string& name : flags.records) request.add_records(name);
  proto::EraseRecordsResponse response;
  UNIRUST_RETURN_IF_ERROR(client.Call(&Router::EraseRecords, request, &response));
  for (int i = 0; i < response.erased_size(); ++i) {
    const std::string& name = flags.records[static_cast<size_t>(i)];
    if (flags.json) {
      out.Write(JsonLine()
                    .Text("type", "erasure")
                    .Text("record", name)
                    .Flag("erased", response.erased(i))
                    .Take() +
                "\n");
    } else {
      out.Write((response.erased(i) ? "erased " : "not there: ") + Printable(name) + "\n");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Run(const EraseFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  if (!flags.records.empty()) UNIRUST_RETURN_IF_ERROR(EraseRecords(flags, *client, *out));
  if (flags.purge) {
    proto::PurgeErasedResponse purged;
    UNIRUST_RETURN_IF_ERROR(
        client->Call(&Router::PurgeErased, proto::PurgeErasedRequest(), &purged));
  }
  proto::GetErasuresResponse response;
  UNIRUST_RETURN_IF_ERROR(
      client->Call(&Router::GetErasures, proto::GetErasuresRequest(), &response));
  for (const proto::ErasureStatus& status : response.shards()) {
    out->Write(flags.json ? JsonOf(status) : TextOf(status));
  }
  if (!flags.json && !flags.store.data_dir.empty() && flags.store.backup_dir.empty()) {
    out->Write("Backups and checkpoints were not looked at: give --backup-dir DIR here.\n");
  }
  return out->Close();
}

}  // namespace unirust::cli
