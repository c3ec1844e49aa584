#include "rpc/message_fields.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace unirust::rpc {

void EachField(const grpc::ByteBuffer& message, absl::FunctionRef<void(int number)> see) {
  using google::protobuf::internal::WireFormatLite;
  grpc::ByteBuffer shared = message;  // not what it has
  grpc::ProtoBufferReader reader(&shared);
  if (!reader.status().ok()) return;
  google::protobuf::io::CodedInputStream fields(&reader);
  while (const uint32_t tag = fields.ReadTag()) {
    if (!WireFormatLite::SkipField(&fields, tag)) return;
    see(WireFormatLite::GetTagFieldNumber(tag));
  }
}

}  // namespace unirust::rpc
