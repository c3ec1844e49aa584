// The names of the formats, apart from format.h so that the command line need not know messages.
#pragma once

#include <string>
#include <vector>

namespace unirust::cli {

// In the order of the documentation.
const std::vector<std::string>& GraphFormats();

}  // namespace unirust::cli
