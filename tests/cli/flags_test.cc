#include "cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/exit_codes.h"

namespace unirust::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::variant<Command, int> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "unirust");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

template <typename Flags>
Flags ParseAs(const std::vector<const char*>& arguments) {
  const auto parsed = Parse(arguments);
  const Command* command = std::get_if<Command>(&parsed);
  if (command == nullptr || !std::holds_alternative<Flags>(*command)) {
    ADD_FAILURE() << "not parsed as the command";
    return {};
  }
  return std::get<Flags>(*command);
}

// The message of a mistake, which must be a usage error.
std::string Mistake(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStderr();
  const auto parsed = Parse(arguments);
  const std::string message = testing::internal::GetCapturedStderr();
  const int* exit_code = std::get_if<int>(&parsed);
  EXPECT_TRUE(exit_code != nullptr && *exit_code == kExitUsage) << message;
  return message;
}

TEST(Flags, TakeTheRouterFromFlagThenEnvironmentThenDefault) {
  unsetenv("UNIRUST_ROUTER");
  EXPECT_EQ(ParseAs<StatsFlags>({"stats"}).store.router, "127.0.0.1:50060");
  setenv("UNIRUST_ROUTER", "host:1", 1);
  EXPECT_EQ(ParseAs<StatsFlags>({"stats"}).store.router, "host:1");
  EXPECT_EQ(ParseAs<StatsFlags>({"stats", "--router", "host:2"}).store.router, "host:2");
  const StoreFlags embedded = ParseAs<StatsFlags>({"stats", "--data-dir", "d"}).store;
  EXPECT_EQ(embedded.router, "");
  EXPECT_EQ(embedded.data_dir, "d");
  unsetenv("UNIRUST_ROUTER");
}

TEST(Flags, RefuseUnknownFlagsAndCommands) {
  EXPECT_THAT(Mistake({"stats", "--jsno"}), HasSubstr("--jsno"));
  EXPECT_THAT(Mistake({"stats", "--jsno"}), HasSubstr("Try 'unirust stats --help'"));
  Mistake({});
  EXPECT_THAT(Mistake({"stats", "--jsno"}), HasSubstr("did you mean --json?"));
  EXPECT_THAT(Mistake({"ingest", "--bach", "5"}), HasSubstr("did you mean --batch?"));
  EXPECT_THAT(Mistake({"fly"}), HasSubstr("unknown command 'fly'"));
  EXPECT_THAT(Mistake({"exprot"}), HasSubstr("did you mean export?"));
  EXPECT_THAT(Mistake({"ontology", "chekc"}), HasSubstr("did you mean check?"));
  EXPECT_THAT(Mistake({"--fly"}), HasSubstr("--fly"));
  Mistake({"ontology"});
  EXPECT_THAT(Mistake({"stats", "surplus"}), HasSubstr("surplus"));
}

TEST(Flags, RefuseARouterTogetherWithADirectory) {
  EXPECT_THAT(Mistake({"stats", "--router", "a:1", "--data-dir", "d"}), HasSubstr("--data-dir"));
  Mistake({"stats", "--memory-budget", "1GiB"});
  EXPECT_THAT(Mistake({"stats", "--data-dir", "d", "--memory-budget", "much"}), HasSubstr("much"));
}

TEST(Flags, ReadTimesOfAnySign) {
  const QueryFlags query =
      ParseAs<QueryFlags>({"query", "a=b", "c==d", "--from", "-9223372036854775808", "--to", "-5"});
  EXPECT_EQ(query.interval, (Interval{kMinTime, -5}));
  EXPECT_THAT(query.pairs, ElementsAre("a=b", "c==d"));
  for (const char* bad : {"1.5", "", "x", "9223372036854775808", "5 "}) {
    EXPECT_THAT(Mistake({"query", "a=b", "--from", bad}), HasSubstr("--from")) << bad;
  }
}

