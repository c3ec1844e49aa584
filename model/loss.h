// What a data directory has lost of what was acknowledged (store/repair.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unirust {

// Commits are counted from 1, in the order in which they were acknowledged.
struct Loss {
  uint64_t kept = 0;          // commits up to this are there, each as a whole, and none after it
  uint64_t acknowledged = 0;  // up to this they were acknowledged
  int64_t acknowledged_seconds = 0;  // when commit-mark was last written, seconds since 1970
  // In what can still be read of the logs behind the last commit that is kept: records that are
  // written or retracted.
  uint64_t readable_records = 0;
  std::vector<std::string> files;  // what is left out of each, or was missing
  bool makes_anew = false;  // indexes, entities and conflicts must be made anew from the records

  uint64_t commits() const { return acknowledged > kept ? acknowledged - kept : 0; }
};

}  // namespace unirust
