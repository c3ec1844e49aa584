#include <limits>
#include <optional>

#include "shard/metrics.h"
#include "tests/shard/shard_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::HasSubstr;

class ShardOperations : public ShardFixture {
 protected:
  grpc::Status Apply(const proto::ApplyOntologyRequest& request) {
    grpc::ClientContext context;
    proto::ApplyOntologyResponse response;
    return stub_->SetOntology(&context, request, &response);
  }

  std::string Version() {
    grpc::ClientContext context;
    proto::ConfigVersionResponse response;
    EXPECT_TRUE(stub_->GetConfigVersion(&context, {}, &response).ok());
    return response.version();
  }

  grpc::Status Checkpoint(const std::string& name, proto::CheckpointResponse* response) {
    grpc::ClientContext context;
    proto::CheckpointRequest request;
    request.set_path(name);
    return stub_->Checkpoint(&context, request, response);
  }

  grpc::ClientContext context_;
};

TEST_F(ShardOperations, OntologyOfThePublishedContractIsTheSameAsItsJson) {
  const std::string empty = Version();
  EXPECT_NE(empty, "");
  proto::ApplyOntologyRequest request;
  proto::IdentityKeyConfig* key = request.mutable_config()->add_identity_keys();
  key->set_name("by_email");
  key->add_attributes("email");
  request.mutable_config()->add_strong_identifiers("tax");
  ASSERT_TRUE(Apply(request).ok());
  const std::string from_config = Version();
  EXPECT_NE(from_config, empty);
  SetOntology(
      R"({"identity_keys": [{"name": "by_email", "attributes": ["email"]}], "strong_identifiers": ["tax"]})");
  EXPECT_EQ(Version(), from_config);
  proto::GetOntologyResponse response;
  ASSERT_TRUE(stub_->GetOntology(&context_, {}, &response).ok());
  EXPECT_EQ(response.version(), from_config);
  EXPECT_THAT(response.json(), HasSubstr("by_email"));
}

