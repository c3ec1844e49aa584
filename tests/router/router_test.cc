// The router over a real shard, both in this process.
#include "base/thread.h"
#include "router/service.h"
#include "rpc/channel.h"
#include "tests/shard/shard_fixture.h"

namespace unirust::router {
namespace {

using shard::Person;
using shard::Records;
using ::testing::HasSubstr;

class Router : public shard::ShardFixture {
 protected:
  Router() {
    SetOntology(shard::kOntology);
    Connect(ShardFixture::server_->InProcessChannel());
  }

  void Connect(std::shared_ptr<grpc::Channel> channel) {
    router_stub_.reset();
    router_server_.reset();
    service_ = std::make_unique<RouterService>(std::move(channel), "shard-address",
                                               std::chrono::seconds(10));
    auto server = rpc::Server::Start("", *service_);
    ASSERT_TRUE(server.ok()) << server.status();
    router_server_ = *std::move(server);
    router_stub_ = proto::RouterService::NewStub(router_server_->InProcessChannel());
  }

  // The status of a unary call, whose answer goes to `*response`.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (proto::RouterService::Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return ((*router_stub_).*method)(&context, request, response);
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (proto::RouterService::Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                    const Request& request) {
    Response response;
    return Call(method, request, &response);
  }

  using Stub = proto::RouterService::Stub;
  std::unique_ptr<RouterService> service_;
  std::unique_ptr<rpc::Server> router_server_;
  std::unique_ptr<proto::RouterService::Stub> router_stub_;
  grpc::ClientContext context_;
};

TEST_F(Router, PassesWritesAndReadsOn) {
  proto::IngestRecordsResponse ingested;
  ASSERT_TRUE(Call(&Stub::IngestRecords,
                   Records({Person("crm", "1", {{"email", "a"}, {"phone", "1"}}),
                            Person("erp", "2", {{"email", "a"}, {"phone", "2"}})}),
                   &ingested)
                  .ok());
  ASSERT_EQ(ingested.assignments_size(), 2);
  EXPECT_EQ(ingested.assignments(1).cluster_key(), "person/crm/1");
  EXPECT_EQ(ingested.assignments(1).shard_id(), kShardId);

  proto::GetEntityRequest get;
  get.set_name("person/erp/2");
  proto::GetEntityResponse entity;
  ASSERT_TRUE(Call(&Stub::GetEntity, get, &entity).ok());
  EXPECT_EQ(entity.records_size(), 2);

  proto::QueryEntitiesRequest query;
  query.add_descriptors()->set_attr("phone");
  query.mutable_descriptors(0)->set_value("2");
  query.set_end(5);
  proto::QueryEntitiesResponse found;
  ASSERT_TRUE(Call(&Stub::QueryEntities, query, &found).ok());
  EXPECT_EQ(found.matches().matches_size(), 1);

  proto::ListConflictsResponse conflicts;
  ASSERT_TRUE(Call(&Stub::ListConflicts, proto::ListConflictsRequest(), &conflicts).ok());
  EXPECT_EQ(conflicts.conflicts_size(), 2);

  proto::StatsResponse stats;
  ASSERT_TRUE(Call(&Stub::GetStats, proto::StatsRequest(), &stats).ok());
  EXPECT_EQ(stats.record_count(), 2U);
  EXPECT_EQ(stats.cluster_count(), 1U);
}

TEST_F(Router, PassesStreamsOn) {
  Ingest({Person("crm", "1", {{"email", "a"}}), Person("crm", "2", {{"email", "b"}})});
  proto::ScanRecordsRequest scan;
  scan.set_page_size(1);
  grpc::ClientContext scan_context;
  const auto pages = shard::ReadAll(router_stub_->ScanRecords(&scan_context, scan));
  ASSERT_EQ(pages.size(), 2U);
  scan.set_cursor(pages[0].cursor());
  grpc::ClientContext resumed;
  EXPECT_EQ(shard::ReadAll(router_stub_->ScanRecords(&resumed, scan)).size(), 1U);

  proto::FindEntitiesRequest find;
  find.add_descriptors()->set_attr("email");
  find.mutable_descriptors(0)->set_value("b");
  find.set_end(1);
  grpc::ClientContext find_context;
  EXPECT_EQ(shard::ReadAll(router_stub_->FindEntities(&find_context, find)).at(0).matches_size(),
            1);

  grpc::ClientContext graph_context;
  EXPECT_EQ(shard::ReadAll(router_stub_->ExportGraph(&graph_context, {})).at(0).items_size(), 4);
  grpc::ClientContext conflicts_context;
  EXPECT_EQ(shard::ReadAll(router_stub_->StreamConflicts(&conflicts_context, {})).size(), 1U);
}

TEST_F(Router, AnswersEachChunkOfAnIngestStream) {
  const auto stream = router_stub_->IngestRecordsStream(&context_);
  proto::IngestRecordsResponse response;
  for (const char* uid : {"1", "2"}) {
    ASSERT_TRUE(
        stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", uid, {{"email", "a"}})})));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.assignments(0).cluster_key(), "person/crm/1");
  }
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(Router, TakesChunksAheadOfTheirAnswers) {
  constexpr int kChunks = 200;
  const auto stream = router_stub_->IngestRecordsStream(&context_);
  Thread writer("writer", [&] {
    for (int i = 0; i < kChunks; ++i) {
      stream->Write(
          Records<proto::IngestRecordsChunk>({Person("crm", std::to_string(i), {{"email", "a"}})}));
    }
    stream->WritesDone();
  });
  proto::IngestRecordsResponse response;
  int answers = 0;
  while (stream->Read(&response)) ++answers;
  writer.Join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answers, kChunks);
  EXPECT_EQ(StoredRecords(), static_cast<uint64_t>(kChunks));
}

TEST_F(Router, EndsAnIngestStreamAtABadChunkWhileTheClientWaits) {
  const auto stream = router_stub_->IngestRecordsStream(&context_);
  ASSERT_TRUE(stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "", {})})));
  proto::IngestRecordsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("chunk 0: index 0 person/crm/"));
}

