// `unirust_micro`: how long the hot parts of the store take, each by itself. Google Benchmark runs
// them and has the flags.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_codes.h"
#include "base/files.h"
#include "base/log.h"
#include "bench/micro/benches.h"

namespace unirust::bench {
namespace {

void PrintHelp() {
  std::printf(
      "usage: unirust_micro [--once] [--benchmark_FLAG=VALUE...]\n\n"
      "Measures the hot parts of the store, each by itself. What is listed, and how to compare\n"
      "figures: docs/performance.md.\n\n"
      "  --once                       one iteration of everything on small inputs: that it works\n"
      "  --benchmark_list_tests       names them\n"
      "  --benchmark_filter=REGEX     only those\n"
      "  --benchmark_repetitions=N    medians, with --benchmark_report_aggregates_only=true\n"
      "  --benchmark_out=FILE         for other programs, as --benchmark_out_format=json or csv\n");
}

void Register(const Sizes& sizes) {
  RegisterCodecs(sizes);
  RegisterInterner(sizes);
  RegisterRuns(sizes);
  RegisterUnions(sizes);
  RegisterGolden(sizes);
  RegisterQueries(sizes);
  RegisterCommits(sizes);
  RegisterIngest(sizes);
}

int Main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  char no_time[] = "--benchmark_min_time=0";
  const auto is_once = [](const char* argument) { return std::string_view(argument) == "--once"; };
  const bool once = std::any_of(arguments.begin(), arguments.end(), is_once);
  if (once) {
    std::replace_if(arguments.begin(), arguments.end(), is_once, static_cast<char*>(no_time));
  }
  int left = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&left, arguments.data(), PrintHelp);
  if (benchmark::ReportUnrecognizedArguments(left, arguments.data())) return kExitUsage;
  SetLogLevel(LogLevel::kWarning);
  RaiseOpenFilesLimit();
  Register(once ? kSmallSizes : Sizes());
  const size_t run = benchmark::RunSpecifiedBenchmarks();
  benchmark::ClearRegisteredBenchmarks();  // and what they work on
  benchmark::Shutdown();
  return run > 0 ? kExitOk : kExitFailure;
}

}  // namespace
}  // namespace unirust::bench

int main(int argc, char** argv) { return unirust::bench::Main(argc, argv); }
