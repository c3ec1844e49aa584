// The workloads by name: writes that are pure functions of a seed (docs/scale.md).
//
//   const std::unique_ptr<workload::Source> source =
//       workload::MakeSource("people", {.records = 1'000'000, .seed = 1});
//   Write write;
//   for (uint64_t i = 0; i < source->writes(); ++i) source->Make(i, &write);
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "model/record.h"

namespace unirust::workload {

struct Options {
  // How many identities, or writes of "events": at least 1, at most limits::kWorkloadRecordsMax.
  uint64_t records = 1'000'000;
  uint64_t seed = 1;
  // The writes of so many records at a time arrive in random order, so those of an entity are about
  // so far apart. Rounded up to whole cells (plan.h); 0: all records. Of no effect on "events".
  uint64_t window = 1'000'000;
};

// The writes of a workload in the order in which they arrive, and the rules they are resolved by.
// The same for the same options on every machine. Where an identity is written more than once, its
// writes have different versions: so a store holds the same in whatever order they arrive.
// Thread-safe: any write can be made at any time by any thread in constant time and memory.
class Source {
 public:
  virtual ~Source() = default;

  virtual uint64_t writes() const = 0;

  // Makes the write at this position of the order of arrival, below writes(). But for retractions,
  // its first descriptor is one that few records hold. Keeps the buffers of `*write`.
  virtual void Make(uint64_t position, Write* write) const = 0;

  // JSON (docs/ontology.md); lives as long as the source.
  virtual const char* ontology() const = 0;
};

// One of SourceNames(); null for any other name.
std::unique_ptr<Source> MakeSource(std::string_view name, const Options& options);

// All names, for help texts and messages.
std::span<const std::string_view> SourceNames();

}  // namespace unirust::workload
