#include "rpc/byte_service.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/limits.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/server.h"

namespace unirust::rpc {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kRoomBytes = 1U << 20U;

class Counting final : public ByteService {
 public:
  Counting() : ByteService(proto::ShardService::service_full_name(), Callers::kRouters) {
    Serve("EraseRecords", &Counting::EraseRecords);
    Serve("ExportGraph", &Counting::ExportGraph);
  }
  RequestRoom& RoomOf(const grpc::ServerContextBase&) override { return room; }

  grpc::Status EraseRecords(grpc::ServerContext*, const proto::EraseRecordsRequest*,
                            proto::EraseRecordsResponse*) {
    ++calls;
    room_left = room.Try(kRoomBytes).taken();
    return grpc::Status::OK;
  }
  grpc::Status ExportGraph(grpc::ServerContext*, const proto::ExportGraphRequest*,
                           grpc::ServerWriter<proto::ExportGraphChunk>*) {
    ++calls;
    return grpc::Status::OK;
  }

  RequestRoom room{2 * kRoomBytes};  // half of it for unary requests
  int calls = 0;           // whose requests were decoded
  bool room_left = false;  // for another one, when the last was served
};

class ByteServices : public ::testing::Test {
 protected:
  ByteServices() : server_(*Server::Start("", service_, &service_.requests())) {}

  grpc::Status Erase(const std::string& bytes) {
    context_ = std::make_unique<grpc::ClientContext>();
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    proto::EraseRecordsResponse response;
    const grpc::internal::RpcMethod method("/unirust.ShardService/EraseRecords",
                                           grpc::internal::RpcMethod::NORMAL_RPC);
    return grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, proto::EraseRecordsResponse>(
        channel_.get(), method, context_.get(), request, &response);
  }
  bool HasDelay() const { return context_->GetServerTrailingMetadata().count(kRetryAfterKey) > 0; }

  static std::string Names(size_t count, const std::string& name) {
    proto::EraseRecordsRequest request;
    for (size_t i = 0; i < count; ++i) request.add_records(name);
    return request.SerializeAsString();
  }

  Counting service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_ = server_->InProcessChannel();
  std::unique_ptr<grpc::ClientContext> context_;
};

TEST_F(ByteServices, DecodeWhatHasRoomAndKeepItUntilTheAnswer) {
  EXPECT_TRUE(Erase(Names(10, std::string(1000, 'x'))).ok());
  EXPECT_EQ(service_.calls, 1);
  EXPECT_FALSE(service_.room_left);
  EXPECT_TRUE(service_.room.Try(kRoomBytes).taken());
}

TEST_F(ByteServices, RefuseWhatHasNoRoomUndecoded) {
  const RequestRoom::Share taken = service_.room.Try(kRoomBytes);
  const grpc::Status status = Erase(Names(10, std::string(1000, 'x')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(HasDelay());
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(ByteServices, TakeSmallRequestsWithoutRoom) {
  const RequestRoom::Share taken = service_.room.Try(kRoomBytes);
  EXPECT_TRUE(Erase(Names(3, std::string(1000, 'x'))).ok());
  EXPECT_EQ(service_.calls, 1);
}

// By what becomes of it: 4,000 empty names take more than their 8,000 bytes.
TEST_F(ByteServices, MeasureTheRoomByWhatARequestTakesDecoded) {
  const RequestRoom::Share taken = service_.room.Try(kRoomBytes - 100'000);
  EXPECT_TRUE(Erase(Names(8, std::string(1000, 'x'))).ok());
  EXPECT_EQ(Erase(Names(4000, "")).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(ByteServices, RefuseOneThatWouldTakeTooMuch) {
  const grpc::Status status = Erase(Names(1'000'000, ""));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("MiB in memory, at most 64"));
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(ByteServices, RefuseWhatDoesNotDecode) {
  for (const std::string& bytes : {std::string("\xFF"), std::string("\x0A\x05x")}) {
    const grpc::Status status = Erase(bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("does not decode"));
  }
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(ByteServices, TakeAnEmptyRequest) {
  EXPECT_TRUE(Erase("").ok());
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(ByteServices, DoNotHaveAMethodThatIsNotServed) {
  grpc::ClientContext context;
  proto::StatsResponse response;
  EXPECT_EQ(proto::ShardService::NewStub(channel_)->GetStats(&context, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace unirust::rpc
