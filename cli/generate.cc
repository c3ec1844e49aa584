// `unirust bench generate`: a workload as JSON Lines, and its truth.
#include <cstdio>
#include <memory>
#include <optional>

#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "text/json_lines.h"
#include "workload/generator.h"
#include "workload/source.h"

namespace unirust::cli {
namespace {

absl::Status WriteOntology(const workload::Source& source, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(path));
  out->Write(source.ontology());
  return out->Close();
}

absl::Status WriteRecords(const workload::Source& source, const std::string& path,
                          Progress* progress) {
  constexpr uint64_t kWritesPerUpdate = 1024;
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(path));
  Write write;
  std::string line;
  for (uint64_t i = 0; i < source.writes() && out->status().ok(); ++i) {
    source.Make(i, &write);
    line.clear();
    text::AppendJsonLine(write, &line);
    line += '\n';
    out->Write(line);
    if (i % kWritesPerUpdate == 0) progress->Update(i, 0);
  }
  return out->Close();
}

// `truth` is null for workloads whose truth is not counted.
std::string JsonSummary(const GenerateFlags& flags, uint64_t writes, const workload::Truth* truth,
                        uint64_t milliseconds) {
  JsonLine line;
  line.Text("type", "generate")
      .Text("workload", flags.workload)
      .Number("seed", flags.seed)
      .Number("writes", writes);
  if (truth != nullptr) {
    line.Number("rewritten", truth->rewritten)
        .Number("retracted", truth->retracted)
        .Number("records", truth->records)
        .Number("entities", truth->entities)
        .Number("conflicts", truth->direct + truth->indirect)
        .Number("direct", truth->direct)
        .Number("indirect", truth->indirect)
        .Number("admins", truth->admins);
  }
  return line.Number("milliseconds", milliseconds).Take();
}

std::string Summary(uint64_t writes, const workload::Truth* truth, double seconds) {
  char took[32];
  std::snprintf(took, sizeof(took), "%.1f s", seconds);
  const std::string made = WithSeparators(writes) + " writes";
  if (truth == nullptr) return made + "; " + took;
  return made + ": " + WithSeparators(truth->rewritten) + " records are written twice, " +
         WithSeparators(truth->retracted) + " retracted; " + took +
         "\na store that holds them shows\n  records    " + WithSeparators(truth->records) +
         "\n  entities   " + WithSeparators(truth->entities) + "\n  conflicts  " +
         WithSeparators(truth->direct + truth->indirect) + " (" + WithSeparators(truth->direct) +
         " direct, " + WithSeparators(truth->indirect) + " indirect)\n  role=admin " +
         WithSeparators(truth->admins) + " records";
}

}  // namespace

absl::Status Run(const GenerateFlags& flags) {
  const workload::Options options{
      .records = flags.records, .seed = flags.seed, .window = flags.window};
  const auto source = workload::MakeSource(flags.workload, options);
  if (source == nullptr) return absl::InvalidArgumentError("no workload " + flags.workload);
  UNIRUST_RETURN_IF_ERROR(WriteOntology(*source, flags.ontology));
  double seconds = 0;
  {
    Progress progress(Progress::ModeFor(flags.quiet, flags.progress));
    UNIRUST_RETURN_IF_ERROR(WriteRecords(*source, flags.out, &progress));
    seconds = progress.seconds();
  }
  if (flags.quiet && !flags.json) return absl::OkStatus();
  std::optional<workload::Truth> counted;
  if (flags.workload == "people") counted = workload::Generator(options).CountTruth();
  const workload::Truth* const truth = counted ? &*counted : nullptr;
  const std::string summary =
      flags.json
          ? JsonSummary(flags, source->writes(), truth, static_cast<uint64_t>(seconds * 1000))
          : Summary(source->writes(), truth, seconds);
  std::fprintf(flags.out.empty() || flags.out == "-" ? stderr : stdout, "%s\n", summary.c_str());
  std::fflush(stdout);
  return absl::OkStatus();
}

}  // namespace unirust::cli
