#include "rpc/running_calls.h"

#include <gmock/gmock.h>
#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "access/gate.h"
#include "access/token.h"
#include "base/clock.h"
#include "base/files.h"
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
  explicit Places(Callers callers = Callers::kClients) : calls_(callers) {}
  std::string Take(CallKind kind, size_t& of_method, const std::string& connection = "") {
    std::string full;
    taken_.push_back(calls_.Enter({.kind = kind, .connection = connection}, of_method, 0, &full));
    return full;
  }
  // One stream of answers that ends so, of which an answer takes so long.
  void Read(const std::string& connection, bool ok, uint64_t micros = 0) {
    std::string full;
    size_t of_method = 0;
    const auto call =
        calls_.Enter({.kind = CallKind::kAnswers, .connection = connection}, of_method, 0, &full);
    ASSERT_NE(call, nullptr) << full;
    call->Sending(1);
    call->Sent(1 + micros);
    call->Ends(ok);
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
  places.Fill(CallKind::kAnswers, methods[0],
              limits::kAnswerStreamsMax - limits::kAnswerStreamsKept);
  EXPECT_THAT(places.Take(CallKind::kAnswers, methods[1]), HasSubstr("24 streams of answers"));
  places.Fill(CallKind::kRequests, methods[0], limits::kRequestStreamsMax);
  EXPECT_THAT(places.Take(CallKind::kRequests, methods[1]), HasSubstr("64 streams of requests"));
  size_t left = limits::kCallsMax - limits::kAnswerStreamsMax + limits::kAnswerStreamsKept -
                limits::kRequestStreamsMax;
  for (size_t method = 1; left > 0; ++method) {
    const size_t some = std::min(left, limits::kCallsPerMethodMax);
    places.Fill(CallKind::kUnary, methods[method], some);
    left -= some;
  }
  EXPECT_THAT(places.Take(CallKind::kUnary, methods[4]), HasSubstr("448 calls already"));
}

class KeptPlaces : public ::testing::Test {
 protected:
  // Takes all that anyone may have.
  void Fill() {
    places_.Fill(CallKind::kAnswers, of_method_,
                 limits::kAnswerStreamsMax - limits::kAnswerStreamsKept);
  }
  bool Has(const std::string& connection) {
    return places_.Take(CallKind::kAnswers, of_method_, connection).empty();
  }
  size_t of_method_ = 0;
  Places places_;
};

TEST_F(KeptPlaces, AreForConnectionsThatReadTheirLastStreamToItsEnd) {
  places_.Read("reads", true);
  places_.Read("leaves", false);
  places_.Read("both", true);
  places_.Read("both", false);
  Fill();
  EXPECT_FALSE(Has("leaves"));
  EXPECT_FALSE(Has("new"));
  EXPECT_TRUE(Has("reads"));
  EXPECT_TRUE(Has("both")) << "who left a stream has not been slow";
}

TEST_F(KeptPlaces, AreForConnectionsThatTookEachAnswerSoon) {
  const uint64_t soon = limits::kPromptAnswerMsMax * 1000;
  places_.Read("soon", true, soon);
  places_.Read("late", true, soon + 1);
  places_.Read("no more", true);
  places_.Read("no more", true, soon + 1);
  Fill();
  EXPECT_TRUE(Has("soon"));
  EXPECT_FALSE(Has("late"));
  EXPECT_FALSE(Has("no more"));
}

TEST_F(KeptPlaces, AreNotForConnectionsThatNobodyCanTellFromOthers) {
  places_.Read("", true);
  Fill();
  EXPECT_FALSE(Has(""));
}

TEST_F(KeptPlaces, AreOneForEachConnection) {
  places_.Read("reads", true);
  Fill();
  EXPECT_TRUE(Has("reads"));
  EXPECT_FALSE(Has("reads"));
}

TEST_F(KeptPlaces, AreNotMoreThanThere) {
  for (size_t i = 0; i <= limits::kAnswerStreamsKept; ++i) places_.Read(std::to_string(i), true);
  Fill();
  for (size_t i = 0; i < limits::kAnswerStreamsKept; ++i) EXPECT_TRUE(Has(std::to_string(i)));
  EXPECT_FALSE(Has(std::to_string(limits::kAnswerStreamsKept)));
}

