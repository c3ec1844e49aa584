// The service of a part, asked by a client that errs, and a client whose part is gone.
#include "peer/part_service.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/limits.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "cluster/local_part.h"
#include "peer/remote_part.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "store/slot_rows.h"
#include "tests/store/temp_dir.h"

namespace unirust::peer {
namespace {

using store::Family;
using ::testing::HasSubstr;

constexpr uint64_t kSession = 5;
constexpr uint64_t kPollMicros = 20'000;
constexpr cluster::Holds kRows = cluster::Holds::kRows;
const auto kNever = [] { return false; };

cluster::Epoch EpochNumber(uint64_t number, store::Batch batch = {}) {
  return {.id = {number, number},
          .after_tag = number - 1,
          .kind = cluster::EpochKind::kRows,
          .rows = batch.Encode()};
}

class PartServiceTest : public ::testing::Test {
 protected:
  PartServiceTest() {
    EXPECT_TRUE(client_.Join({.part = 1, .store = "home", .session = kSession}, {}, kRows).ok());
  }

  void Apply(uint64_t epoch, const std::string& key, const std::string& value) {
    store::Batch batch;
    batch.Put(Family::kNames, key, value);
    const absl::Status status = client_.Apply(EpochNumber(epoch, std::move(batch)));
    ASSERT_TRUE(status.ok()) << status;
  }

