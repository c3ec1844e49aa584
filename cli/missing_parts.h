// What an answer lacks that was asked for with --allow-partial.
#pragma once

#include <cstdint>
#include <map>

#include "absl/status/status.h"
#include "cli/output.h"
#include "proto/unirust.pb.h"

namespace unirust::cli {

class MissingParts {
 public:
  // Of a whole answer, or of one page.
  template <typename Answer>
  void Note(const Answer& answer) {
    for (const proto::MissingPart& part : answer.missing()) parts_[part.part()] = part;
  }

  // Names the parts below the answer and closes `out`. UNAVAILABLE if there are any.
  absl::Status TellAndClose(bool json, Output* out) const;

 private:
  std::map<uint32_t, proto::MissingPart> parts_;  // by number
};

}  // namespace unirust::cli
