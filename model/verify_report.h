// Where a verification tells what it does and what it finds (docs/operations.md, "Verification").
#pragma once

#include <cstdint>
#include <string_view>

namespace unirust {

// Called from one thread.
class VerifyReport {
 public:
  virtual ~VerifyReport() = default;
  // One sentence that names the family and the row, e.g. "sources: the entry 0000... of person/crm/1 is missing".
  virtual void Fault(std::string_view what) = 0;
  // From time to time: how many rows a check has read.
  virtual void Progress(std::string_view check, uint64_t rows) = 0;
};

}  // namespace unirust
