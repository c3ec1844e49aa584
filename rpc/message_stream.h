// Streams of messages from clients. gRPC's own readers report a message that does not decode as the
// end of the stream, which would pass a damaged upload off as a complete one. So a service takes
// such streams as bytes and decodes them here:
//
//   Service::Service() {
//     const int index = rpc::MethodIndex("unirust.ShardService.IngestChunks");
//     MarkMethodStreamed(index, rpc::StreamHandler(this, &Service::ServeIngestChunks));
//   }
//   grpc::Status Service::ServeIngestChunks(grpc::ServerContext*, MessageStream<Chunk, Response>&
//   stream);
//
// For methods with one answer at the end, too: write it once; and for those with one request, to write their answers
// as bytes: read once. On the wire there is no difference.
#pragma once

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/method_handler.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/sync_stream.h>

#include <cstddef>
#include <string>

#include "absl/functional/function_ref.h"
#include "rpc/malformed.h"

namespace unirust::rpc {

// One thread may read while another writes.
template <typename Message, typename Answer>
class MessageStream {
 public:
  using Raw = grpc::ServerReaderWriter<Answer, grpc::ByteBuffer>;
  explicit MessageStream(Raw* raw) : raw_(raw) {}

  // Blocks for the next message. False at the end of the stream, if the client has gone, or if the
  // message does not decode: status() tells.
  bool Read(Message* message) {
    return Read(message, [](size_t) {});
  }

  // The same; `arrived` hears of the bytes of the message before it is decoded, and may wait for room.
  bool Read(Message* message, absl::FunctionRef<void(size_t bytes)> arrived) {
    grpc::ByteBuffer buffer;
    if (!raw_->Read(&buffer)) return false;
    arrived(buffer.Length());
    grpc::ProtoBufferReader reader(&buffer);
    if (message->ParseFromZeroCopyStream(&reader) && reader.status().ok()) return true;
    status_ = {grpc::StatusCode::INVALID_ARGUMENT, kMalformedMessage};
    return false;
  }

  // The request, where a client sends one alone. INVALID_ARGUMENT if it sent none, or one that does not decode.
  grpc::Status ReadRequest(Message* request) {
    if (Read(request)) return grpc::Status::OK;
    return status_.ok() ? grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "there is no request")
                        : status_;
  }

  // False if the client has gone.
  bool Write(const Answer& answer) { return raw_->Write(answer); }

  // INVALID_ARGUMENT after a message that did not decode, else OK.
  const grpc::Status& status() const { return status_; }

 private:
  Raw* raw_;
  grpc::Status status_;
};

// The position of a method in its service. Its name is full: package.Service.Method.
inline int MethodIndex(const std::string& name) {
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name)->index();
}

// For Service::MarkMethodStreamed, which takes ownership.
template <typename Service, typename Message, typename Answer>
grpc::internal::MethodHandler* StreamHandler(
    Service* service,
    grpc::Status (Service::*method)(grpc::ServerContext*, MessageStream<Message, Answer>&)) {
  using Raw = typename MessageStream<Message, Answer>::Raw;
  return new grpc::internal::BidiStreamingHandler<Service, grpc::ByteBuffer, Answer>(
      [method](Service* self, grpc::ServerContext* context, Raw* raw) {
        MessageStream<Message, Answer> stream(raw);
        return (self->*method)(context, stream);
      },
      service);
}

}  // namespace unirust::rpc
