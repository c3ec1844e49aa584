#include "bench/load.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "bench/requests.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/channel.h"
#include "rpc/server.h"

namespace unirust::bench {
namespace {

using Clock = std::chrono::steady_clock;

proto::IngestRecordsRequest RequestOf(uint32_t records, const std::string& uid) {
  proto::IngestRecordsRequest out;
  for (uint32_t i = 0; i < records; ++i) out.add_records()->mutable_identity()->set_uid(uid);
  return out;
}

std::unique_ptr<Requests> Prepared(uint32_t count, uint32_t records) {
  auto out = Requests::Create().value();
  for (uint32_t i = 0; i < count; ++i) {
    EXPECT_TRUE(out->Append(RequestOf(records, std::to_string(i))).ok());
  }
  EXPECT_TRUE(out->Finish().ok());
  return out;
}

// Answers every record, but the first answer waits for `stall`, and after `good` answers everything fails.
class Stub final : public proto::RouterService::Service {
 public:
  explicit Stub(Clock::duration stall, int good = 1 << 30) : stall_(stall), good_(good) {}

  grpc::Status IngestRecords(grpc::ServerContext*, const proto::IngestRecordsRequest* request,
                             proto::IngestRecordsResponse* response) override {
    if (answered_.fetch_add(1) >= good_) return {grpc::StatusCode::ABORTED, "broken"};
    Stall();
    for (int i = 0; i < request->records_size(); ++i) response->add_assignments();
    return grpc::Status::OK;
  }

  using Stream = grpc::ServerReaderWriter<proto::IngestRecordsResponse, proto::IngestRecordsChunk>;
  grpc::Status IngestRecordsStream(grpc::ServerContext*, Stream* stream) override {
    proto::IngestRecordsChunk chunk;
    while (stream->Read(&chunk)) {
      if (answered_.fetch_add(1) >= good_) return {grpc::StatusCode::ABORTED, "broken"};
      Stall();
      proto::IngestRecordsResponse response;
      for (int i = 0; i < chunk.records_size(); ++i) response.add_assignments();
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  void Stall() {
    if (!stalled_.exchange(true)) std::this_thread::sleep_for(stall_);
  }

  const Clock::duration stall_;
  const int good_;
  std::atomic<int> answered_ = 0;
  std::atomic<bool> stalled_ = false;
};

enum class Way { kStream, kCalls };

struct Outcome {
  absl::Status status;
  LoadTimes times;
  uint64_t told = 0;  // records, by the last call of `answered`
};

Outcome Load(Way way, Stub& stub, const Requests& requests, const LoadOptions& options) {
  const auto server = rpc::Server::Start("127.0.0.1:0", stub);
  EXPECT_TRUE(server.ok());
  const auto channel = rpc::Connect((*server)->address());
  RequestReader reader(requests);
  Meter meter;
  Outcome out;
  const auto answered = [&](uint64_t records) { out.told = records; };
  out.status = way == Way::kStream
                   ? StreamRecords(channel, &reader, options, &meter, answered, &out.times)
                   : CallEach(channel, Method::kIngestRecords, &reader, options, &meter, answered,
                              &out.times);
  EXPECT_EQ(meter.done, out.times.records);
  return out;
}

class Loads : public testing::TestWithParam<Way> {};

TEST_P(Loads, SendEverythingAndTimeEveryRequest) {
  Stub stub(Clock::duration::zero());
  const auto requests = Prepared(50, 3);
  const Outcome out = Load(GetParam(), stub, *requests, {.in_flight = 4});
  EXPECT_TRUE(out.status.ok()) << out.status;
  EXPECT_EQ(out.times.records, 150U);
  EXPECT_EQ(out.told, 150U);
  EXPECT_EQ(out.times.latencies.size(), 50U);
}

TEST_P(Loads, SendNothingIfThereIsNothing) {
  Stub stub(Clock::duration::zero());
  const auto requests = Prepared(0, 1);
  const Outcome out = Load(GetParam(), stub, *requests, {});
  EXPECT_TRUE(out.status.ok()) << out.status;
  EXPECT_EQ(out.times.records, 0U);
}

// All but the first one wait for the first answer, from the time at which they are due.
TEST_P(Loads, CountWhatWaitsForASlowAnswer) {
  constexpr auto kStall = std::chrono::milliseconds(300);
  constexpr uint32_t kRequests = 20;
  constexpr double kRate = 1000;
  Stub stub(kStall);
  const auto requests = Prepared(kRequests, 1);
  const Outcome out = Load(GetParam(), stub, *requests, {.in_flight = 1, .rate = kRate});
  ASSERT_TRUE(out.status.ok()) << out.status;
  ASSERT_EQ(out.times.latencies.size(), kRequests);
  for (uint32_t i = 0; i < kRequests; ++i) {
    const auto due_micros = static_cast<uint64_t>(1e6 / kRate * i);
    EXPECT_GE(out.times.latencies[i] + due_micros,
              static_cast<uint64_t>(std::chrono::microseconds(kStall).count()))
        << i;
  }
}

TEST_P(Loads, EndWithTheFirstFailure) {
  Stub stub(Clock::duration::zero(), 7);
  const auto requests = Prepared(100, 1);
  const Outcome out = Load(GetParam(), stub, *requests, {.in_flight = 3});
  EXPECT_EQ(out.status.code(), absl::StatusCode::kAborted) << out.status;
  EXPECT_LE(out.times.records, 7U);
}

TEST_P(Loads, EndWhenTheyAreStopped) {
  std::atomic<bool> stop = true;
  Stub stub(Clock::duration::zero());
  const auto requests = Prepared(100, 1);
  const LoadOptions slow{.in_flight = 1, .rate = 0.001, .stop = &stop};
  EXPECT_TRUE(Load(GetParam(), stub, *requests, slow).status.ok());
}

INSTANTIATE_TEST_SUITE_P(Ways, Loads, testing::Values(Way::kStream, Way::kCalls));

TEST(Requests, AreReadAsTheyWereMade) {
  const auto requests = Requests::Create().value();
  std::vector<std::string> made;
  for (uint32_t i = 0; i < 3000; ++i) {
    const size_t bytes = i % 997 == 0 ? (size_t{3} << 20U) + i : i % 1500;
    const auto request = RequestOf(1, std::string(bytes, static_cast<char>('a' + i % 26)));
    made.push_back(request.SerializeAsString());
    ASSERT_TRUE(requests->Append(request).ok());
  }
  ASSERT_TRUE(requests->Finish().ok());
  RequestReader reader(*requests, /*again=*/true);
  for (size_t i = 0; i < 2 * made.size(); ++i) {
    grpc::ByteBuffer bytes;
    ASSERT_TRUE(reader.Next(&bytes).value());
    grpc::Slice slice;
    ASSERT_TRUE(bytes.DumpToSingleSlice(&slice).ok());
    ASSERT_EQ(std::string(reinterpret_cast<const char*>(slice.begin()), slice.size()),
              made[i % made.size()]);
  }
}

}  // namespace
}  // namespace unirust::bench
