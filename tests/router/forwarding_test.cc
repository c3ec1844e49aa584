// How the router passes deadlines and cancellation on, seen by a shard that only looks at them.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "router/health_watch.h"
#include "router/service.h"
#include "rpc/channel.h"
#include "rpc/server.h"

namespace unirust::router {
namespace {

using Clock = std::chrono::system_clock;
using std::chrono::seconds;
using ::testing::HasSubstr;

class Observer final : public proto::ShardService::Service {
 public:
  grpc::Status GetStats(grpc::ServerContext* context, const proto::StatsRequest*,
                        proto::StatsResponse*) override {
    time_left = context->deadline() - Clock::now();
    for (const char* key : {"authorization", "unirust-tenant"}) {
      const auto [begin, end] = context->client_metadata().equal_range(key);
      for (auto it = begin; it != end; ++it) shown += std::string(it->second.data(), it->second.size()) + " ";
    }
    return grpc::Status::OK;
  }

  grpc::Status SetOntology(grpc::ServerContext* context, const proto::ApplyOntologyRequest*,
                           proto::ApplyOntologyResponse*) override {
    forever = context->deadline() == Clock::time_point::max();
    return grpc::Status::OK;
  }

  grpc::Status IngestRecords(grpc::ServerContext* context, const proto::IngestRecordsRequest*,
                             proto::IngestRecordsResponse*) override {
    context->AddTrailingMetadata("retry-after-ms", "100");
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, "full"};
  }

  // Ends only when it is cancelled.
  grpc::Status ScanRecords(grpc::ServerContext* context, const proto::ScanRecordsRequest*,
                           grpc::ServerWriter<proto::ScanRecordsChunk>* writer) override {
    forever = context->deadline() == Clock::time_point::max();
    writer->Write({});
    return WaitForTheEnd(context);
  }

  grpc::Status QueryEntities(grpc::ServerContext* context, const proto::QueryEntitiesRequest*,
                             proto::QueryEntitiesResponse*) override {
    return WaitForTheEnd(context);
  }

  // Answers every chunk, then waits.
  grpc::Status IngestChunks(grpc::ServerContext* context,
                            grpc::ServerReaderWriter<proto::IngestRecordsResponse,
                                                     proto::IngestRecordsChunk>* stream) override {
    for (proto::IngestRecordsChunk chunk; stream->Read(&chunk);) stream->Write({});
    return WaitForTheEnd(context);
  }

  std::atomic<Clock::duration> time_left;
  std::string shown;  // by the client of GetStats
  std::atomic<bool> forever = false;
  std::atomic<int> cancelled = 0;

 private:
  grpc::Status WaitForTheEnd(grpc::ServerContext* context) {
    while (!context->IsCancelled()) std::this_thread::yield();
    ++cancelled;
    return grpc::Status::CANCELLED;
  }
};

class Forwarding : public ::testing::Test {
 protected:
  Forwarding()
      : shard_(*rpc::Server::Start("", observer_)),
        service_(shard_->InProcessChannel(), "shard-address", seconds(7)),
        router_(*rpc::Server::Start("", service_)),
        stub_(proto::RouterService::NewStub(router_->InProcessChannel())) {}

