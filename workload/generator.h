// A workload: writes of people, firms and devices as several sources tell of them, with the truth
// that a store must find in them (docs/scale.md). The same for the same options on every machine;
// any write can be made at any time by any thread, in constant time and memory.
//
//   const Generator generator({.records = 1'000'000, .seed = 1});
//   Write write;
//   for (uint64_t i = 0; i < generator.writes(); ++i) generator.Make(i, &write);
//   generator.CountTruth().entities;
#pragma once

#include <cstdint>
#include <vector>

#include "model/record.h"
#include "workload/plan.h"
#include "workload/world.h"

namespace unirust::workload {

// The ontology that goes with the writes, as JSON.
const char* Ontology();

struct Options {
  uint64_t records = 1'000'000;  // identities: at least 1, at most limits::kWorkloadRecordsMax
  uint64_t seed = 1;
  // The writes of so many records at a time arrive in random order, so those of an entity are about
  // so far apart. Rounded up to whole cells (plan.h); 0: all records.
  uint64_t window = 1'000'000;
};

// What holds under semantics.md and Ontology() when everything is written, in whatever order.
struct Truth {
  uint64_t records = 0;    // live
  uint64_t entities = 0;   // with a live record
  uint64_t direct = 0;     // conflicts
  uint64_t indirect = 0;   // conflicts: one for each contested record
  uint64_t retracted = 0;  // records
  uint64_t rewritten = 0;  // records written twice, in either order
  uint64_t admins = 0;     // live records that hold role=admin at some time
  Truth& operator+=(const Truth& other);
};

class Generator {
 public:
  explicit Generator(const Options& options);

  // A write for each record, for each retraction, and an earlier one for each rewritten record.
  uint64_t writes() const { return plan_.writes(); }

  // Makes the write at this position of the order of arrival, below writes(). The first descriptor
  // of a record is undated and at most a few records hold it. Keeps the buffers of `*write`.
  void Make(uint64_t position, Write* write) const;

  // Counts group by group: linear in the records, about 1 µs for each; no memory.
  Truth CountTruth() const;

 private:
  struct Subject;  // what a record is about
  Subject SubjectOf(uint64_t record) const;
  void Describe(const Subject& subject, std::vector<Descriptor>* descriptors) const;
  Truth CountGroup(uint64_t group) const;

  Plan plan_;
  World world_;
};

}  // namespace unirust::workload
