// Which records a batch may have moved from one entity to another.
#pragma once

#include <set>

#include "resolve/level_pass.h"

namespace unirust::resolve {

// All whose entity, or what they say, may be another than before the batch. `entities`: how these differ.
std::set<RecordId> RecordsThatMoved(WorkingSet& rows, const EntityDelta& entities);

}  // namespace unirust::resolve