TEST(Flags, ReadIngest) {
  const IngestFlags ingest = ParseAs<IngestFlags>(
      {"ingest", "--batch", "5", "--in-flight", "2", "--keep-going", "one", "-", "two"});
  EXPECT_EQ(ingest.batch, 5U);
  EXPECT_EQ(ingest.in_flight, 2U);
  EXPECT_TRUE(ingest.keep_going);
  EXPECT_THAT(ingest.files, ElementsAre("one", "-", "two"));
  Mistake({"ingest"});
  Mistake({"ingest", "--batch", "0", "f"});
  Mistake({"ingest", "--batch", "20001", "f"});
  Mistake({"ingest", "--in-flight", "0", "f"});
  Mistake({"ingest", "--quiet", "--progress", "f"});
}

TEST(Flags, ReadExport) {
  const ExportFlags flags =
      ParseAs<ExportFlags>({"export", "--format", "html", "--entity", "a/b/c", "--entity",
                            "a/b/d,e", "--only", "record,entity"});
  EXPECT_THAT(flags.entities, ElementsAre("a/b/c", "a/b/d,e"));
  EXPECT_THAT(flags.only, ElementsAre("record", "entity"));
  EXPECT_THAT(Mistake({"export", "--format", "pdf"}), HasSubstr("graphml"));
  Mistake({"export"});
  Mistake({"export", "--format", "dot", "--only", "records"});
}

TEST(Flags, ReadGenerate) {
  const GenerateFlags flags =
      ParseAs<GenerateFlags>({"bench", "generate", "--records", "10000000000", "--seed",
                              "18446744073709551615", "--window", "0", "--out", "o", "--json"});
  EXPECT_EQ(flags.records, limits::kWorkloadRecordsMax);
  EXPECT_EQ(flags.seed, ~uint64_t{0});
  EXPECT_EQ(flags.window, 0U);
  EXPECT_EQ(flags.out, "o");
  EXPECT_TRUE(flags.json);
  EXPECT_THAT(Mistake({"bench", "generate"}), HasSubstr("--records"));
  Mistake({"bench", "generate", "--records", "0"});
  Mistake({"bench", "generate", "--records", "10000000001"});
  Mistake({"bench", "generate", "--records", "5", "--seed", "-1"});
  Mistake({"bench"});
}

