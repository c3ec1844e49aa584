#include "rpc/running_calls.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/admission.h"
#include "rpc/channel.h"
#include "rpc/requests.h"
#include "rpc/server.h"

namespace unirust::rpc {
namespace {

using ::testing::HasSubstr;

// Calls of some methods that nobody answers.
class Places {
 public:
  std::string Take(CallKind kind, size_t& of_method) {
    std::string full;
    taken_.push_back(calls_.Enter(kind, of_method, nullptr, &full));
    return full;
  }
  // Takes so many, which there is room for.
  void Fill(CallKind kind, size_t& of_method, size_t count) {
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(Take(kind, of_method), "");
  }
  void GiveBack() { taken_.clear(); }
  RunningCalls::Counts Of(CallKind kind) const { return calls_.Of(kind); }

 private:
  RunningCalls calls_;
  std::vector<std::unique_ptr<RunningCalls::Call>> taken_;
};

TEST(RunningCalls, OfOneMethodLeaveRoomForOthers) {
  size_t flooded = 0;
  size_t other = 0;
  Places places;
  places.Fill(CallKind::kUnary, flooded, limits::kCallsPerMethodMax);
  EXPECT_THAT(places.Take(CallKind::kUnary, flooded),
              HasSubstr("128 calls of this method already"));
  EXPECT_EQ(places.Take(CallKind::kUnary, other), "");
  EXPECT_EQ(places.Of(CallKind::kUnary).refused, 1U);
  places.GiveBack();
  EXPECT_EQ(flooded, 0U);
  EXPECT_EQ(places.Of(CallKind::kUnary).running, 0U);
  EXPECT_EQ(places.Take(CallKind::kUnary, flooded), "");
}

TEST(RunningCalls, OfAllKindsLeaveThreadsToRefuse) {
  static_assert(limits::kCallsMax < limits::kServerThreadsMax);
  size_t methods[5] = {};
  Places places;
  places.Fill(CallKind::kAnswers, methods[0], limits::kAnswerStreamsMax);
  EXPECT_THAT(places.Take(CallKind::kAnswers, methods[1]), HasSubstr("32 streams of answers"));
  places.Fill(CallKind::kRequests, methods[0], limits::kRequestStreamsMax);
  EXPECT_THAT(places.Take(CallKind::kRequests, methods[1]), HasSubstr("64 streams of requests"));
  size_t left = limits::kCallsMax - limits::kAnswerStreamsMax - limits::kRequestStreamsMax;
  for (size_t method = 1; left > 0; ++method) {
    const size_t some = std::min(left, limits::kCallsPerMethodMax);
    places.Fill(CallKind::kUnary, methods[method], some);
    left -= some;
  }
  EXPECT_THAT(places.Take(CallKind::kUnary, methods[4]), HasSubstr("448 calls already"));
}

// Answers when it is told to; a stream is of messages that no window has room for.
class Held final : public proto::ShardService::Service {
 public:
  grpc::Status HealthCheck(grpc::ServerContext* context, const proto::HealthCheckRequest*,
                           proto::HealthCheckResponse*) override {
    if (const auto refused = Refused(*context)) return *refused;
    MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!released_) changed_.Wait(mutex_);
    return grpc::Status::OK;
  }
  grpc::Status ScanRecords(grpc::ServerContext* context, const proto::ScanRecordsRequest*,
                           grpc::ServerWriter<proto::ScanRecordsChunk>* writer) override {
    if (const auto refused = Refused(*context)) return *refused;
    proto::ScanRecordsChunk chunk;
    chunk.set_cursor(std::string(limits::kPageBytesMax, 'x'));
    while (writer->Write(chunk)) {
      MutexLock lock(mutex_);
      ++written_;
      changed_.NotifyAll();
    }
    return grpc::Status::CANCELLED;
  }
  grpc::Status GetDigest(grpc::ServerContext* context, const proto::GetDigestRequest*,
                         grpc::ServerWriter<proto::GetDigestChunk>* writer) override {
    if (const auto refused = Refused(*context)) return *refused;
    writer->Write(proto::GetDigestChunk());
    MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!released_) changed_.Wait(mutex_);
    return grpc::Status::OK;
  }
  void Await(size_t arrived) {
    MutexLock lock(mutex_);
    while (arrived_ < arrived) changed_.Wait(mutex_);
  }
  void Release() {
    MutexLock lock(mutex_);
    released_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t arrived_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
};

class LimitedServer : public ::testing::Test {
 protected:
  Held service_;
  RequestMetrics metrics_{proto::ShardService::service_full_name()};
  std::unique_ptr<Server> server_ = Server::Start("127.0.0.1:0", service_, &metrics_).value();
  std::unique_ptr<proto::ShardService::Stub> stub_ =
      proto::ShardService::NewStub(Connect(server_->address()));
};

TEST_F(LimitedServer, RefusesWithADelayWhatIsTooMuch) {
  std::vector<Thread> clients;
  for (size_t i = 0; i < limits::kCallsPerMethodMax; ++i) {
    clients.emplace_back("test-client", [&] {
      grpc::ClientContext context;
      proto::HealthCheckResponse response;
      EXPECT_TRUE(stub_->HealthCheck(&context, {}, &response).ok());
    });
  }
  service_.Await(limits::kCallsPerMethodMax);
  grpc::ClientContext context;
  proto::HealthCheckResponse response;
  const grpc::Status status = stub_->HealthCheck(&context, {}, &response);
  grpc::ClientContext other;
  proto::StatsResponse stats;
  const grpc::Status of_other_method = stub_->GetStats(&other, {}, &stats);
  service_.Release();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("send again a little later"));
  const auto& trailer = context.GetServerTrailingMetadata();
  ASSERT_EQ(trailer.count(kRetryAfterKey), 1U);
  EXPECT_EQ(trailer.find(kRetryAfterKey)->second, std::to_string(limits::kRetryAfterMs));
  EXPECT_EQ(of_other_method.error_code(), grpc::StatusCode::UNIMPLEMENTED);  // it was asked
}

