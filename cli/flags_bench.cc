// The command line of `unirust bench`.
#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "base/limits.h"
#include "cli/bench_texts.h"
#include "cli/flag_parts.h"
#include "workload/source.h"

namespace unirust::cli {
namespace {

using bench::RunKind;
using bench::RunOptions;

// The flags of one command while they are parsed; the parser's callbacks keep it alive.
struct BenchParse {
  BenchFlags flags;
  std::vector<std::string> processes;
  bool no_ceilings = false;
};

void AddNumber(CLI::App* command, const char* flag, uint64_t* value, const std::string& help) {
  command->add_option(flag, *value, help + ", default " + std::to_string(*value))
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
}

void AddWorkload(CLI::App* command, std::string* workload) {
  std::vector<std::string> names;
  for (const std::string_view name : workload::SourceNames()) names.emplace_back(name);
  command
      ->add_option("--workload", *workload,
                   "which records: " + CLI::detail::join(names, ", ") + "; default " + *workload)
      ->type_name("NAME")
      ->check(CLI::IsMember(names));
}

void AddStoreToMeasure(CLI::App* command, BenchParse* parse) {
  RunOptions& run = parse->flags.run;
  auto* router =
      command->add_option("--router", run.router,
                          "a running store, which must be empty unless --known is given; "
                          "without it, a shard and a router of its own are started");
  router->type_name("ADDR");
  command
      ->add_option("--processes", parse->processes,
                   "with --router: whose CPU time to tell, name=pid,...")
      ->type_name("LIST")
      ->delimiter(',')
      ->needs(router);
  command
      ->add_option("--data-dir", run.data_dir,
                   "where its own shard keeps the store; default: a temporary directory")
      ->type_name("DIR")
      ->excludes(router);
  command->add_option("--memory-budget", run.memory_budget, "of its own shard, default 512MiB")
      ->type_name("SIZE")
      ->excludes(router);
}

void AddKnown(CLI::App* command, RunOptions* run) {
  AddNumber(command, "--known", &run->known, "records that the store has from earlier runs");
  AddNumber(command, "--of", &run->of,
            "records of the whole workload, 0: as many as this run needs");
}

void AddIngestFlags(CLI::App* command, BenchParse* parse) {
  RunOptions& run = parse->flags.run;
  AddNumber(command, "--batch", &run.batch, "records in a request");
  AddNumber(command, "--in-flight", &run.in_flight, "requests sent ahead of their answers");
  AddNumber(command, "--slice", &run.slice, "tell the rate of each so many records");
  if (run.kind == RunKind::kCompared) return;
  AddNumber(command, "--rate", &run.rate,
            run.kind == RunKind::kReads
                ? "records a second beside the reads, 0: half of what the preload reached"
                : "records a second at most, 0: no limit");
  AddNumber(command, "--preload", &run.preload,
            "records to ingest before the measurement; with --known none unless given");
  AddKnown(command, &run);
}

void AddReadFlags(CLI::App* command, BenchParse* parse) {
  RunOptions& run = parse->flags.run;
  AddNumber(command, "--query-rate", &run.query_rate, "queries by one value a second, 0: none");
  AddNumber(command, "--entity-rate", &run.entity_rate, "entities by a name a second, 0: none");
  AddNumber(command, "--seconds", &run.seconds, "how long, with --records 0");
}

void AddMeasurement(CLI::App* group, const BenchCommand& bench,
                    const std::function<void(Command)>& choose) {
  const auto parse = std::make_shared<BenchParse>();
  parse->flags.command = bench.text.name;
  RunOptions& run = parse->flags.run;
  run.kind = bench.kind;
  run.workload = bench.workload;
  run.records = bench.records;
  run.preload = bench.preload;
  run.batch = bench.batch;
  run.in_flight = bench.in_flight;
  run.query_rate = bench.query_rate;
  run.entity_rate = bench.entity_rate;
  CLI::App* command = NewCommand(group, bench.text);
  AddNumber(command, "--records", &run.records, "records to send");
  AddNumber(command, "--seed", &run.seed, "other seeds make other records");
  if (run.kind != RunKind::kCeilings) AddStoreToMeasure(command, parse.get());
  if (run.kind == RunKind::kStream || run.kind == RunKind::kUnary) {
    AddWorkload(command, &run.workload);
  }
  if (run.kind == RunKind::kPages) {
    AddNumber(command, "--known", &run.known, "records that the store has from earlier runs");
    AddNumber(command, "--times", &run.pages, "how often to ask for each page");
  } else if (run.kind != RunKind::kCeilings) {
    AddIngestFlags(command, parse.get());
  }
  const bool compares =
      run.kind != RunKind::kCeilings && run.kind != RunKind::kReads && run.kind != RunKind::kPages;
  if (compares) {
    command->add_flag("--no-ceilings", parse->no_ceilings,
                      "do not measure first what the machine can take");
  }
  if (run.kind == RunKind::kReads) AddReadFlags(command, parse.get());
  AddProgress(command, &parse->flags.progress, &parse->flags.quiet, "no live view");
  AddJson(command, &parse->flags.json);
  command->callback([parse, choose, command] {
    if (!bench::ParseProcesses(parse->processes, &parse->flags.run.processes)) {
      throw CLI::ValidationError(
          "--processes", "name=pid,... of running processes is needed; names of a-z, 0-9, _");
    }
    parse->flags.run.ceilings = !parse->no_ceilings;
    if (parse->flags.run.known > 0 && command->get_option_no_throw("--preload") != nullptr &&
        command->count("--preload") == 0) {
      parse->flags.run.preload = 0;
    }
    choose(parse->flags);
  });
}

void AddGenerate(CLI::App* group, const std::function<void(Command)>& choose) {
  const auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command = NewCommand(group, kGenerateText);
  command->add_option("--records", flags->records, "records, each of its own identity")
      ->type_name("N")
      ->required()
      ->check(CLI::Range(uint64_t{1}, limits::kWorkloadRecordsMax));
  AddWorkload(command, &flags->workload);
  command->add_option("--seed", flags->seed, "other seeds make other records; default 1")
      ->type_name("S")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--window", flags->window,
                   "how far apart the records of an entity arrive: the writes of so many records "
                   "come in random order before any later one, default 1000000; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--out", flags->out, "file for the records; default standard output")
      ->type_name("FILE");
  command->add_option("--ontology", flags->ontology, "write the ontology that goes with them here")
      ->type_name("FILE");
  AddProgress(command, &flags->progress, &flags->quiet, "no progress and no summary");
  AddJson(command, &flags->json);
  command->callback([flags, choose] { choose(*flags); });
}

}  // namespace

CLI::App* NewCommand(CLI::App* parent, const CommandText& text) {
  CLI::App* command = parent->add_subcommand(text.name, text.summary);
  const std::string details = *text.details == '\0' ? "" : std::string(text.details) + "\n\n";
  command->footer(details + "Examples:\n" + text.examples);
  return command;
}

void AddJson(CLI::App* command, bool* json) {
  command->add_flag("--json", *json, "JSON for programs, one object a line (docs/cli.md)");
}

void AddProgress(CLI::App* command, bool* progress, bool* quiet, const std::string& quiet_help) {
  auto* flag = command->add_flag("--progress", *progress,
                                 "show progress also where standard error is no terminal");
  command->add_flag("--quiet", *quiet, quiet_help)->excludes(flag);
}

void AddBenchCommands(CLI::App* app, std::function<void(Command)> choose) {
  CLI::App* group = app->add_subcommand("bench",
                                        "measure a store, or make data to measure with "
                                        "(docs/performance.md)");
  group->require_subcommand(1);
  AddGenerate(group, choose);
  for (const BenchCommand& bench : kBenchCommands) AddMeasurement(group, bench, choose);
}

}  // namespace unirust::cli
