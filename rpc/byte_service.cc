#include "rpc/byte_service.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include "base/limits.h"
#include "proto/status.h"
#include "rpc/malformed.h"
#include "rpc/message_fields.h"

namespace unirust::rpc {
namespace {

// What a message takes in memory at most, if no message lies within another one within it: there is
// a field in a list for each that it has, and these are messages of a few fields, or strings.
constexpr uint64_t kFieldBytesMax = 96;

uint64_t DecodedBytesMax(const grpc::ByteBuffer& bytes) {
  uint64_t fields = 0;
  EachField(bytes, [&](int) { ++fields; });
  return bytes.Length() + fields * kFieldBytesMax;
}

}  // namespace

MessageBytes::MessageBytes(const grpc::ByteBuffer& buffer) {
  if (!buffer.TrySingleSlice(&slice_).ok()) buffer.DumpToSingleSlice(&slice_);
}

bool Decode(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message) {
  grpc::ByteBuffer shared = bytes;  // not what it has
  grpc::ProtoBufferReader reader(&shared);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader) && reader.status().ok();
}

absl::Status Malformed() { return absl::InvalidArgumentError(kMalformedMessage); }

absl::Status CheckDecodedBytes(uint64_t bytes) {
  if (bytes <= limits::kDecodedBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the request would take " + std::to_string(bytes >> 20U) + " MiB in memory, at most " +
      std::to_string(limits::kDecodedBytesMax >> 20U) + " are allowed: send less at once");
}

ByteService::ByteService(const std::string& name, Callers callers)
    : prefix_("/" + name + "/"), requests_(name, callers, Served::kAsBytes) {}

std::optional<grpc::Status> ByteService::RefusedWith(const grpc::ServerContextBase& context,
                                                     const grpc::ByteBuffer& request) {
  std::optional<grpc::Status> refused = Refused(context);
  if (!refused && !request.Valid()) {
    refused.emplace(grpc::StatusCode::INVALID_ARGUMENT, "there is no request");
  }
  return refused;
}

int ByteService::Add(const std::string& method, Rpc::RpcType type,
                     grpc::internal::MethodHandler* handler) {
  const std::string& path = paths_.emplace_back(PathOf(method));
  AddMethod(new grpc::internal::RpcServiceMethod(path.c_str(), type, handler));
  return static_cast<int>(paths_.size()) - 1;
}

grpc::Status ByteService::TakeRoom(grpc::ServerContext& context, const grpc::ByteBuffer& bytes,
                                   RequestRoom::Share* room) {
  if (bytes.Length() <= limits::kSmallRequestBytesMax) return grpc::Status::OK;
  const uint64_t decoded = DecodedBytesMax(bytes);
  if (const absl::Status large = CheckDecodedBytes(decoded); !large.ok()) {
    return proto::ToGrpc(large);
  }
  *room = RoomOf(context).Try(decoded);
  if (room->taken()) return grpc::Status::OK;
  context.AddTrailingMetadata(kRetryAfterKey, std::to_string(limits::kRetryAfterMs));
  return {grpc::StatusCode::RESOURCE_EXHAUSTED,
          "too many bytes of requests are being answered already: send again a little later"};
}

}  // namespace unirust::rpc