TEST_F(KeptPlaces, AreForSoManyConnectionsThatReadLast) {
  for (size_t i = 0; i < limits::kReadersKnownMax; ++i) places_.Read(std::to_string(i), true);
  places_.Read("0", true);
  places_.Read("new", true);
  Fill();
  EXPECT_TRUE(Has("0"));
  EXPECT_FALSE(Has("1"));
  EXPECT_TRUE(Has("new"));
}

TEST(RunningCalls, OfRoutersHaveRoomForWhatTheseHaveGivenUp) {
  size_t of_method = 0;
  Places places(Callers::kRouters);
  places.Fill(CallKind::kAnswers, of_method, 2 * limits::kAnswerStreamsMax);
  EXPECT_THAT(places.Take(CallKind::kAnswers, of_method), HasSubstr("64 streams of answers"));
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
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
};

class LimitedServer : public ::testing::Test {
 protected:
  // gRPC goes on between tests: its end waits, for up to 10 s, for what it still wrote to a client that takes nothing.
  static void SetUpTestSuite() { static const bool begun = (grpc_init(), true); ASSERT_TRUE(begun); }

  Held service_;
  RequestMetrics metrics_{proto::ShardService::service_full_name(), Callers::kClients};
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

// The kept places of a server whose others are taken by one connection.
class FullServer : public LimitedServer {
 protected:
  FullServer() { service_.Release(); }
  ~FullServer() override {
    for (const auto& context : contexts_) context->TryCancel();
  }
  void Fill() {
    for (size_t i = 0; i <= limits::kAnswerStreamsMax - limits::kAnswerStreamsKept; ++i) {
      Stall(*stub_);
    }
    EXPECT_EQ(metrics_.running().Of(CallKind::kAnswers).refused, 1U);
  }
  // Begins a stream and takes one answer of it.
  void Stall(proto::ShardService::Stub& stub) {
    proto::ScanRecordsChunk chunk;
    contexts_.push_back(std::make_unique<grpc::ClientContext>());
    readers_.push_back(stub.ScanRecords(contexts_.back().get(), {}));
    readers_.back()->Read(&chunk);
  }
  // A small stream of another connection.
  bool Reads() {
    grpc::ClientContext context;
    const auto reader = other_->GetDigest(&context, {});
    proto::GetDigestChunk chunk;
    while (reader->Read(&chunk)) {
    }
    return reader->Finish().ok();
  }

  // Whether a new stream of another client finds a place, so long from now.
  bool HasPlace(uint64_t from_now_ms) {
    std::string full;
    entered_.push_back(metrics_.running().Enter(
        {.kind = CallKind::kAnswers, .connection = std::to_string(entered_.size())}, of_method_,
        SteadyClockMicros() + from_now_ms * 1000, &full));
    return entered_.back() != nullptr;
  }
  RunningCalls::Counts Answers() { return metrics_.running().Of(CallKind::kAnswers); }