  store::TempDir temp_;
  std::unique_ptr<store::Store> store_ =
      store::Store::Open({.dir = temp_.path() + "/data"}).value();
  std::unique_ptr<cluster::LocalPart> part_ = cluster::LocalPart::Open(*store_).value();
  PartService service_{*part_};
  std::unique_ptr<rpc::Server> server_ = rpc::Server::Start("127.0.0.1:0", service_).value();
  std::unique_ptr<Stub> stub_ = proto::PartService::NewStub(rpc::Connect(server_->address()));
  RemotePart client_{rpc::Connect(server_->address()), "part 1"};
};

TEST_F(PartServiceTest, TakesRowsLargerThanAMessage) {
  const std::string large(2 * limits::kMessageBytesMax, 'x');
  Apply(1, "12345678", large);
  std::string value;
  EXPECT_TRUE(client_.ReadEpoch(1)->Get(Family::kNames, "12345678", &value).value());
  EXPECT_EQ(value, large);
  const auto cursor = client_.ReadLatest()->Scan(Family::kNames, "", "");
  ASSERT_TRUE(cursor->Valid()) << cursor->status();
  EXPECT_EQ(cursor->value(), large);
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(cursor->status().ok());
}

TEST_F(PartServiceTest, HasAPartOfEachTenantsStore) {
  const auto acme_store = store::Store::Open({.dir = temp_.path() + "/acme"}).value();
  const auto acme_part = cluster::LocalPart::Open(*acme_store).value();
  PartService service({{"", part_.get()}, {"acme", acme_part.get()}});
  const auto server = rpc::Server::Start("127.0.0.1:0", service).value();
  const auto client = [&](const std::string& tenant) {
    return std::make_unique<RemotePart>(
        rpc::Connect(server->address(), {.tenant = tenant}), "part 1");
  };
  const auto of_default = client(""), acme = client("acme"), nobody = client("globex");
  EXPECT_TRUE(of_default->Join({.part = 1, .store = "home", .session = 7}, {}, kRows).ok());
  EXPECT_TRUE(acme->Join({.part = 1, .store = "acme's", .session = 8}, {}, kRows).ok());
  store::Batch batch;
  batch.Put(Family::kNames, "12345678", "acme's");
  EXPECT_TRUE(acme->Apply(EpochNumber(1, std::move(batch))).ok());
  std::string value;
  EXPECT_TRUE(acme->ReadEpoch(1)->Get(Family::kNames, "12345678", &value).value());
  EXPECT_EQ(value, "acme's");
  EXPECT_TRUE(acme->Rewrite(1, kNever).ok());
  EXPECT_EQ(acme->GetStatus().epoch, 1U);
  EXPECT_EQ(of_default->GetStatus().epoch, 0U);
  EXPECT_FALSE(of_default->ReadLatest()->Get(Family::kNames, "12345678", &value).value());

  for (const absl::Status& status :
       {nobody->Join({.part = 1, .store = "other", .session = 9}, {}, kRows).status(),
        nobody->Apply(EpochNumber(2)), nobody->Rewrite(1, kNever),
        nobody->ReadLatest()->Get(Family::kNames, "12345678", &value).status()}) {
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("this part has no tenant 'globex'"));
  }
}

// Answers a walk only when another one has come as well.
class Companions final : public proto::PartService::Service {
 public:
  grpc::Status WalkRows(grpc::ServerContext* context, const proto::WalkRowsRequest* request,
                        grpc::ServerWriter<proto::WalkRowsResponse>* page) override {
    MutexLock lock(mutex_);
    ++came_;
    changed_.NotifyAll();
    const size_t wanted = came_ + came_ % 2;
    while (came_ < wanted && !context->IsCancelled()) changed_.WaitFor(mutex_, kPollMicros);
    proto::WalkRowsResponse rows;
    rows.add_keys(request->lower() + "key");
    rows.add_values("value");
    rows.set_end(true);
    page->Write(rows);
    return grpc::Status::OK;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t came_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(RemoteCursorTest, CursorsThatAreMadeTogetherAskTogether) {
  Companions service;
  const auto server = rpc::Server::Start("127.0.0.1:0", service).value();
  RemotePart one{rpc::Connect(server->address()), "part 1"};
  RemotePart other{rpc::Connect(server->address()), "part 2"};
  const store::Reader here = *one.ReadLatest();
  const store::Reader there = *other.ReadLatest();
  const auto first = here.ScanPrefix(Family::kNames, "1");
  const auto second = there.ScanPrefix(Family::kNames, "2");
  ASSERT_TRUE(first->Valid() && second->Valid()) << first->status() << second->status();
  EXPECT_EQ(first->key(), "1key");
  EXPECT_EQ(second->key(), "2key");
  // What a page tells is not asked for again.
  first->Seek("1");
  EXPECT_EQ(first->key(), "1key");
  first->Seek("1z");
  EXPECT_FALSE(first->Valid());
  EXPECT_TRUE(first->status().ok());
}

TEST_F(PartServiceTest, RefusesWhatItDoesNotKnow) {
  proto::GetRowsRequest get;
  get.mutable_state()->set_session(kSession);
  get.set_family("nothing");
  proto::GetRowsChunk chunk;
  grpc::ClientContext first;
  const auto chunks = stub_->GetRows(&first, get);
  EXPECT_FALSE(chunks->Read(&chunk));
  EXPECT_EQ(chunks->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  proto::WalkRowsRequest walk;
  walk.set_family("names");
  walk.mutable_state()->set_lease(77);
  walk.mutable_state()->set_session(kSession);
  proto::WalkRowsResponse rows;
  grpc::ClientContext second;
  const auto page = stub_->WalkRows(&second, walk);
  EXPECT_FALSE(page->Read(&rows));
  const grpc::Status lost = page->Finish();
  EXPECT_EQ(lost.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(lost.error_message(), HasSubstr("read again"));

  grpc::ClientContext third;
  proto::Empty done;
  const auto half = stub_->ApplyEpoch(&third, &done);
  proto::ApplyEpochChunk none;
  none.set_session(kSession);
  half->Write(none);
  half->WritesDone();
  EXPECT_EQ(half->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(part_->last().number, 0U);

  grpc::ClientContext fourth;
  const auto unsorted = [&] {
    get.set_family("names");
    get.add_keys("b");
    get.add_keys("a");
    return stub_->GetRows(&fourth, get);
  }();
  EXPECT_FALSE(unsorted->Read(&chunk));
  EXPECT_EQ(unsorted->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  grpc::ClientContext fifth;
  proto::JoinPartRequest nobody;
  nobody.set_part(1);
  proto::JoinPartResponse joined;
  EXPECT_EQ(stub_->Join(&fifth, nobody, &joined).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(PartServiceTest, RefusesAMalformedQuestionForRowsOfSlots) {
  const auto ask = [&](const std::function<void(proto::ReadSlotsRequest&)>& change) {
    proto::ReadSlotsRequest request;
    request.mutable_state()->set_session(kSession);
    request.set_slots(store::BytesOf(store::SlotSet().set(3)));
    request.mutable_after()->set_family("records");
    change(request);
    grpc::ClientContext context;
    proto::ReadSlotsResponse response;
    return stub_->ReadSlots(&context, request, &response).error_code();
  };
  EXPECT_EQ(ask([](auto&) {}), grpc::StatusCode::OK);
  for (const auto& code :
       {ask([](auto& request) { request.set_slots("few"); }),
        ask([](auto& request) { request.clear_after(); }),
        ask([](auto& request) { request.mutable_after()->set_family("nothing"); }),
        ask([](auto& request) {
          request.mutable_after()->set_family("");
          request.mutable_after()->set_key("k");
        }),
        ask([](auto& request) { request.mutable_upto()->set_family("nothing"); }),
        ask([](auto& request) { request.set_what(3); })}) {
    EXPECT_EQ(code, grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_F(PartServiceTest, APartThatIsGoneIsUnavailable) {
  Apply(1, "12345678", "v");
  const store::Reader reader = client_.ReadEpoch(1).value();
  server_->Shutdown();
  std::string value;
  const absl::Status status = reader.Get(Family::kNames, "12345678", &value).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("part 1"));
  const auto cursor = reader.Scan(Family::kNames, "", "");
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(absl::IsUnavailable(cursor->status()));
  EXPECT_TRUE(absl::IsUnavailable(client_.Apply(EpochNumber(2))));
  EXPECT_TRUE(absl::IsUnavailable(client_.ReadEpoch(2).status()));
}

// The part's process comes back on another directory than it had.
TEST_F(PartServiceTest, AnOlderDirectoryIsNoticedWhenRowsAreRead) {
  Apply(1, "12345678", "v");
  const std::string address = server_->address();
  server_.reset();
  const auto older = store::Store::Open({.dir = temp_.path() + "/older"}).value();
  const auto part = cluster::LocalPart::Open(*older).value();
  EXPECT_TRUE(part->Join({.part = 1, .store = "home", .session = kSession}, {}, kRows).ok());
  PartService service(*part);
  const auto server = rpc::Server::Start(address, service).value();
  std::string value;
  absl::Status status;
  do {  // until the connection is there again
    status = client_.ReadLatest()->Get(Family::kNames, "12345678", &value).status();
  } while (absl::IsUnavailable(status));
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("has epoch 0, and had 1"));
  EXPECT_THAT(client_.GetStatus().fault, HasSubstr("has epoch 0, and had 1"));
}

TEST_F(PartServiceTest, RowsThatDidNotAllArriveAreNotApplied) {
  store::Batch batch;
  batch.Put(Family::kNames, "12345678", "v");
  proto::ApplyEpochChunk chunk;
  chunk.mutable_epoch()->set_number(1);
  chunk.set_session(kSession);
  chunk.set_rows(batch.Encode());
  chunk.set_bytes(chunk.rows().size() + 1);
  grpc::ClientContext call;
  proto::Empty done;
  const auto stream = stub_->ApplyEpoch(&call, &done);
  stream->Write(chunk);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(part_->last().number, 0U);
}

TEST_F(PartServiceTest, AStateIsKeptWhileSomebodyReadsIt) {
  Apply(1, "12345678", "first");
  const store::Reader then = client_.ReadEpoch(1).value();
  for (uint64_t epoch = 2; epoch < 2 * limits::kEpochsKept; ++epoch) {
    Apply(epoch, "12345678", "later");
  }
  std::string value;
  EXPECT_TRUE(then.Get(Family::kNames, "12345678", &value).value());
  EXPECT_EQ(value, "first");
  EXPECT_TRUE(absl::IsOutOfRange(client_.ReadEpoch(2).status()));
}

TEST_F(PartServiceTest, IsPartOfOneStoreForGood) {
  const cluster::Membership membership{.part = 1, .store = "home", .session = 6};
  EXPECT_TRUE(client_.Join(membership, {}, kRows).ok());
  for (const cluster::Membership& other :
       {cluster::Membership{.part = 2, .store = "home", .session = 7},
        cluster::Membership{.part = 1, .store = "another", .session = 7}}) {
    const absl::Status status = client_.Join(other, {}, kRows).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("it is part 1 of "));
  }
  EXPECT_TRUE(client_.Apply(EpochNumber(1)).ok());  // its session goes on
}

// Also after the part was started again, and for reads that began before.
TEST_F(PartServiceTest, WhoeverOpensTheStoreShutsOutTheOneBefore) {
  Apply(1, "12345678", "v");
  const store::Reader reader = client_.ReadEpoch(1).value();
  RemotePart next(rpc::Connect(server_->address()), "part 1");
  const cluster::Membership membership{.part = 1, .store = "home", .session = 6};
  const auto position = next.Join(membership, {.number = 1, .tag = 1}, kRows);
  ASSERT_TRUE(position.ok()) << position.status();
  EXPECT_EQ(position->epoch.number, 1U);
  std::string value;
  for (const absl::Status& status :
       {client_.Apply(EpochNumber(2)), client_.BeginGeneration({1, 0}), client_.CommitPending({1, 1}, "rows"),
        client_.SealPending({1, 2}), client_.DropPending({2, 0}), client_.Rewrite(1, kNever),
        client_.ReadEpoch(2).status(),
        client_.ReadLatest()->Get(Family::kNames, "12345678", &value).status(),
        reader.Get(Family::kNames, "12345678", &value).status(),
        reader.Scan(Family::kNames, "", "")->status()}) {
    EXPECT_TRUE(absl::IsAborted(status)) << status;
  }
  EXPECT_TRUE(next.Apply(EpochNumber(2)).ok());
  EXPECT_EQ(cluster::LocalPart::Open(*store_).value()->CheckSession(6), absl::OkStatus());
}

// Not even what was on its way when the next one came.
TEST_F(PartServiceTest, AnEpochOfTheOneBeforeIsNotAppliedLate) {
  proto::ApplyEpochChunk chunk;
  chunk.mutable_epoch()->set_number(1);
  chunk.set_session(kSession);
  chunk.set_rows(store::Batch().Encode());
  chunk.set_bytes(chunk.rows().size());
  grpc::ClientContext call;
  proto::Empty done;
  const auto stream = stub_->ApplyEpoch(&call, &done);
  ASSERT_TRUE(stream->Write(chunk));
  RemotePart next(rpc::Connect(server_->address()), "part 1");
  ASSERT_TRUE(
      next.Join({.part = 1, .store = "home", .session = 6}, {}, kRows).ok());
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(part_->last().number, 0U);
}

TEST_F(PartServiceTest, AnOlderHomeShutsOutNobody) {
  Apply(1, "12345678", "v");
  RemotePart older(rpc::Connect(server_->address()), "part 1");
  const cluster::Membership membership{.part = 1, .store = "home", .session = 6};
  EXPECT_TRUE(absl::IsDataLoss(older.Join(membership, {}, kRows).status()));
  EXPECT_TRUE(absl::IsDataLoss(older.Join(membership, {.number = 1, .tag = 77}, kRows).status()));
  Apply(2, "12345678", "w");
}

// An older program, or something else at its address.
TEST_F(PartServiceTest, AnAnswerThatIsNoneIsAFault) {
  EXPECT_EQ(client_.GetStatus().fault, "");
  proto::ShardService::Service other;
  const auto server = rpc::Server::Start("127.0.0.1:0", other).value();
  RemotePart part(rpc::Connect(server->address()), "part 1");
  EXPECT_NE(part.GetStatus().fault, "");
}

TEST_F(PartServiceTest, KeepsOnlySoManyStates) {
  Apply(1, "12345678", "v");
  proto::OpenStateRequest request;
  request.set_epoch(1);
  request.set_session(kSession);
  proto::OpenedState state;
  const auto open = [&] {
    grpc::ClientContext call;
    return stub_->OpenState(&call, request, &state).error_code();
  };
  for (size_t n = 0; n < limits::kPartStatesMax; ++n) ASSERT_EQ(open(), grpc::StatusCode::OK);
  EXPECT_EQ(open(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  request.add_unused_leases(state.lease());
  EXPECT_EQ(open(), grpc::StatusCode::OK);
}

// A state that somebody forgot to give back holds up nothing: home says that nobody reads it.
TEST_F(PartServiceTest, StatesOfEarlierEpochsGoWithARewrite) {
  Apply(1, "12345678", "v");
  const store::Reader then = client_.ReadEpoch(1).value();
  Apply(2, "12345678", "w");
  const store::Reader now = client_.ReadEpoch(2).value();
  EXPECT_TRUE(absl::IsFailedPrecondition(client_.Rewrite(3, kNever)));
  EXPECT_EQ(client_.Rewrite(2, kNever), absl::OkStatus());
  std::string value;
  EXPECT_TRUE(absl::IsUnavailable(then.Get(Family::kNames, "12345678", &value).status()));
  EXPECT_TRUE(absl::IsOutOfRange(client_.ReadEpoch(1).status()));
  EXPECT_TRUE(now.Get(Family::kNames, "12345678", &value).value());
  EXPECT_EQ(value, "w");
}

TEST_F(PartServiceTest, OneRewriteAtATime) {
  Apply(1, "12345678", "v");
  const store::Reader before = part_->ReadEpoch(1).value();  // the rewrite waits for it
  Apply(2, "12345678", "w");
  std::atomic<bool> works = false;
  std::atomic<bool> stop = false;
  Thread rewriting("rewrite", [&] {
    const absl::Status first = part_->Rewrite(2, [&] {
      works = true;
      return stop.load();
    });
    EXPECT_TRUE(absl::IsCancelled(first)) << first;
  });
  while (!works) std::this_thread::yield();
  const absl::Status second = client_.Rewrite(2, kNever);
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
  EXPECT_THAT(std::string(second.message()), HasSubstr("already"));
  stop = true;
}

TEST_F(PartServiceTest, WhoeverOpensTheStoreEndsARewriteOfTheOneBefore) {
  Apply(1, "12345678", "v");
  const store::Reader before = part_->ReadEpoch(1).value();
  Apply(2, "12345678", "w");
  absl::Status status;
  Thread rewriting("rewrite", [&] {
    do {
      status = client_.Rewrite(2, kNever);
    } while (absl::IsUnavailable(status));
  });
  while (!absl::IsUnavailable(part_->Rewrite(2, [] { return true; }))) std::this_thread::yield();
  RemotePart next(rpc::Connect(server_->address()), "part 1");
  ASSERT_TRUE(
      next.Join({.part = 1, .store = "home", .session = 6}, {.number = 2, .tag = 2}, kRows).ok());
  rewriting.Join();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
}

// Stopped, or cut off: its connection stands, and it says nothing.
TEST_F(PartServiceTest, APartThatGivesNoSignCountsAsGone) {
  class Silent final : public proto::PartService::Service {
    grpc::Status RewritePart(grpc::ServerContext* context, const proto::RewritePartRequest*,
                             grpc::ServerWriter<proto::Empty>*) override {
      while (!context->IsCancelled()) std::this_thread::yield();
      return grpc::Status::OK;
    }
  };
  Silent silent;
  const auto server = rpc::Server::Start("127.0.0.1:0", silent).value();
  RemotePart part(rpc::Connect(server->address()), "part 1", /*silence_ms=*/200);
  const absl::Status status = part.Rewrite(1, kNever);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("no sign"));
}

TEST_F(PartServiceTest, ADirectoryWithRecordsIsNoPart) {
  const auto store = store::Store::Open({.dir = temp_.path() + "/own"}).value();
  store::Batch batch;
  batch.Put(Family::kRecords, "1234", "a record");
  store->Commit(std::move(batch));
  const auto part = cluster::LocalPart::Open(*store).value();
  const absl::Status status =
      part->Join({.part = 1, .store = "home", .session = kSession}, {}, kRows).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("only an empty directory"));
}

}  // namespace
}  // namespace unirust::peer
