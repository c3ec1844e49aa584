// A service whose requests arrive as bytes. gRPC would decode a request as soon as it is there,
// before anybody can say that there is no room for what becomes of it: many times its bytes. Here a
// request is decoded when its call may go on and has room, or is refused.
//
//   class Service final : public rpc::ByteService {
//    public:
//     Service() : ByteService(proto::ShardService::service_full_name(), Callers::kRouters) {
//       Serve("GetStats", &Service::GetStats);          // unary
//       Serve("ScanRecords", &Service::ScanRecords);    // a stream of answers
//       Serve("IngestChunks", &Service::IngestChunks);  // a stream of requests
//     }
//
// Requests in streams are bytes to the handler, too: gRPC's own readers report a message that does
// not decode as the end of the stream, which would pass a damaged upload off as a complete one. A
// handler that takes the bytes of its request sees to their room itself. On the wire there is no
// difference. A method that is not served is UNIMPLEMENTED.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/method_handler.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "proto/status.h"
#include "rpc/admission.h"
#include "rpc/request_room.h"
#include "rpc/requests.h"

namespace unirust::rpc {

// One thread may read while another writes.
template <typename Answer>
using ByteStream = grpc::ServerReaderWriter<Answer, grpc::ByteBuffer>;

// The bytes of a message in one piece; as long as this lives.
class MessageBytes {
 public:
  explicit MessageBytes(const grpc::ByteBuffer& buffer);
  std::string_view view() const {
    return {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
  }

 private:
  grpc::Slice slice_;
};

// False if the bytes do not decode.
bool Decode(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message);

// INVALID_ARGUMENT, for bytes that do not decode.
absl::Status Malformed();

// INVALID_ARGUMENT, for a message that would take so many bytes in memory, if these are too many.
absl::Status CheckDecodedBytes(uint64_t bytes);

class ByteService : public grpc::Service {
 public:
  // The calls of the server that has this service.
  RequestMetrics& requests() { return requests_; }

 protected:
  // `name` is full: "unirust.ShardService".
  ByteService(const std::string& name, Callers callers);

  // Where a request has room until it is answered. Lives as long as the service.
  virtual RequestRoom& RoomOf(const grpc::ServerContextBase& context) = 0;

  template <typename Self, typename Request, typename Response>
  void Serve(const char* method,
             grpc::Status (Self::*serve)(grpc::ServerContext*, const Request*, Response*)) {
    Add(method, Rpc::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<Self, grpc::ByteBuffer, Response>(
            [serve](Self* self, grpc::ServerContext* context, const grpc::ByteBuffer* bytes,
                    Response* response) {
              return self->template WithRequest<Request>(
                  *context, *bytes, [&](const Request& request) {
                    return (self->*serve)(context, &request, response);
                  });
            },
            static_cast<Self*>(this)));
  }

  template <typename Self, typename Request, typename Answer>
  void Serve(const char* method, grpc::Status (Self::*serve)(grpc::ServerContext*, const Request*,
                                                             grpc::ServerWriter<Answer>*)) {
    Add(method, Rpc::SERVER_STREAMING,
        new grpc::internal::ServerStreamingHandler<Self, grpc::ByteBuffer, Answer>(
            [serve](Self* self, grpc::ServerContext* context, const grpc::ByteBuffer* bytes,
                    grpc::ServerWriter<Answer>* writer) {
              return self->template WithRequest<Request>(
                  *context, *bytes, [&](const Request& request) {
                    return (self->*serve)(context, &request, writer);
                  });
            },
            static_cast<Self*>(this)));
  }

  // Also where there is one answer, which is then written as if there could be several.
  template <typename Self, typename Answer>
  void Serve(const char* method,
             grpc::Status (Self::*serve)(grpc::ServerContext*, ByteStream<Answer>*)) {
    Add(method, Rpc::BIDI_STREAMING,
        new grpc::internal::BidiStreamingHandler<Self, grpc::ByteBuffer, Answer>(
            serve, static_cast<Self*>(this)));
  }

  using Rpc = grpc::internal::RpcMethod;

  // Why a call may not go on, if it may not: also if its client ended it without a request.
  static std::optional<grpc::Status> RefusedWith(const grpc::ServerContextBase& context,
                                                 const grpc::ByteBuffer& request);

  // The path of a method: "/unirust.ShardService/GetStats".
  std::string PathOf(const std::string& method) const { return prefix_ + method; }

  // Has `handler`, which it takes, serve a method. Returns the position of the method.
  int Add(const std::string& method, Rpc::RpcType type, grpc::internal::MethodHandler* handler);

 private:
  // Calls `serve` with the request, if the call may go on, the request decodes and there is room
  // for it.
  template <typename Request, typename Call>
  grpc::Status WithRequest(grpc::ServerContext& context, const grpc::ByteBuffer& bytes,
                           const Call& serve) {
    if (const auto refused = RefusedWith(context, bytes)) return *refused;
    if constexpr (std::is_same_v<Request, grpc::ByteBuffer>) {
      return serve(bytes);
    } else {
      RequestRoom::Share room;
      if (const grpc::Status full = TakeRoom(context, bytes, &room); !full.ok()) return full;
      Request request;
      return Decode(bytes, &request) ? serve(request) : proto::ToGrpc(Malformed());
    }
  }

  grpc::Status TakeRoom(grpc::ServerContext& context, const grpc::ByteBuffer& bytes,
                        RequestRoom::Share* room);

  const std::string prefix_;       // of the paths
  std::deque<std::string> paths_;  // of the methods that are served; gRPC keeps pointers to them
  RequestMetrics requests_;
};

}  // namespace unirust::rpc
