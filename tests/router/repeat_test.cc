// Which calls a router makes again when its shard is UNAVAILABLE for a moment.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>

#include "base/limits.h"
#include "router/service.h"
#include "rpc/channel.h"
#include "rpc/server.h"

namespace unirust::router {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

// Fails as often as it is told to.
class Flaky final : public proto::ShardService::Service {
 public:
  grpc::Status GetStats(grpc::ServerContext*, const proto::StatsRequest*,
                        proto::StatsResponse*) override {
    return Answer();
  }
  grpc::Status ScanRecords(grpc::ServerContext*, const proto::ScanRecordsRequest*,
                           grpc::ServerWriter<proto::ScanRecordsChunk>* chunks) override {
    if (failures_behind_an_answer > 0) {
      ++calls;
      --failures_behind_an_answer;
      chunks->Write({});
      return {StatusCode::UNAVAILABLE, "in the middle"};
    }
    const grpc::Status status = Answer();
    if (status.ok()) chunks->Write({});
    return status;
  }
  grpc::Status IngestRecords(grpc::ServerContext*, const proto::IngestRecordsRequest*,
                             proto::IngestRecordsResponse*) override {
    return Answer();
  }

  std::atomic<int> failures = 0;
  std::atomic<int> failures_behind_an_answer = 0;
  std::atomic<StatusCode> code = StatusCode::UNAVAILABLE;
  std::atomic<int> calls = 0;

 private:
  grpc::Status Answer() {
    ++calls;
    if (failures == 0) return grpc::Status::OK;
    --failures;
    return {code, "a part is starting"};
  }
};

class Repeating : public ::testing::Test {
 protected:
  grpc::Status GetStats() {
    grpc::ClientContext context;
    proto::StatsResponse response;
    return stub_->GetStats(&context, {}, &response);
  }
  grpc::Status ScanRecords(int* chunks) {
    grpc::ClientContext context;
    const auto reader = stub_->ScanRecords(&context, {});
    for (proto::ScanRecordsChunk chunk; reader->Read(&chunk);) ++*chunks;
    return reader->Finish();
  }

  Flaky flaky_;
  std::unique_ptr<rpc::Server> shard_ = rpc::Server::Start("127.0.0.1:0", flaky_).value();
  RouterService service_{rpc::ConnectShard(shard_->address()), "shard", std::chrono::seconds(60)};
  std::unique_ptr<rpc::Server> router_ = rpc::Server::Start("", service_).value();
  std::unique_ptr<proto::RouterService::Stub> stub_ =
      proto::RouterService::NewStub(router_->InProcessChannel());
};

TEST_F(Repeating, ReadsWaitOutAMoment) {
  flaky_.failures = limits::kReadAttemptsMax - 1;
  EXPECT_TRUE(GetStats().ok());
  EXPECT_EQ(flaky_.calls, limits::kReadAttemptsMax);
  flaky_.failures = 1;
  int chunks = 0;
  EXPECT_TRUE(ScanRecords(&chunks).ok());
  EXPECT_EQ(chunks, 1);
}

TEST_F(Repeating, ReadsAreGivenUpInTheEnd) {
  flaky_.failures = limits::kReadAttemptsMax;
  const grpc::Status status = GetStats();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("a part is starting"));
  EXPECT_EQ(flaky_.calls, limits::kReadAttemptsMax);
}

TEST_F(Repeating, NoOtherFaultIsRepeated) {
  flaky_.failures = 1;
  flaky_.code = StatusCode::RESOURCE_EXHAUSTED;
  EXPECT_EQ(GetStats().error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(flaky_.calls, 1);
}

TEST_F(Repeating, NoWriteIsRepeated) {
  flaky_.failures = 1;
  grpc::ClientContext context;
  proto::IngestRecordsResponse response;
  EXPECT_EQ(stub_->IngestRecords(&context, {}, &response).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(flaky_.calls, 1);
}

TEST_F(Repeating, WhatHasBegunIsNotRepeated) {
  flaky_.failures_behind_an_answer = 1;
  int chunks = 0;
  EXPECT_EQ(ScanRecords(&chunks).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(chunks, 1);
  EXPECT_EQ(flaky_.calls, 1);
}

}  // namespace
}  // namespace unirust::router
