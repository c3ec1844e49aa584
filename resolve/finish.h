// The last step of a batch: what follows from the final entities. Groups: whether they are divided, who must touch them
// again, their same_as edges and contested runs. Entities and shared values: their conflicts. Counters.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "interner/interner.h"
#include "resolve/level_pass.h"
#include "resolve/working_set.h"
#include "store/batch.h"

namespace unirust::resolve {

// `entities`: how the blocks of the last level differ from before. `groups`: those that levels looked at, each once.
absl::Status Finish(WorkingSet& rows, interner::Interner& interner, const EntityDelta& entities,
                    std::vector<GroupState*> groups, store::CountersRow& counters,
                    store::Batch& batch);

}  // namespace unirust::resolve
