// The records of people, firms and devices: whom each of them is about, and what it says.
//
//   Subject subject = population.SubjectOf(record);
//   population.Make(subject, WriteKind::kRecord, &write);
#pragma once

#include <cstdint>
#include <vector>

#include "model/record.h"
#include "workload/plan.h"
#include "workload/source.h"
#include "workload/world.h"

namespace unirust::workload {

struct Subject {
  uint64_t record = 0;
  EntityType type = EntityType::kPerson;
  Event event = Event::kNone;  // of this record
  uint64_t entity = 0;
  uint64_t claimed = 0;  // the entity whose handle it tells: `entity`, unless it is contested
  const Perspective* perspective = nullptr;
};

// Pure functions of the options: thread-safe, constant time and memory.
class Population {
 public:
  explicit Population(const Options& options)
      : plan_(options.records, options.window, Random(options.seed)),
        world_(Random(options.seed)) {}

  const Plan& plan() const { return plan_; }
  const World& world() const { return world_; }

  Subject SubjectOf(uint64_t record) const;

  // Makes the write of this kind that the record has. The first descriptor is undated. Keeps the
  // buffers of `*write`.
  void Make(const Subject& subject, WriteKind kind, Write* write) const;

 private:
  void Describe(const Subject& subject, std::vector<Descriptor>* descriptors) const;

  Plan plan_;
  World world_;
};

}  // namespace unirust::workload
