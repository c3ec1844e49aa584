// A verification's findings, for tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/verify_report.h"

namespace unirust::shard {

class Findings : public VerifyReport {
 public:
  void Fault(std::string_view what) override { faults.emplace_back(what); }
  void Progress(std::string_view, uint64_t) override {}
  std::vector<std::string> faults;
};

}  // namespace unirust::shard
