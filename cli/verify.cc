// `unirust verify`: what is stored against what it must be.
#include <string>

#include "base/log.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/local_store.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "shard/engine.h"
#include "shard/tenants.h"

namespace unirust::cli {
namespace {

// Prints each fault as it is found.
class PrintedReport : public VerifyReport {
 public:
  PrintedReport(const VerifyFlags& flags, Output* out)
      : json_(flags.json),
        out_(out),
        progress_(Progress::ModeFor(flags.quiet, flags.progress)) {}

  void Fault(std::string_view what) override {
    ++faults_;
    out_->Write(json_ ? JsonLine().Text("type", "fault").Text("what", what).Take() + "\n"
                      : "fault: " + Printable(what) + "\n");
  }
  void Progress(std::string_view check, uint64_t rows) override {
    progress_.Update(check, rows);
  }
  uint64_t faults() const { return faults_; }
  double seconds() const { return progress_.seconds(); }

 private:
  const bool json_;
  Output* out_;
  cli::Progress progress_;
  uint64_t faults_ = 0;
};

absl::Status Verify(const VerifyFlags& flags, PrintedReport& report) {
  shard::EngineOptions options;
  options.data_dir = shard::TenantDirectory(flags.store.data_dir, flags.store.tenant);
  options.memory_budget_bytes = flags.store.memory_budget.bytes;
  options.read_only = flags.store.read_only;
  options.shard_id = flags.shard_id;
  const auto engine = flags.rebuild_derived ? shard::Engine::Rebuild(options, report)
                                            : shard::Engine::Open(options);
  if (!engine.ok()) return WithExitCodeOfStore(engine.status());
  return (*engine)->Verify(
      flags.full ? shard::Engine::VerifyDepth::kFull : shard::Engine::VerifyDepth::kQuick, report);
}

std::string Summary(const VerifyFlags& flags, const PrintedReport& report) {
  if (flags.json) {
    return JsonLine()
        .Text("type", "verify")
        .Flag("full", flags.full)
        .Flag("rebuilt", flags.rebuild_derived)
        .Number("faults", report.faults())
        .Number("milliseconds", static_cast<uint64_t>(report.seconds() * 1000))
        .Take();
  }
  if (report.faults() > 0) return WithSeparators(report.faults()) + " faults";
  return flags.full ? "everything that is stored is as it must be"
                    : "checksums and samples are as they must be; --full compares everything";
}

}  // namespace

absl::Status Run(const VerifyFlags& flags) {
  const std::string data_dir =
      shard::TenantDirectory(flags.store.data_dir, flags.store.tenant);
  if (!shard::Engine::Exists(data_dir)) return NoStore(data_dir);
  SetLogLevel(LogLevel::kWarning);  // what a daemon tells is not what a command was asked for
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  PrintedReport report(flags, out.get());
  UNIRUST_RETURN_IF_ERROR(Verify(flags, report));
  out->Write(Summary(flags, report) + "\n");
  UNIRUST_RETURN_IF_ERROR(out->Close());
  if (report.faults() == 0) return absl::OkStatus();
  const absl::Status damaged =
      absl::DataLossError(WithSeparators(report.faults()) + " faults in " + data_dir);
  return WithHint(WithExitCode(damaged, kExitDataLoss),
                  "If only derived families are named (all but meta, records and symbols), "
                  "`unirust verify --rebuild-derived` makes them anew from the records; else "
                  "restore a backup.");
}

}  // namespace unirust::cli
