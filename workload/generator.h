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

#include "model/record.h"
#include "workload/population.h"
#include "workload/source.h"

namespace unirust::workload {

// The ontology that goes with the writes, as JSON.
const char* Ontology();

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

// The workload "people".
class Generator : public Source {
 public:
  explicit Generator(const Options& options) : population_(options) {}

  // A write for each record, for each retraction, and an earlier one for each rewritten record.
  uint64_t writes() const override { return population_.plan().writes(); }

  // The first descriptor of a record is undated and at most a few records hold it.
  void Make(uint64_t position, Write* write) const override;

  const char* ontology() const override { return Ontology(); }

  // Counts group by group: linear in the records, about 1 µs for each; no memory.
  Truth CountTruth() const;

 private:
  Truth CountGroup(uint64_t group) const;

  Population population_;
};

}  // namespace unirust::workload
