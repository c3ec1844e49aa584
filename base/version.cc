#include "base/version.h"

namespace unirust {

const char* ProgramVersion() { return UNIRUST_VERSION; }

}  // namespace unirust
