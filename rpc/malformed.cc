#include "rpc/malformed.h"

namespace unirust::rpc {

grpc::Status ExplainMalformed(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::INTERNAL || !status.error_message().empty()) {
    return status;
  }
  return {grpc::StatusCode::INVALID_ARGUMENT, kMalformedMessage};
}

}  // namespace unirust::rpc