TEST(Flags, ReadMeasurements) {
  const BenchFlags stream = ParseAs<BenchFlags>({"bench", "stream"});
  EXPECT_EQ(stream.command, "stream");
  EXPECT_EQ(stream.run.kind, bench::RunKind::kStream);
  EXPECT_EQ(stream.run.records, 1'000'000U);
  EXPECT_EQ(stream.run.in_flight, 16U);
  EXPECT_TRUE(stream.run.ceilings);
  const BenchFlags single = ParseAs<BenchFlags>({"bench", "single", "--rate", "8000", "--workload",
                                                 "events", "--no-ceilings", "--json"});
  EXPECT_EQ(single.run.kind, bench::RunKind::kUnary);
  EXPECT_EQ(single.run.batch, 1U);
  EXPECT_EQ(single.run.in_flight, 64U);
  EXPECT_EQ(single.run.rate, 8000U);
  EXPECT_EQ(single.run.workload, "events");
  EXPECT_FALSE(single.run.ceilings);
  EXPECT_TRUE(single.json);
  const std::string own = std::to_string(getpid());
  const std::string processes = "shard=" + own + ",router=" + own;
  const BenchFlags query = ParseAs<BenchFlags>({"bench", "query", "--router", "a:1", "--processes",
                                                processes.c_str(), "--known", "9"});
  EXPECT_EQ(query.run.query_rate, 10'000U);
  EXPECT_EQ(query.run.processes, (bench::Processes{{"router", getpid()}, {"shard", getpid()}}));
  EXPECT_EQ(query.run.preload, 0U);  // the store has records
  Mistake({"bench", "stream", "--processes", processes.c_str()});  // without --router
  const std::vector<std::string> wrongs = {"shard", "shard=0", "all=" + own, "a\"b=" + own};
  for (const std::string& wrong : wrongs) {
    Mistake({"bench", "stream", "--router", "a:1", "--processes", wrong.c_str()});
  }
  Mistake({"bench", "stream", "--router", "a:1", "--data-dir", "d"});
  Mistake({"bench", "contested", "--known", "5"});
  EXPECT_THAT(Mistake({"bench", "stream", "--workload", "people,"}), HasSubstr("events"));
}

TEST(Flags, CheckAnOntologyAloneUnlessAStoreIsNamed) {
  setenv("UNIRUST_ROUTER", "host:1", 1);
  EXPECT_FALSE(ParseAs<OntologyCheckFlags>({"ontology", "check", "o.json"}).store.has_value());
  unsetenv("UNIRUST_ROUTER");
  const auto named =
      ParseAs<OntologyCheckFlags>({"ontology", "check", "--router", "h:1", "o.json"});
  ASSERT_TRUE(named.store.has_value());
  EXPECT_EQ(named.store->router, "h:1");
}

TEST(Flags, ALossIsAcceptedForANewDirectoryOnly) {
  EXPECT_FALSE(ParseAs<RepairFlags>({"repair", "--data-dir", "d", "--into", "n"}).accept_data_loss);
  const auto repair =
      ParseAs<RepairFlags>({"repair", "--data-dir", "d", "--into", "n", "--accept-data-loss"});
  EXPECT_TRUE(repair.accept_data_loss);
  EXPECT_EQ(repair.into, "n");
  EXPECT_THAT(Mistake({"repair", "--data-dir", "d", "--accept-data-loss"}), HasSubstr("--into"));
  EXPECT_THAT(Mistake({"repair", "--into", "n"}), HasSubstr("--data-dir"));
}

TEST(Flags, ServeNeedsADirectoryOrEphemeral) {
  EXPECT_THAT(Mistake({"serve"}), HasSubstr("--data-dir"));
  Mistake({"serve", "--data-dir", "d", "--ephemeral"});
  const ServeFlags serve =
      ParseAs<ServeFlags>({"serve", "--ephemeral", "--listen", "127.0.0.1:0", "--ontology", "o"});
  EXPECT_TRUE(serve.settings.store.ephemeral);
  EXPECT_EQ(serve.settings.listen, "127.0.0.1:0");
  EXPECT_EQ(serve.settings.store.ontology, "o");
}

TEST(Flags, HelpTeachesWithExamples) {
  for (const std::vector<const char*>& command :
       std::vector<std::vector<const char*>>{{"serve"},
                                             {"ingest"},
                                             {"query"},
                                             {"entity"},
                                             {"conflicts"},
                                             {"scan"},
                                             {"export"},
                                             {"stats"},
                                             {"checkpoint"},
                                             {"bench", "generate"},
                                             {"bench", "stream"},
                                             {"bench", "single"},
                                             {"bench", "contested"},
                                             {"bench", "query"},
                                             {"bench", "pages"},
                                             {"bench", "ceilings"},
                                             {"ontology", "show"},
                                             {"ontology", "apply"},
                                             {"ontology", "check"}}) {
    std::vector<const char*> arguments = command;
    arguments.push_back("--help");
    testing::internal::CaptureStdout();
    const auto parsed = Parse(arguments);
    const std::string help = testing::internal::GetCapturedStdout();
    EXPECT_EQ(std::get<int>(parsed), 0);
    EXPECT_THAT(help, HasSubstr(std::string("unirust ") + command[0])) << "an example";
  }
}

TEST(Flags, ListEveryCommandInTheDocument) {
  std::ostringstream document;
  document << std::ifstream(UNIRUST_CLI_DOCUMENT).rdbuf();
  testing::internal::CaptureStdout();
  Parse({"--help"});
  std::istringstream help(testing::internal::GetCapturedStdout());
  size_t commands = 0;
  std::string line;
  while (std::getline(help, line) && line != "Subcommands:") {
  }
  while (std::getline(help, line) && line.starts_with("  ")) {
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    if (name.empty()) continue;  // the description goes on
    EXPECT_THAT(document.str(), HasSubstr("| `" + name)) << "docs/cli.md";
    ++commands;
  }
  EXPECT_EQ(commands, 22U);
}

}  // namespace
}  // namespace unirust::cli