  size_t of_method_ = 0;
  std::vector<std::unique_ptr<RunningCalls::Call>> entered_;
  std::unique_ptr<proto::ShardService::Stub> other_ =
      proto::ShardService::NewStub(server_->InProcessChannel());
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::unique_ptr<grpc::ClientReader<proto::ScanRecordsChunk>>> readers_;
};

TEST_F(FullServer, KeepsAPlaceForWhoReadAStream) {
  ASSERT_TRUE(Reads());
  Fill();
  EXPECT_TRUE(Reads());
  EXPECT_TRUE(Reads());
}

TEST_F(FullServer, GivesThePlaceOfOneThatHasStalledForLongToANewOne) {
  Fill();
  const size_t running = Answers().running;
  EXPECT_FALSE(HasPlace(0));
  while (!HasPlace(limits::kStalledAnswerFullMsMax)) {  // all may be between two answers
  }
  EXPECT_EQ(metrics_.running().stalled(), 1U);
  EXPECT_EQ(Answers().running, running);
}

TEST_F(FullServer, GivesNoKeptPlaceToANewOne) {
  ASSERT_TRUE(Reads());
  Fill();
  Stall(*other_);
  const size_t running = Answers().running;
  EXPECT_EQ(running, limits::kAnswerStreamsMax - limits::kAnswerStreamsKept + 1);
  for (size_t found = 0; found + 1 < running;) {
    if (HasPlace(limits::kStalledAnswerFullMsMax)) ++found;
  }
  EXPECT_EQ(Answers().running, running);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(HasPlace(limits::kStalledAnswerFullMsMax));
}

TEST_F(FullServer, KeepsNoneForWhoNeverReadOne) {
  Fill();
  EXPECT_FALSE(Reads());
}

TEST_F(FullServer, KeepsNoneForWhoWasGivenUpSince) {
  ASSERT_TRUE(Reads());
  Stall(*other_);
  while (metrics_.running().stalled() == 0) {  // it may be between two answers
    metrics_.running().EndStalled(SteadyClockMicros() + (limits::kStalledAnswerMsMax + 1) * 1000);
  }
  proto::ScanRecordsChunk chunk;
  while (readers_.back()->Read(&chunk)) {
  }
  EXPECT_EQ(readers_.back()->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  Fill();
  EXPECT_FALSE(Reads());
}

// --- streams whose callers may not make them any more --------------------------------------------

class GuardedServer : public ::testing::Test {
 protected:
  GuardedServer() {
    Admit({"ann", "bob"});
    gate_ = access::Gate::Open(path_, /*look_every_micros=*/0).value();
    server_ = Server::Start("127.0.0.1:0", service_, &metrics_, {.gate = gate_.get()}).value();
  }

  // The tokens are the names.
  void Admit(const std::vector<std::string>& names) {
    std::ofstream file(path_, std::ios::trunc);
    for (const std::string& name : names) {
      file << "[[principal]]\nname = \"" << name << "\"\nroles = [\"reader\"]\ntoken-sha256 = \""
           << access::ToHex(access::HashToken(name)) << "\"\n";
    }
  }
  std::unique_ptr<grpc::ClientReader<proto::ScanRecordsChunk>> Begin(const std::string& token,
                                                                     grpc::ClientContext& context) {
    const auto channel = Connect(server_->address(), {.token = token});
    auto reader = proto::ShardService::NewStub(channel)->ScanRecords(&context, {});
    proto::ScanRecordsChunk chunk;
    EXPECT_TRUE(reader->Read(&chunk));
    return reader;
  }
  static grpc::Status End(grpc::ClientReader<proto::ScanRecordsChunk>& reader) {
    proto::ScanRecordsChunk chunk;
    while (reader.Read(&chunk)) {
    }
    return reader.Finish();
  }

  std::unique_ptr<TemporaryDirectory> directory_ = TemporaryDirectory::Create().value();
  const std::string path_ = directory_->path() + "/access.toml";
  Held service_;
  RequestMetrics metrics_{proto::ShardService::service_full_name(), Callers::kRouters};
  std::unique_ptr<access::Gate> gate_;
  std::unique_ptr<Server> server_;
};

TEST_F(GuardedServer, EndsTheStreamsOfATokenThatWasTakenBack) {
  grpc::ClientContext of_ann;
  grpc::ClientContext of_bob;
  const auto ann = Begin("ann", of_ann);
  const auto bob = Begin("bob", of_bob);
  RunningCalls& running = metrics_.running();
  running.EndForbidden();
  EXPECT_EQ(running.Of(CallKind::kAnswers).running, 2U);
  Admit({"bob"});
  while (running.Of(CallKind::kAnswers).running == 2) running.EndForbidden();  // the server's watch may read the file
  const grpc::Status status = End(*ann);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("the token is not known here"));
  proto::ScanRecordsChunk chunk;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bob->Read(&chunk));
  of_bob.TryCancel();
}

}  // namespace
}  // namespace unirust::rpc