TEST_F(ShardOperations, RetentionIsShownAndAdvanced) {
  proto::GetRetentionResponse status;
  ASSERT_TRUE(stub_->GetRetention(&context_, {}, &status).ok());
  ASSERT_EQ(status.shards_size(), 1);
  EXPECT_EQ(status.shards(0).shard_id(), kShardId);
  EXPECT_FALSE(status.shards(0).has_declared());
  EXPECT_FALSE(status.shards(0).has_earliest_due());
  const auto advance = [&](std::optional<int64_t> now, proto::AdvanceRetentionResponse* response) {
    grpc::ClientContext context;
    proto::AdvanceRetentionRequest request;
    if (now) request.set_now(*now);
    return stub_->AdvanceRetention(&context, request, response);
  };
  proto::AdvanceRetentionResponse advanced;
  EXPECT_EQ(advance(5, &advanced).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  SetOntology(R"({"retention": [{"ended_before": 10}]})");
  EXPECT_EQ(advance(std::nullopt, &advanced).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(advance(-5, &advanced).ok());
  ASSERT_EQ(advanced.shards_size(), 1);
  EXPECT_EQ(advanced.shards(0).declared(), -5);
  EXPECT_EQ(advanced.records(), 0U);
  EXPECT_EQ(advance(-6, &advanced).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardOperations, OntologyIsCheckedWithoutBeingApplied) {
  const std::string before = Version();
  proto::ApplyOntologyRequest request;
  request.set_json(kOntology);
  request.set_check_only(true);
  EXPECT_TRUE(Apply(request).ok());
  EXPECT_EQ(Version(), before);
}

TEST_F(ShardOperations, OntologyKeepsTheData) {
  Ingest({Person("crm", "1", {{"email", "a"}}), Person("erp", "2", {{"email", "a"}})});
  SetOntology(kOntology);
  proto::StatsResponse stats;
  ASSERT_TRUE(stub_->GetStats(&context_, {}, &stats).ok());
  EXPECT_EQ(stats.record_count(), 2U);
  EXPECT_EQ(stats.cluster_count(), 1U);
  EXPECT_EQ(stats.graph_node_count(), 3U);
  EXPECT_EQ(stats.graph_edge_count(), 3U);  // two member_of, one same_as
}

TEST_F(ShardOperations, OntologyIsRefusedWhenItIsAtFault) {
  proto::ApplyOntologyRequest none;
  EXPECT_EQ(Apply(none).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  proto::ApplyOntologyRequest both;
  both.mutable_config();
  both.set_json("{}");
  EXPECT_EQ(Apply(both).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  proto::ApplyOntologyRequest kind;
  kind.mutable_config()->add_constraints()->set_kind(static_cast<proto::ConstraintKind>(3));
  EXPECT_EQ(Apply(kind).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  proto::ApplyOntologyRequest twice;
  for (int i = 0; i < 2; ++i) {
    proto::IdentityKeyConfig* key = twice.mutable_config()->add_identity_keys();
    key->set_name("by_email");
    key->add_attributes("email");
  }
  const grpc::Status status = Apply(twice);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("by_email"));
}

TEST_F(ShardOperations, HealthTellsTheShard) {
  proto::HealthCheckResponse response;
  ASSERT_TRUE(stub_->HealthCheck(&context_, {}, &response).ok());
  EXPECT_EQ(response.status(), "ok");
  EXPECT_EQ(response.shard_id(), kShardId);
}

TEST_F(ShardOperations, MetricsCountRequests) {
  Ingest({Person("crm", "1", {}), Person("crm", "2", {})});
  grpc::ClientContext query_context;
  proto::QueryEntitiesRequest query;
  query.set_end(1);
  proto::QueryEntitiesResponse matches;
  ASSERT_TRUE(stub_->QueryEntities(&query_context, query, &matches).ok());
  proto::MetricsResponse metrics;
  ASSERT_TRUE(stub_->GetMetrics(&context_, {}, &metrics).ok());
  EXPECT_EQ(metrics.ingest_requests(), 1U);
  EXPECT_EQ(metrics.ingest_records(), 2U);
  EXPECT_EQ(metrics.query_requests(), 1U);
  EXPECT_EQ(metrics.ingest_latency().count(), 1U);
  EXPECT_GE(metrics.ingest_latency().total_micros(), metrics.ingest_latency().max_micros());
  EXPECT_EQ(metrics.ingest_latency().p50_micros(), metrics.ingest_latency().max_micros());
  EXPECT_EQ(metrics.shards_reporting(), 1U);
  EXPECT_TRUE(metrics.store().persistent());
  EXPECT_GT(metrics.store().block_cache_capacity_bytes(), 0U);
}

TEST_F(ShardOperations, ResetNeedsPermission) {
  Ingest({Person("crm", "1", {})});
  proto::Empty empty;
  EXPECT_EQ(stub_->Reset(&context_, {}, &empty).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(StoredRecords(), 1U);
  Start([](EngineOptions& options) { options.allow_reset = true; });
  grpc::ClientContext context;
  EXPECT_TRUE(stub_->Reset(&context, {}, &empty).ok());
  EXPECT_EQ(StoredRecords(), 0U);
}

TEST_F(ShardOperations, CheckpointsHaveNamesAndNeedADirectory) {
  proto::CheckpointResponse response;
  EXPECT_EQ(Checkpoint("a", &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  Start([this](EngineOptions& options) { options.backup_dir = directory_->path() + "/backup"; });
  ASSERT_TRUE(Checkpoint("a", &response).ok());
  ASSERT_EQ(response.paths_size(), 1);
  EXPECT_TRUE(std::filesystem::is_directory(response.paths(0)));
  EXPECT_EQ(Checkpoint("a", &response).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Checkpoint("../a", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Checkpoint("", &response).ok());
}

}  // namespace
}  // namespace unirust::shard
