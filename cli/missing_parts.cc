#include "cli/missing_parts.h"

#include <string>

#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/display.h"
#include "cli/json_line.h"

namespace unirust::cli {

absl::Status MissingParts::TellAndClose(bool json, Output* out) const {
  for (const auto& [number, part] : parts_) {
    if (json) {
      out->Write(JsonLine()
                     .Text("type", "missing")
                     .Number("part", number)
                     .Number("slots", part.slots())
                     .Text("fault", part.fault())
                     .Take() +
                 "\n");
    } else {
      out->Write("Missing: part " + std::to_string(number) + " (" + std::to_string(part.slots()) +
                 " of " + std::to_string(limits::kSlots) + " slots): " + Printable(part.fault()) +
                 "\n");
    }
  }
  UNIRUST_RETURN_IF_ERROR(out->Close());
  if (parts_.empty()) return absl::OkStatus();
  return absl::UnavailableError("the answer is partial: " + std::to_string(parts_.size()) +
                                (parts_.size() == 1 ? " part" : " parts") +
                                " of the store cannot be reached");
}

}  // namespace unirust::cli
