// `unirust bench generate`: a workload as JSON Lines, and its truth.
#include <cstdio>
#include <memory>

#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "text/json_lines.h"
#include "workload/generator.h"

namespace unirust::cli {
namespace {

absl::Status WriteOntology(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(path));
  out->Write(workload::Ontology());
  return out->Close();
}

absl::Status WriteRecords(const workload::Generator& generator, const std::string& path,
                          Progress* progress) {
  constexpr uint64_t kWritesPerUpdate = 1024;
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(path));
  Write write;
  std::string line;
  for (uint64_t i = 0; i < generator.writes() && out->status().ok(); ++i) {
    generator.Make(i, &write);
    line.clear();
    text::AppendJsonLine(write, &line);
    line += '\n';
    out->Write(line);
    if (i % kWritesPerUpdate == 0) progress->Update(i, 0);
  }
  return out->Close();
}

std::string JsonSummary(const GenerateFlags& flags, uint64_t writes, const workload::Truth& truth,
                        uint64_t milliseconds) {
  return JsonLine()
      .Text("type", "generate")
      .Number("seed", flags.seed)
      .Number("writes", writes)
      .Number("rewritten", truth.rewritten)
      .Number("retracted", truth.retracted)
      .Number("records", truth.records)
      .Number("entities", truth.entities)
      .Number("conflicts", truth.direct + truth.indirect)
      .Number("direct", truth.direct)
      .Number("indirect", truth.indirect)
      .Number("admins", truth.admins)
      .Number("milliseconds", milliseconds)
      .Take();
}

std::string Summary(uint64_t writes, const workload::Truth& truth, double seconds) {
  char took[32];
  std::snprintf(took, sizeof(took), "%.1f s", seconds);
  return WithSeparators(writes) + " writes: " + WithSeparators(truth.rewritten) +
         " records are written twice, " + WithSeparators(truth.retracted) + " retracted; " + took +
         "\na store that holds them shows\n  records    " + WithSeparators(truth.records) +
         "\n  entities   " + WithSeparators(truth.entities) + "\n  conflicts  " +
         WithSeparators(truth.direct + truth.indirect) + " (" + WithSeparators(truth.direct) +
         " direct, " + WithSeparators(truth.indirect) + " indirect)\n  role=admin " +
         WithSeparators(truth.admins) + " records";
}

}  // namespace

absl::Status Run(const GenerateFlags& flags) {
  UNIRUST_RETURN_IF_ERROR(WriteOntology(flags.ontology));
  const workload::Generator generator(
      {.records = flags.records, .seed = flags.seed, .window = flags.window});
  double seconds = 0;
  {
    Progress progress(Progress::ModeFor(flags.quiet, flags.progress));
    UNIRUST_RETURN_IF_ERROR(WriteRecords(generator, flags.out, &progress));
    seconds = progress.seconds();
  }
  if (flags.quiet && !flags.json) return absl::OkStatus();
  const workload::Truth truth = generator.CountTruth();
  const std::string summary = flags.json ? JsonSummary(flags, generator.writes(), truth,
                                                       static_cast<uint64_t>(seconds * 1000))
                                         : Summary(generator.writes(), truth, seconds);
  std::fprintf(flags.out.empty() || flags.out == "-" ? stderr : stdout, "%s\n", summary.c_str());
  std::fflush(stdout);
  return absl::OkStatus();
}

}  // namespace unirust::cli
