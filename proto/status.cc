#include "proto/status.h"

#include <string>

#include "base/limits.h"

namespace unirust::proto {
namespace {

constexpr char kCut[] = " ...";

// The length to cut `text` to, so that at most `bytes_max` remain and no character is torn.
size_t CutLength(const std::string& text, size_t bytes_max) {
  size_t length = bytes_max;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  return length;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string message(status.message());
  if (message.size() > limits::kStatusMessageBytesMax) {
    message.resize(CutLength(message, limits::kStatusMessageBytesMax - sizeof(kCut)));
    message += kCut;
  }
  return {static_cast<grpc::StatusCode>(status.code()), message};
}

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace unirust::proto
