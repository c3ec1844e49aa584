// `unirust bench`, but for `generate`: runs a measurement and prints its figures.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/status_macros.h"
#include "bench/runs.h"
#include "cli/bench_view.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/table.h"

namespace unirust::cli {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// Loads end, and the daemons and directories of the run with them. A second signal ends the
// process.
void EndOnInterrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

std::string Number(const bench::Figure& figure) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", figure.decimals, figure.value);
  return text;
}

std::string JsonFigures(const bench::Figures& figures) {
  JsonLine line;
  for (const bench::Figure& figure : figures.list()) line.Json(figure.name, Number(figure));
  return line.Take();
}

void PrintJson(const BenchFlags& flags, const bench::Report& report, Output* out) {
  uint64_t number = 0;
  for (const bench::Figures& slice : report.slices) {
    out->Write(JsonLine()
                   .Text("type", "slice")
                   .Number("number", number++)
                   .Json("figures", JsonFigures(slice))
                   .Take() +
               "\n");
  }
  out->Write(JsonLine()
                 .Text("type", "bench")
                 .Text("command", flags.command)
                 .Text("workload", flags.run.workload)
                 .Number("seed", flags.run.seed)
                 .Number("batch", flags.run.batch)
                 .Number("in_flight", flags.run.in_flight)
                 .Json("figures", JsonFigures(report.figures))
                 .Take() +
             "\n");
}

std::string ForPeople(const bench::Figure& figure) {
  return figure.decimals == 0 && figure.value >= 0
             ? WithSeparators(static_cast<uint64_t>(figure.value + 0.5))
             : Number(figure);
}

void PrintTables(const bench::Report& report, Output* out) {
  Table all({"figure", "value"}, out);
  for (const bench::Figure& figure : report.figures.list()) {
    std::string name = figure.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    all.Row({name, ForPeople(figure)});
  }
  all.Finish();
  if (report.slices.size() < 2) return;
  out->Write("\n");
  Table table({"slice", "records", "records per second", "CPU micros per record, all processes"},
              out);
  for (size_t i = 0; i < report.slices.size(); ++i) {
    const bench::Figures& slice = report.slices[i];
    const auto number = [&](const char* name, int decimals) {
      return ForPeople({name, slice.Find(name).value_or(0), decimals});
    };
    table.Row({std::to_string(i), number("records", 0), number("records_per_second", 0),
               number("all_cpu_micros_per_record", 2)});
  }
  table.Finish();
}

}  // namespace

absl::Status Run(const BenchFlags& flags) {
  UNIRUST_RETURN_IF_ERROR(WithExitCode(bench::CheckOptions(flags.run), kExitUsage));
  EndOnInterrupt();
  bench::RunOptions options = flags.run;
  options.stop = &interrupted;
  bench::Watch watch;
  bench::Report report;
  {
    const BenchView view("bench " + flags.command, watch,
                         Progress::ModeFor(flags.quiet, flags.progress));
    UNIRUST_ASSIGN_OR_RETURN(report, bench::Measure(options, &watch));
  }
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  if (flags.json) {
    PrintJson(flags, report, out.get());
  } else {
    PrintTables(report, out.get());
  }
  return out->Close();
}

}  // namespace unirust::cli
