// Which version of the programs this is.
#pragma once

namespace unirust {

const char* ProgramVersion();  // e.g. "0.1.0"

}  // namespace unirust
