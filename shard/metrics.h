// What an engine counts while it works. GetMetrics and Prometheus both read these. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/histogram.h"
#include "rpc/metrics.h"

namespace unirust::shard {

class Engine;

struct Metrics {
  // --- an ingest request or chunk, by stages; microseconds ---
  Histogram ingest;  // from its arrival to its commit
  Histogram decode;  // protobuf to writes, checked
  Histogram queue;   // until a commit gathers it
  Histogram answer;  // made, and sent where it is a chunk

  // --- a commit, by stages; microseconds ---
  Histogram resolve;
  Histogram handover;  // until the one before is written
  Histogram write;     // encoded, written and synced

  // --- a commit, by size ---
  Histogram commit_records;  // writes of its requests
  Histogram entity_records;  // of each entity with a live record among them, counted to a limit
  Histogram group_pieces;    // of each group that it changed, as it left it
  std::atomic<uint64_t> contested_groups = 0;  // of these: held by several blocks of a level at once
  std::atomic<uint64_t> generic_groups = 0;    // of these: of more records than their key allows

  std::atomic<uint64_t> ingested_records = 0;
  std::atomic<uint64_t> refused_by_quota = 0;  // requests that would have made too many records
  std::atomic<uint64_t> open_views = 0;  // exist now
};

// What there is of every tenant: samples with its label beside those of the default one.
void AddTenantMetrics(const Engine& engine, const std::string& tenant,
                      rpc::MetricFamilies& families);

// Everything that an engine, its store and RocksDB can tell. Takes locks only for moments: no ingest waits for it.
void AddMetrics(const Engine& engine, rpc::MetricFamilies& families);

}  // namespace unirust::shard
