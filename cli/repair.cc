// `unirust repair`: a new store from a directory that has lost acknowledged commits.
#include "shard/repair.h"

#include <optional>
#include <string>

#include "access/audit_log.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/local_store.h"
#include "cli/output.h"

namespace unirust::cli {
namespace {

std::string ToJson(const Loss& loss) {
  return JsonLine()
             .Text("type", "loss")
             .Number("kept", loss.kept)
             .Number("acknowledged", loss.acknowledged)
             .Number("lost", loss.commits())
             .Text("acknowledged_at", UtcTime(loss.acknowledged_seconds))
             .Number("readable_records", loss.readable_records)
             .Strings("files", loss.files)
             .Flag("makes_anew", loss.makes_anew)
             .Take() +
         "\n";
}

std::string Range(const Loss& loss) {
  return WithSeparators(loss.kept + 1) + " to " + WithSeparators(loss.acknowledged);
}

std::string ToText(const Loss& loss) {
  std::string out = "commits up to " + WithSeparators(loss.kept) + " can be kept\n";
  if (loss.commits() == 0) return out + "no acknowledged commit is lost\n";
  out += WithSeparators(loss.commits()) + " acknowledged commits are lost: " + Range(loss) +
         ", the last of them acknowledged by " + UtcTime(loss.acknowledged_seconds) + "\n";
  return out + "what can still be read of them writes or retracts " +
         WithSeparators(loss.readable_records) + " records\n";
}

void Print(const Loss& loss, bool json, Output* out) {
  out->Write(json ? ToJson(loss) : ToText(loss));
  if (json) return;
  for (const std::string& file : loss.files) out->Write("left out: " + Printable(file) + "\n");
}

absl::Status NotAccepted(const RepairFlags& flags, const Loss& loss) {
  const std::string hint = "Restore a backup if there is one. Else `unirust repair --data-dir " +
                           flags.store.data_dir + " --into NEW" +
                           (loss.commits() > 0 ? " --accept-data-loss" : "") +
                           "` makes a store of what is left.";
  const std::string what = loss.commits() > 0
                               ? "commits " + Range(loss) + " are lost"
                               : "data directory " + flags.store.data_dir + " is damaged";
  return WithHint(WithExitCode(absl::DataLossError(what), kExitDataLoss), hint);
}

// Who gave up what, if there is an audit log.
class Audited {
 public:
  Audited(const RepairFlags& flags, access::AuditLog* log) : flags_(flags), log_(log) {}

  void Begin(const Loss& loss) {
    if (log_ == nullptr) return;
    number_ = log_->Begin(
        {.who = "",
         .tenant = "",
         .method = "repair",
         .request_id = "",
         .records = {},
         .retracted = {},
         .detail = (loss.commits() > 0 ? "commits " + Range(loss) + " given up: " : "") +
                   flags_.store.data_dir + " into " + flags_.into});
  }
  void End(const absl::Status& status) {
    if (number_) log_->End(*number_, absl::StatusCodeToString(status.code()));
  }

 private:
  const RepairFlags& flags_;
  access::AuditLog* const log_;
  std::optional<uint64_t> number_;
};

}  // namespace

absl::Status Run(const RepairFlags& flags) {
  if (!shard::Engine::Exists(flags.store.data_dir)) return NoStore(flags.store.data_dir);
  SetLogLevel(LogLevel::kWarning);
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  const auto log = access::AuditLog::OpenIfAny(flags.audit_dir);
  UNIRUST_RETURN_IF_ERROR(WithExitCodeOfStore(log.status()));
  Audited audited(flags, log->get());
  shard::EngineOptions options;
  options.data_dir = flags.store.data_dir;
  options.memory_budget_bytes = flags.store.memory_budget.bytes;
  options.shard_id = flags.shard_id;
  const auto repaired = shard::Repair(options, flags.into, [&](const Loss& loss) {
    Print(loss, flags.json, out.get());
    if (loss.commits() > 0 && !flags.accept_data_loss) return NotAccepted(flags, loss);
    audited.Begin(loss);
    return absl::OkStatus();
  });
  audited.End(repaired.status());
  UNIRUST_RETURN_IF_ERROR(WithExitCodeOfStore(repaired.status()));
  if (!repaired->has_value()) {
    if (!flags.json) out->Write("the directory is whole: `unirust verify` compares more\n");
    for (const std::string& loss : shard::Losses(flags.store.data_dir)) {
      out->Write(flags.json
                     ? JsonLine().Text("type", "accepted_loss").Text("what", loss).Take() + "\n"
                     : "accepted: " + Printable(loss) + "\n");
    }
    return out->Close();
  }
  if (flags.into.empty()) {
    Print(**repaired, flags.json, out.get());
    UNIRUST_RETURN_IF_ERROR(out->Close());
    return NotAccepted(flags, **repaired);
  }
  if (!flags.json) out->Write("made " + Printable(flags.into) + "\n");
  return out->Close();
}

}  // namespace unirust::cli
