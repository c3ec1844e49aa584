// What a router makes of a request to import records: the shard's, without the number of the shard.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <optional>

namespace unirust::router {

struct ImportRequest {
  uint32_t shard_id = 0;
  grpc::ByteBuffer to_shard;  // ImportRecordsRequest, or ImportRecordsChunk
};

// `request`: RouterImportRecordsRequest. Its records are not decoded. Empty if it does not decode.
std::optional<ImportRequest> ReadImportRequest(const grpc::ByteBuffer& request);

}  // namespace unirust::router
