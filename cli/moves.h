// How slots that move between the parts of a store are shown.
#pragma once

#include <string>

#include "proto/operations.pb.h"

namespace unirust::cli {

// What moves, what will and what went wrong: lines for people, or of JSON. Empty if there is
// nothing of that.
std::string MovesText(const proto::GetPartsResponse& parts);
std::string MovesJson(const proto::GetPartsResponse& parts);

}  // namespace unirust::cli
