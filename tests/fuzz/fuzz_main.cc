// What libFuzzer calls: the target that the build names.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  unirust::fuzz::UNIRUST_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
