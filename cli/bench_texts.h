// What `--help` says about each measurement of `unirust bench`, and what it does if nothing else is
// asked for.
#pragma once

#include <array>

#include "bench/run_options.h"
#include "cli/command_texts.h"

namespace unirust::cli {

inline constexpr CommandText kBenchStreamText{
    "stream",
    "ingest over one stream",
    "Chunks of 1,000 records, 16 ahead of the answers that they are durable and resolved.",
    "  unirust bench stream --records 10000000\n"
    "  unirust bench stream --workload events\n"
    "  unirust bench stream --router 127.0.0.1:50060 --processes shard=4711,router=4712\n",
};

inline constexpr CommandText kBenchUnaryText{
    "unary",
    "ingest by calls of 1,000 records, 16 in flight",
    "",
    "  unirust bench unary\n"
    "  unirust bench unary --batch 100 --in-flight 64\n",
};

inline constexpr CommandText kBenchSingleText{
    "single",
    "ingest by calls of one record, 64 in flight",
    "With --rate, calls are due at fixed times, and latencies count from there.",
    "  unirust bench single\n"
    "  unirust bench single --rate 8000\n",
};

inline constexpr CommandText kBenchResendText{
    "resend",
    "ingest of what the store has already, unchanged",
    "",
    "  unirust bench resend\n",
};

inline constexpr char kComparedDetails[] =
    "Plain records first, then these, each in a store of its own; docs/scale.md describes them.";

inline constexpr CommandText kBenchHotKeysText{
    "hot-keys",
    "ingest of records that all share ten key values, against plain ones",
    kComparedDetails,
    "  unirust bench hot-keys --records 500000\n",
};

inline constexpr CommandText kBenchRewritesText{
    "rewrites",
    "ingest with 20 % rewrites that move evidence, against plain records",
    kComparedDetails,
    "  unirust bench rewrites\n",
};

inline constexpr CommandText kBenchContestedText{
    "contested",
    "ingest of records half of which are contested, against plain ones",
    kComparedDetails,
    "  unirust bench contested\n",
};

inline constexpr CommandText kBenchEventsText{
    "events",
    "ingest of the load test of unirust 0.2",
    "Eight types of security events; docs/scale.md describes them.",
    "  unirust bench events --records 5000000\n",
};

inline constexpr CommandText kBenchQueryText{
    "query",
    "queries by one selective value beside an ingest",
    "10,000 a second, due at fixed times, about any of the records that were there before.\n"
    "Beside them, records come at half the rate that the store took before, or at --rate.",
    "  unirust bench query --preload 10000000\n"
    "  unirust bench query --query-rate 500 --entity-rate 500 --rate 10000\n"
    "  unirust bench query --router A --known 1000000 --of 1000000 --records 0 --seconds 30\n",
};

inline constexpr CommandText kBenchEntityText{
    "entity",
    "entities by the name of a record, beside an ingest",
    "As `query`, 20,000 a second.",
    "  unirust bench entity\n"
    "  unirust bench entity --records 0 --seconds 30\n",
};

inline constexpr CommandText kBenchPagesText{
    "pages",
    "first pages of what very many records answer",
    "role=admin on one day, as entities and as records, and conflicts: what a client waits until\n"
    "it can show something.",
    "  unirust bench pages\n"
    "  unirust bench pages --router A --known 1000000\n",
};

inline constexpr CommandText kBenchCeilingsText{
    "ceilings",
    "what this machine can take at most",
    "Commits of the same rows without resolution, the same messages without a store, a sync.",
    "  unirust bench ceilings\n",
};

struct BenchCommand {
  const CommandText& text;
  bench::RunKind kind;
  const char* workload;
  uint64_t records;
  uint64_t preload = 0;
  uint64_t batch = 1000;
  uint64_t in_flight = 16;
  uint64_t query_rate = 0;
  uint64_t entity_rate = 0;
};

inline constexpr std::array<BenchCommand, 12> kBenchCommands = {{
    {kBenchStreamText, bench::RunKind::kStream, "people", 1'000'000},
    {kBenchUnaryText, bench::RunKind::kUnary, "people", 1'000'000},
    {kBenchSingleText, bench::RunKind::kUnary, "people", 200'000, 0, 1, 64},
    {kBenchResendText, bench::RunKind::kResend, "people", 1'000'000},
    {kBenchHotKeysText, bench::RunKind::kCompared, "hot-keys", 1'000'000},
    {kBenchRewritesText, bench::RunKind::kCompared, "rewrites", 1'000'000},
    {kBenchContestedText, bench::RunKind::kCompared, "contested", 1'000'000},
    {kBenchEventsText, bench::RunKind::kStream, "events", 1'000'000},
    {kBenchQueryText, bench::RunKind::kReads, "people", 200'000, 1'000'000, 1000, 16, 10'000},
    {kBenchEntityText, bench::RunKind::kReads, "people", 200'000, 1'000'000, 1000, 16, 0, 20'000},
    {kBenchPagesText, bench::RunKind::kPages, "people", 1'000'000},
    {kBenchCeilingsText, bench::RunKind::kCeilings, "people", 500'000},
}};

}  // namespace unirust::cli