TEST_F(Router, RefusesTextThatIsNotUtf8EvenInStreams) {
  EXPECT_EQ(Call(&Stub::IngestRecords, Records({Person("crm", "\xff", {})})).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  const auto stream = router_stub_->IngestRecordsStream(&context_);
  stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "\xff", {})}));
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Router, KeepsTheStatusOfTheShard) {
  const grpc::Status status =
      Call(&Stub::IngestRecords, Records({Person("crm", "1", {{"", "x"}})}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("index 0 person/crm/1: descriptors[0]"));
  proto::GetEntityRequest get;
  get.set_name("person/crm/404");
  EXPECT_EQ(Call(&Stub::GetEntity, get).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Call(&Stub::Reset, proto::Empty()).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Call(&Stub::Checkpoint, proto::CheckpointRequest()).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Call(&Stub::IngestRecordsFromUrl, proto::IngestRecordsFromUrlRequest()).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  proto::ApplyOntologyRequest ontology;
  ontology.mutable_config()->add_constraints()->set_kind(static_cast<proto::ConstraintKind>(3));
  EXPECT_EQ(Call(&Stub::SetOntology, ontology).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Router, ExportsAndImportsByShard) {
  Ingest({Person("crm", "1", {}), Person("crm", "2", {})});
  proto::RouterRecordIdRangeRequest range_request;
  range_request.set_shard_id(kShardId);
  proto::RecordIdRangeResponse range;
  ASSERT_TRUE(Call(&Stub::GetRecordIdRange, range_request, &range).ok());
  EXPECT_EQ(range.record_count(), 2U);

  proto::RouterExportRecordsRequest request;
  request.set_shard_id(kShardId);
  request.set_limit(1);
  proto::ExportRecordsResponse page;
  ASSERT_TRUE(Call(&Stub::ExportRecords, request, &page).ok());
  EXPECT_EQ(page.records_size(), 1);
  EXPECT_TRUE(page.has_more());
  const auto chunks = shard::ReadAll(router_stub_->ExportRecordsStream(&context_, request));
  EXPECT_EQ(chunks.size(), 2U);

  proto::RouterImportRecordsRequest import_request;
  import_request.set_shard_id(kShardId);
  *import_request.mutable_records() = page.records();
  proto::ImportRecordsResponse imported;
  ASSERT_TRUE(Call(&Stub::ImportRecords, import_request, &imported).ok());
  EXPECT_EQ(imported.imported(), 1U);
  grpc::ClientContext context;
  const auto stream = router_stub_->ImportRecordsStream(&context, &imported);
  stream->Write(import_request);
  stream->Write(import_request);
  stream->WritesDone();
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(imported.imported(), 2U);
}

TEST_F(Router, DoesNotFindOtherShards) {
  EXPECT_EQ(Call(&Stub::GetRecordIdRange, proto::RouterRecordIdRangeRequest()).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Call(&Stub::ExportRecords, proto::RouterExportRecordsRequest()).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Call(&Stub::ImportRecords, proto::RouterImportRecordsRequest()).error_code(),
            grpc::StatusCode::NOT_FOUND);
  proto::ImportRecordsResponse imported;
  const auto stream = router_stub_->ImportRecordsStream(&context_, &imported);
  stream->Write(proto::RouterImportRecordsRequest());
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("no shard 0"));
}

TEST_F(Router, ReconcilesNothingWithOneShard) {
  proto::ReconcileResponse response;
  ASSERT_TRUE(Call(&Stub::Reconcile, proto::ReconcileRequest(), &response).ok());
  EXPECT_EQ(response.ByteSizeLong(), 0U);
}

TEST_F(Router, TellsOntologyAndHealthOfTheShard) {
  proto::GetOntologyResponse ontology;
  ASSERT_TRUE(Call(&Stub::GetOntology, proto::GetOntologyRequest(), &ontology).ok());
  EXPECT_THAT(ontology.json(), HasSubstr("by_email"));
  proto::ConfigVersionResponse version;
  ASSERT_TRUE(Call(&Stub::GetConfigVersion, proto::ConfigVersionRequest(), &version).ok());
  EXPECT_EQ(version.version(), ontology.version());
  proto::HealthCheckResponse health;
  ASSERT_TRUE(Call(&Stub::HealthCheck, proto::HealthCheckRequest(), &health).ok());
  EXPECT_EQ(health.status(), "ok");
  proto::MetricsResponse metrics;
  ASSERT_TRUE(Call(&Stub::GetMetrics, proto::MetricsRequest(), &metrics).ok());
  EXPECT_EQ(metrics.shards_reporting(), 1U);
}

TEST_F(Router, NamesTheShardThatCannotBeReached) {
  Connect(rpc::Connect("unix:" + directory_->path() + "/nobody"));
  for (const grpc::Status& status :
       {Call(&Stub::GetStats, proto::StatsRequest()),
        Call(&Stub::HealthCheck, proto::HealthCheckRequest()),
        Call(&Stub::Reconcile, proto::ReconcileRequest()),
        Call(&Stub::ExportRecords, proto::RouterExportRecordsRequest()),
        router_stub_->ScanRecords(&context_, {})->Finish()}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("shard shard-address is unavailable"));
  }
  grpc::ClientContext context;
  const auto stream = router_stub_->IngestRecordsStream(&context);
  stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "1", {})}));
  proto::IngestRecordsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace unirust::router
