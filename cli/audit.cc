// `unirust audit verify`.
#include "access/audit_log.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/output.h"

namespace unirust::cli {

absl::Status Run(const AuditVerifyFlags& flags) {
  const absl::StatusOr<access::AuditSummary> log =
      access::VerifyAuditLog(flags.dir, flags.hash);
  if (absl::IsDataLoss(log.status())) return WithExitCode(log.status(), kExitDataLoss);
  UNIRUST_RETURN_IF_ERROR(log.status());
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  if (flags.json) {
    out->Write(JsonLine()
                   .Text("type", "audit_log")
                   .Number("files", log->files)
                   .Number("first", log->first)
                   .Number("last", log->last)
                   .Text("hash", log->hash)
                   .Take() +
               "\n");
  } else {
    out->Write("lines " + WithSeparators(log->first) + " to " + WithSeparators(log->last) +
               " in " + WithSeparators(log->files) + " files; hash " + log->hash + "\n");
  }
  return out->Close();
}

}  // namespace unirust::cli
