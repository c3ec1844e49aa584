#include "router/import_request.h"

#include <string>

#include "proto/unirust.pb.h"
#include "proto/wire_bytes.h"
#include "rpc/byte_service.h"

namespace unirust::router {

using FromClient = proto::RouterImportRecordsRequest;
constexpr int kToShard = proto::ImportRecordsRequest::kRecordsFieldNumber;
static_assert(kToShard == proto::ImportRecordsChunk::kRecordsFieldNumber);
static_assert(kToShard <= FromClient::kRecordsFieldNumber);  // so that a tag takes no more bytes

std::optional<ImportRequest> ReadImportRequest(const grpc::ByteBuffer& request) {
  const rpc::MessageBytes bytes(request);
  ImportRequest out;
  std::string records(bytes.view().size(), '\0');
  char* end = records.data();
  proto::FieldReader fields(bytes.view());
  while (fields.Next()) {
    if (fields.IsNumber(FromClient::kShardIdFieldNumber)) {
      out.shard_id = static_cast<uint32_t>(fields.number());
    } else if (fields.IsBytes(FromClient::kRecordsFieldNumber)) {
      end = proto::WriteElement(kToShard, fields.bytes(), end);
    }
  }
  if (!fields.ok()) return std::nullopt;
  const grpc::Slice slice(records.data(), static_cast<size_t>(end - records.data()));
  out.to_shard = grpc::ByteBuffer(&slice, 1);
  return out;
}

}  // namespace unirust::router
