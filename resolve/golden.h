// The golden record (semantics.md, 7) of an entity: a pure function of its records and the ontology.
#pragma once

#include <vector>

#include "model/answers.h"
#include "resolve/names.h"
#include "resolve/rules.h"
#include "store/rows.h"

namespace unirust::resolve {

// Ordered by attribute, value (bytewise), start.
std::vector<GoldenValue> Golden(const std::vector<const store::RecordRow*>& records,
                                const Rules& rules, Names& names);

// The parts of `golden` that hold in `interval`, clipped to it.
std::vector<GoldenValue> Clipped(const std::vector<GoldenValue>& golden, const Interval& interval);

}  // namespace unirust::resolve