  Observer observer_;
  std::unique_ptr<rpc::Server> shard_;
  RouterService service_;
  std::unique_ptr<rpc::Server> router_;
  std::unique_ptr<proto::RouterService::Stub> stub_;
  grpc::ClientContext context_;
};

TEST_F(Forwarding, KeepsATenthOfTheClientsTime) {
  context_.set_deadline(Clock::now() + seconds(1000));
  proto::StatsResponse response;
  ASSERT_TRUE(stub_->GetStats(&context_, {}, &response).ok());
  EXPECT_LT(observer_.time_left.load(), seconds(901));
  EXPECT_GT(observer_.time_left.load(), seconds(800));
}

TEST_F(Forwarding, SetsTheDefaultDeadlineWhenTheClientHasNone) {
  proto::StatsResponse response;
  ASSERT_TRUE(stub_->GetStats(&context_, {}, &response).ok());
  EXPECT_LT(observer_.time_left.load(), seconds(8));
  EXPECT_GT(observer_.time_left.load(), seconds(1));
}

TEST_F(Forwarding, ShowsTheShardTokenAndTenantOfTheClient) {
  context_.AddMetadata("authorization", "Bearer t");
  context_.AddMetadata("unirust-tenant", "acme");
  proto::StatsResponse response;
  ASSERT_TRUE(stub_->GetStats(&context_, {}, &response).ok());
  EXPECT_EQ(observer_.shown, "Bearer t acme ");
}

TEST_F(Forwarding, RefusesACallForTwoTenants) {
  context_.AddMetadata("unirust-tenant", "acme");
  context_.AddMetadata("unirust-tenant", "globex");
  proto::StatsResponse response;
  EXPECT_EQ(stub_->GetStats(&context_, {}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(observer_.shown, "");
}

TEST_F(Forwarding, LetsLongOperationsRun) {
  proto::ApplyOntologyResponse response;
  ASSERT_TRUE(stub_->SetOntology(&context_, {}, &response).ok());
  EXPECT_TRUE(observer_.forever);
}

TEST_F(Forwarding, RefusesAStreamOfAnswersWithoutARequest) {
  using Rpc = grpc::internal::RpcMethod;
  const auto channel = router_->InProcessChannel();
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          channel.get(), Rpc("/unirust.RouterService/ScanRecords", Rpc::BIDI_STREAMING),
          &context_));
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "there is no request");
}

TEST_F(Forwarding, TellsThatTheShardWasTooSlow) {
  context_.set_deadline(Clock::now() + seconds(1));
  proto::QueryEntitiesResponse response;
  const grpc::Status status = stub_->QueryEntities(&context_, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("shard-address did not answer in time"));
}

TEST_F(Forwarding, CancelsTheShardWithTheClient) {
  const auto reader = stub_->ScanRecords(&context_, {});
  proto::ScanRecordsChunk chunk;
  ASSERT_TRUE(reader->Read(&chunk));
  EXPECT_TRUE(observer_.forever);
  context_.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (observer_.cancelled == 0)
    std::this_thread::yield();  // or the test runs into its time limit
}

TEST_F(Forwarding, CancelsAnIngestStreamWithTheClient) {
  const auto stream = stub_->IngestRecordsStream(&context_);
  proto::IngestRecordsResponse response;
  ASSERT_TRUE(stream->Write({}));
  ASSERT_TRUE(stream->Read(&response));
  context_.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (observer_.cancelled == 0) std::this_thread::yield();
}

TEST_F(Forwarding, EndsAnIngestStreamThatIsLate) {
  context_.set_deadline(Clock::now() + seconds(1));
  const auto stream = stub_->IngestRecordsStream(&context_);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

// What grpc.health.v1 of `server` answers: 1 is SERVING, 2 NOT_SERVING.
char StandardHealth(rpc::Server& server) {
  const grpc::internal::RpcMethod check("/grpc.health.v1.Health/Check",
                                        grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::ClientContext context;
  const grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  const auto channel = server.InProcessChannel();
  grpc::Slice bytes;
  if (!grpc::internal::BlockingUnaryCall(channel.get(), check, &context, request, &response).ok() ||
      !response.DumpToSingleSlice(&bytes).ok() || bytes.size() != 2) {
    return 0;
  }
  return static_cast<char>(bytes.begin()[1]);
}

TEST_F(Forwarding, ServesByTheStandardWhileTheShardCanBeReached) {
  auto shard = *rpc::Server::Start("127.0.0.1:0", observer_);
  const HealthWatch watch(rpc::Connect(shard->address()), *router_);
  while (StandardHealth(*router_) != 1) std::this_thread::yield();  // or the time limit ends it
  shard.reset();
  while (StandardHealth(*router_) != 2) std::this_thread::yield();
}

TEST_F(Forwarding, PassesTheRetryDelayOn) {
  proto::IngestRecordsResponse response;
  EXPECT_EQ(stub_->IngestRecords(&context_, {}, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto& metadata = context_.GetServerTrailingMetadata();
  ASSERT_EQ(metadata.count("retry-after-ms"), 1U);
  EXPECT_EQ(metadata.find("retry-after-ms")->second, "100");
}

}  // namespace
}  // namespace unirust::router
