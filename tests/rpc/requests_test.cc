#include "rpc/requests.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/limits.h"
#include "base/log.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/byte_service.h"
#include "rpc/request_id.h"
#include "rpc/server.h"

namespace unirust::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// Answers with the request id as status, or fails as the test wants.
class Observed final : public ByteService {
 public:
  Observed() : ByteService(proto::ShardService::service_full_name(), Callers::kRouters) {
    Serve("HealthCheck", &Observed::HealthCheck);
    Serve("IngestRecords", &Observed::IngestRecords);
    Serve("ScanRecords", &Observed::ScanRecords);
  }
  grpc::Status HealthCheck(grpc::ServerContext* context, const proto::HealthCheckRequest*,
                           proto::HealthCheckResponse* response) {
    response->set_status(RequestId(*context));
    return status;
  }
  grpc::Status IngestRecords(grpc::ServerContext*, const proto::IngestRecordsRequest*,
                             proto::IngestRecordsResponse*) {
    return status;
  }
  grpc::Status ScanRecords(grpc::ServerContext*, const proto::ScanRecordsRequest*,
                           grpc::ServerWriter<proto::ScanRecordsChunk>* writer) {
    writer->Write({});
    writer->Write({});
    return status;
  }
  RequestRoom& RoomOf(const grpc::ServerContextBase&) override { return room_; }
  grpc::Status status;

 private:
  RequestRoom room_{1};
};

class Requests : public ::testing::Test {
 protected:
  Requests()
      : server_(*Server::Start("", service_, &metrics_)),
        stub_(proto::ShardService::NewStub(server_->InProcessChannel())) {}
  ~Requests() override {
    SetSlowMillis(1000);
    SetLogLevel(LogLevel::kInfo);
  }

  struct Outcome {
    std::string seen;      // the id, by the handler
    std::string returned;  // and by the client
  };
  Outcome Call(const std::vector<std::string>& ids) {
    grpc::ClientContext context;
    for (const std::string& id : ids) context.AddMetadata(kRequestIdKey, id);
    proto::HealthCheckResponse response;
    EXPECT_TRUE(stub_->HealthCheck(&context, {}, &response).ok());
    const auto& metadata = context.GetServerTrailingMetadata();
    EXPECT_EQ(metadata.count(kRequestIdKey), 1U);
    const auto found = metadata.find(kRequestIdKey);
    if (found == metadata.end()) return {response.status(), ""};
    return {response.status(), {found->second.data(), found->second.size()}};
  }

  std::string Text() const {
    MetricFamilies families;
    metrics_.AddTo(families);
    return prometheus::TextSerializer().Serialize(families.Take());
  }

  // What a call leaves in the log; the id it has is "id-1".
  std::string LogOf(const std::function<void(grpc::ClientContext&)>& call) {
    grpc::ClientContext context;
    context.AddMetadata(kRequestIdKey, "id-1");
    ::testing::internal::CaptureStderr();
    call(context);
    return ::testing::internal::GetCapturedStderr();
  }
  std::string LogOfIngest(const grpc::Status& status) {
    service_.status = status;
    return LogOf([&](grpc::ClientContext& context) {
      proto::IngestRecordsRequest request;
      request.add_records()->mutable_identity()->set_uid("secret");
      request.add_records();
      proto::IngestRecordsResponse response;
      stub_->IngestRecords(&context, request, &response);
    });
  }
  std::string LogOfScan() {
    return LogOf([&](grpc::ClientContext& context) {
      const auto reader = stub_->ScanRecords(&context, {});
      for (proto::ScanRecordsChunk chunk; reader->Read(&chunk);) {
      }
      reader->Finish();
    });
  }

  Observed service_;
  RequestMetrics& metrics_ = service_.requests();
  std::unique_ptr<Server> server_;
  std::unique_ptr<proto::ShardService::Stub> stub_;
};

TEST_F(Requests, KeepTheIdOfTheClient) {
  const std::string longest(limits::kRequestIdBytesMax, 'x');
  for (const std::string& id : {std::string("a"), std::string("Trace-1._:/"), longest}) {
    const Outcome outcome = Call({id});
    EXPECT_EQ(outcome.seen, id);
    EXPECT_EQ(outcome.returned, id);
  }
}

