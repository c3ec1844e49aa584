// Synthetic records for load: the same for the same seed, computed from their number alone, so that
// any part of the sequence can be made by any thread at any time without memory.
//
// About 2.2 records an entity from four sources, five descriptors each: e-mail (the key), tax
// number (the strong identifier), name, phone and a city with a time. The sources come one after
// another in blocks of 100,000 entities, so records of one entity are far apart. One record in a
// hundred claims the e-mail of another entity: a contested run.
#pragma once

#include <cstdint>
#include <string>

#include "proto/unirust.pb.h"

namespace unirust::bench {

class RandomRecords {
 public:
  explicit RandomRecords(uint64_t seed) : seed_(seed) {}

  // The ontology that goes with them, as JSON.
  static const char* Ontology();

  // Fills the record with this number.
  void Make(uint64_t number, proto::RecordInput* record) const;

  // The e-mail that record `number` holds; at most a few entities share it.
  std::string EmailOf(uint64_t number) const;

 private:
  // A record's entity and its source.
  struct Place {
    uint64_t entity = 0;
    uint32_t source = 0;
  };
  static Place PlaceOf(uint64_t number);
  uint64_t Random(uint64_t what, uint64_t salt) const;

  uint64_t seed_;
};

}  // namespace unirust::bench