TEST_F(LimitedServer, GivesUpAClientThatTakesNothing) {
  grpc::ClientContext context;
  const auto reader = stub_->ScanRecords(&context, {});
  proto::ScanRecordsChunk chunk;
  ASSERT_TRUE(reader->Read(&chunk));
  const uint64_t long_after_ms = limits::kStalledAnswerMsMax + 1;
  metrics_.running().EndStalled(SteadyClockMicros());  // not yet
  EXPECT_EQ(metrics_.running().stalled(), 0U);
  while (metrics_.running().stalled() == 0) {  // it may be between two answers
    metrics_.running().EndStalled(SteadyClockMicros() + long_after_ms * 1000);
  }
  while (reader->Read(&chunk)) {
  }
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("lay unread"));
}

TEST_F(LimitedServer, LeavesAloneWhoWaitsForTheServer) {
  grpc::ClientContext context;
  const auto reader = stub_->GetDigest(&context, {});
  proto::GetDigestChunk chunk;
  ASSERT_TRUE(reader->Read(&chunk));
  service_.Await(1);
  metrics_.running().EndStalled(SteadyClockMicros() + 100 * limits::kStalledAnswerMsMax * 1000);
  EXPECT_EQ(metrics_.running().stalled(), 0U);
  service_.Release();
  EXPECT_FALSE(reader->Read(&chunk));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(LimitedServer, GivesItUpSoonerWhereNoOtherHasRoom) {
  const uint64_t a_little_ms = limits::kStalledAnswerFullMsMax + 1;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<proto::ScanRecordsChunk>>> readers;
  proto::ScanRecordsChunk chunk;
  const auto open = [&] {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub_->ScanRecords(contexts.back().get(), {}));
    return readers.back()->Read(&chunk);
  };
  for (size_t i = 0; i + 1 < limits::kAnswerStreamsMax; ++i) ASSERT_TRUE(open());
  metrics_.running().EndStalled(SteadyClockMicros() + a_little_ms * 1000);
  EXPECT_EQ(metrics_.running().stalled(), 0U);  // there is room for one more
  ASSERT_TRUE(open());
  EXPECT_FALSE(open());
  while (metrics_.running().stalled() == 0) {
    metrics_.running().EndStalled(SteadyClockMicros() + a_little_ms * 1000);
  }
  for (const auto& context : contexts) context->TryCancel();
}

}  // namespace
}  // namespace unirust::rpc
