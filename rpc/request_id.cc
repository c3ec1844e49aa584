#include "rpc/request_id.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "base/limits.h"
#include "base/random.h"

namespace unirust::rpc {

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= limits::kRequestIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  std::string_view("._:/-").find(c) != std::string_view::npos;
         });
}

// The process at random, the request by its number.
std::string NewRequestId() {
  static const uint64_t process = UniqueNumber();
  static std::atomic<uint64_t> requests = 0;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "-%" PRIu64, process, ++requests);
  return text.data();
}

std::string RequestId(const grpc::ServerContextBase& context) {
  const auto found = context.client_metadata().find(kRequestIdKey);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace unirust::rpc