TEST_F(Requests, ReplaceAnIdThatIsNone) {
  const std::string long_one(limits::kRequestIdBytesMax + 1, 'x');
  for (const std::string& id : {std::string(""), std::string("a b"), std::string("a\"b"), long_one}) {
    const Outcome outcome = Call({id});
    EXPECT_THAT(outcome.seen, MatchesRegex("[0-9a-f]{16}-[0-9]+")) << id;
    EXPECT_EQ(outcome.returned, outcome.seen);
  }
}

TEST_F(Requests, GetAnIdOfTheirOwn) {
  const Outcome first = Call({});
  const Outcome second = Call({});
  EXPECT_THAT(first.seen, MatchesRegex("[0-9a-f]{16}-[0-9]+"));
  EXPECT_EQ(first.returned, first.seen);
  EXPECT_NE(first.seen, second.seen);
}

TEST_F(Requests, HaveOneIdWhereTheClientGivesSeveral) {
  const Outcome outcome = Call({"a", "b"});
  EXPECT_EQ(outcome.seen, "a");
  EXPECT_EQ(outcome.returned, "a");
}

TEST_F(Requests, AreCountedByMethodAndCode) {
  EXPECT_THAT(Text(), Not(HasSubstr("HealthCheck")));
  Call({});
  Call({});
  service_.status = {grpc::StatusCode::NOT_FOUND, "no"};
  LogOfScan();
  const std::string text = Text();
  constexpr char kPrefix[] = "unirust_requests_total{service=\"ShardService\",method=";
  EXPECT_THAT(text, HasSubstr(std::string(kPrefix) + "\"HealthCheck\",code=\"OK\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(std::string(kPrefix) + "\"ScanRecords\",code=\"NOT_FOUND\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_seconds_count{service=\"ShardService\",method=\"HealthCheck\"} 2"));
  EXPECT_EQ(metrics_.OfName("HealthCheck").durations.counts().total(), 2U);
}

// An unknown method must not make a name of its own; nor do those of other services.
TEST_F(Requests, OfOthersAreCountedTogether) {
  for (const char* const path : {"/unirust.ShardService/Nothing", "/grpc.health.v1.Health/Check"}) {
    const grpc::internal::RpcMethod method(path, grpc::internal::RpcMethod::NORMAL_RPC);
    grpc::ClientContext context;
    proto::Empty response;
    grpc::internal::BlockingUnaryCall(server_->InProcessChannel().get(), method, &context,
                                      proto::Empty(), &response);
  }
  EXPECT_THAT(Text(), AllOf(HasSubstr("method=\"other\",code=\"OK\"} 1\n"),
                            HasSubstr("method=\"other\",code=\"UNIMPLEMENTED\"} 1\n")));
  EXPECT_THAT(Text(), Not(HasSubstr("Nothing")));
}

TEST_F(Requests, ThatAreQuickLeaveNoLine) {
  SetSlowMillis(1'000'000);
  EXPECT_EQ(LogOfIngest(grpc::Status::OK), "");
  EXPECT_EQ(LogOfIngest({grpc::StatusCode::INVALID_ARGUMENT, "secret"}), "");
}

TEST_F(Requests, ThatAreSlowAreToldBySizesNotByValues) {
  SetSlowMillis(0);
  EXPECT_THAT(LogOfIngest({grpc::StatusCode::INVALID_ARGUMENT, "secret"}),
              AllOf(MatchesRegex(".* warning slow request method=unirust\\.ShardService/IngestRecords "
                                 "request_id=id-1 code=INVALID_ARGUMENT duration_ms=[0-9.]+ "
                                 "records=2\n"),
                    Not(HasSubstr("secret"))));
  EXPECT_THAT(LogOfScan(), HasSubstr("messages_received=1 messages_sent=2"));
}

TEST_F(Requests, ThatTheDaemonFailedAreErrors) {
  EXPECT_THAT(LogOfIngest({grpc::StatusCode::INTERNAL, "broken"}),
              AllOf(HasSubstr(" error request failed "), HasSubstr("request_id=id-1"),
                    HasSubstr("error=broken")));
}

TEST_F(Requests, AreAllToldForDebugging) {
  SetLogLevel(LogLevel::kDebug);
  EXPECT_THAT(LogOfIngest(grpc::Status::OK),
              AllOf(HasSubstr(" debug request "), HasSubstr("code=OK")));
}

}  // namespace
}  // namespace unirust::rpc
