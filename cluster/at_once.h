// One call to each of several parts, all at the same time.
#pragma once

#include <cstddef>
#include <functional>

#include "absl/status/status.h"

namespace unirust::cluster {

using Stop = std::function<bool()>;
using CallOnPart = std::function<absl::Status(size_t part, const Stop& stop)>;

// Calls `call(part, stop)` for `first` <= part < `end`, each in a thread of its own, and waits for all. If one fails,
// or `stop` says so, the `stop` of the calls does, too. `stop` is asked now and then, by one thread. An error names its
// part; of several it is one that was not caused by another.
absl::Status AtOnce(size_t first, size_t end, const Stop& stop, const CallOnPart& call);

}  // namespace unirust::cluster
