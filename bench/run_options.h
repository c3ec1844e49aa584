// What `unirust bench` is told to measure.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "bench/process_times.h"

namespace unirust::bench {

enum class RunKind {
  kStream,    // IngestRecordsStream: chunks, so many ahead of their answers
  kUnary,     // IngestRecords: calls with so many records each
  kResend,    // as kStream, of records that the store has
  kCompared,  // as kStream, after the workload "people" in a store of its own, for the ratio
  kReads,     // QueryEntities and GetEntity beside an ingest
  kPages,     // first pages of what very many rows answer
  kCeilings,  // what the machine can do
};

struct RunOptions {
  RunKind kind = RunKind::kStream;
  std::string workload = "people";
  uint64_t records = 1'000'000;  // writes that are sent and measured
  uint64_t known = 0;            // writes that the store has from earlier runs, in order
  uint64_t preload = 0;          // writes to send before the measurement
  uint64_t of = 0;               // records of the whole workload; 0: as many as this run needs
  uint64_t slice = 1'000'000;    // figures for each so many records
  uint64_t batch = 1000;         // records in a request
  uint64_t in_flight = 16;       // requests ahead of their answers
  // Records a second at most; 0: no limit, kReads: half of what the preload reached.
  uint64_t rate = 0;
  uint64_t query_rate = 0;   // kReads: QueryEntities a second, 0: none
  uint64_t entity_rate = 0;  // kReads: GetEntity a second, 0: none
  uint64_t seconds = 0;      // kReads: how long, if no records are sent beside them
  uint64_t pages = 100;      // kPages: how often each
  uint64_t seed = 1;
  bool ceilings = true;  // measure them first
  std::string router;    // a running store; empty: one of its own
  Processes processes;   // of the running store, to tell their CPU
  std::string data_dir;  // of its own store; empty: a temporary one
  std::string memory_budget = "512MiB";
  const std::atomic<bool>* stop = nullptr;  // ends loads early
};

// INVALID_ARGUMENT for options that are out of range or do not go together, with what to do.
absl::Status CheckOptions(const RunOptions& options);

}  // namespace unirust::bench
