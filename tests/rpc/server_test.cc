#include "rpc/server.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/channel.h"

namespace unirust::rpc {
namespace {

class Healthy final : public proto::ShardService::Service {
 public:
  grpc::Status HealthCheck(grpc::ServerContext*, const proto::HealthCheckRequest*,
                           proto::HealthCheckResponse* response) override {
    response->set_status("ok");
    return grpc::Status::OK;
  }
};

std::string Health(std::shared_ptr<grpc::Channel> channel) {
  grpc::ClientContext context;
  proto::HealthCheckResponse response;
  const grpc::Status status =
      proto::ShardService::NewStub(std::move(channel))->HealthCheck(&context, {}, &response);
  return status.ok() ? response.status() : status.error_message();
}

TEST(Server, TellsTheRealPort) {
  Healthy service;
  const auto server = Server::Start("127.0.0.1:0", service);
  ASSERT_TRUE(server.ok());
  EXPECT_THAT((*server)->address(), ::testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  EXPECT_EQ(Health(Connect((*server)->address())), "ok");
  EXPECT_EQ(Health((*server)->InProcessChannel()), "ok");
}

TEST(Server, DoesNotShareAPort) {
  Healthy service;
  const auto first = Server::Start("127.0.0.1:0", service);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Server::Start((*first)->address(), service).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(Server, RefusesAddressesThatAreNone) {
  Healthy service;
  EXPECT_EQ(Server::Start("nowhere", service).status().code(), absl::StatusCode::kUnavailable);
}

// Answers calls when so many of them are there, and notes which threads these were.
class Together final : public proto::ShardService::Service {
 public:
  explicit Together(size_t calls) : calls_(calls) {}
  grpc::Status HealthCheck(grpc::ServerContext*, const proto::HealthCheckRequest*,
                           proto::HealthCheckResponse* response) override {
    MutexLock lock(mutex_);
    threads_.insert(gettid());
    const size_t last = (arrived_++ / calls_ + 1) * calls_;
    arrived_changed_.NotifyAll();
    while (arrived_ < last) arrived_changed_.Wait(mutex_);
    response->set_status("ok");
    return grpc::Status::OK;
  }
  std::set<pid_t> threads() {
    MutexLock lock(mutex_);
    return threads_;
  }

 private:
  const size_t calls_;
  Mutex mutex_;
  CondVar arrived_changed_;
  size_t arrived_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<pid_t> threads_ ABSL_GUARDED_BY(mutex_);
};

void CallTogether(const std::shared_ptr<grpc::Channel>& channel, size_t calls) {
  std::vector<Thread> clients;
  for (size_t i = 0; i < calls; ++i) {
    clients.emplace_back("test-client", [&] { EXPECT_EQ(Health(channel), "ok"); });
  }
}

TEST(Server, KeepsItsThreads) {
  constexpr size_t kCalls = 16;
  constexpr size_t kRounds = 6;
  Together service(kCalls);
  const auto server = Server::Start("127.0.0.1:0", service);
  ASSERT_TRUE(server.ok());
  const auto channel = Connect((*server)->address());
  for (size_t round = 0; round < kRounds; ++round) CallTogether(channel, kCalls);
  EXPECT_LT(service.threads().size(), 2 * kCalls);  // not new ones for every round
}

TEST(Server, KeepsNoMoreIdleThreadsThanTheLimit) {
  constexpr size_t kCalls = limits::kIdleServerThreadsMax + 40;
  Together service(kCalls);
  const auto server = Server::Start("127.0.0.1:0", service);
  ASSERT_TRUE(server.ok());
  CallTogether(Connect((*server)->address()), kCalls);
  const std::set<pid_t> threads = service.threads();
  ASSERT_GE(threads.size(), kCalls);
  const auto running = [&] {
    return std::count_if(threads.begin(), threads.end(), [](pid_t thread) {
      return std::filesystem::exists("/proc/self/task/" + std::to_string(thread));
    });
  };
  const uint64_t begin = SteadyClockMicros();
  while (running() > static_cast<ptrdiff_t>(limits::kIdleServerThreadsMax) + 1 &&
         SteadyClockMicros() - begin < 30'000'000) {
    std::this_thread::yield();
  }
  EXPECT_LE(running(), static_cast<ptrdiff_t>(limits::kIdleServerThreadsMax) + 1);
}

TEST(Server, CanBeShutDownTwice) {
  Healthy service;
  const auto server = Server::Start("", service);
  ASSERT_TRUE(server.ok());
  (*server)->Shutdown();
  (*server)->Shutdown();
}

// What grpc.health.v1 answers. It is served from bytes, without a descriptor.
std::string StandardHealth(Server& server) {
  const grpc::internal::RpcMethod check("/grpc.health.v1.Health/Check",
                                        grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::ClientContext context;
  const grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  const auto channel = server.InProcessChannel();
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall(channel.get(), check, &context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  grpc::Slice bytes;
  EXPECT_TRUE(response.DumpToSingleSlice(&bytes).ok());
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

TEST(Address, IsHostAndPort) {
  for (const char* good : {"127.0.0.1:0", "localhost:65535", "[::1]:80", "unix:/tmp/socket"}) {
    EXPECT_TRUE(IsAddress(good)) << good;
  }
  for (const char* bad : {"", "localhost", ":80", "localhost:", "localhost:65536", "localhost:-1",
                          "localhost:80x", "localhost:99999999999999999999"}) {
    EXPECT_FALSE(IsAddress(bad)) << bad;
  }
  Healthy service;
  EXPECT_TRUE(absl::IsUnavailable(Server::Start("127.0.0.1:99999", service).status()));
}

TEST(Server, OffersHealthAndReflection) {
  Healthy service;
  const auto server = Server::Start("", service);
  ASSERT_TRUE(server.ok());
  EXPECT_NE(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
                "grpc.reflection.v1alpha.ServerReflection"),
            nullptr);
  EXPECT_EQ(StandardHealth(**server), "\x08\x01");  // SERVING
  (*server)->SetServing(false);
  EXPECT_EQ(StandardHealth(**server), "\x08\x02");  // NOT_SERVING
}

}  // namespace
}  // namespace unirust::rpc
