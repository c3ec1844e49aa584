#include <set>

#include "base/limits.h"
#include "tests/shard/shard_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ShardReads : public ShardFixture {
 protected:
  ShardReads() { SetOntology(kOntology); }

  template <typename Request>
  Request Query(const Pairs& pairs, Instant start = kMinTime, Instant end = kMaxTime) {
    Request request;
    for (const auto& [attribute, value] : pairs) {
      proto::QueryDescriptor* descriptor = request.add_descriptors();
      descriptor->set_attr(attribute);
      descriptor->set_value(value);
    }
    request.set_start(start);
    request.set_end(end);
    return request;
  }

  grpc::Status GetEntity(const std::string& name, proto::GetEntityResponse* response) {
    grpc::ClientContext context;
    proto::GetEntityRequest request;
    request.set_name(name);
    return stub_->GetEntity(&context, request, response);
  }

  // Records of which about 45 make a message of 3 MiB, each an entity of its own.
  void IngestLargeRecords(size_t count) {
    const std::string value(limits::kValueBytesMax - 10, 'x');
    std::vector<proto::RecordInput> batch;
    for (size_t i = 0; i < count; ++i) {
      batch.push_back(Person("crm", std::to_string(i), {{"blob", value + std::to_string(i)}}));
      if (batch.size() == 50 || i + 1 == count) Ingest(std::exchange(batch, {}));
    }
  }

  grpc::ClientContext context_;
};

TEST_F(ShardReads, QueryFindsTheEntityThatHoldsAllPairs) {
  Ingest({Person("crm", "1", {{"email", "a"}, {"name", "Ada"}}),
          Person("erp", "2", {{"email", "a"}, {"phone", "5"}})});
  proto::QueryEntitiesResponse response;
  ASSERT_TRUE(stub_
                  ->QueryEntities(
                      &context_,
                      Query<proto::QueryEntitiesRequest>({{"name", "Ada"}, {"phone", "5"}}, 0, 10),
                      &response)
                  .ok());
  ASSERT_EQ(response.matches().matches_size(), 1);
  const proto::QueryMatch& match = response.matches().matches(0);
  EXPECT_EQ(match.cluster_key(), "person/crm/1");
  EXPECT_EQ(match.cluster_key_identity(), "by_email");
  EXPECT_EQ(match.shard_id(), kShardId);
  EXPECT_EQ(match.start(), 0);
  EXPECT_EQ(match.end(), 10);
  EXPECT_EQ(match.golden_size(), 3);
}

TEST_F(ShardReads, QueryTellsAConflictOfTwoEntities) {
  Ingest({Person("crm", "1", {{"name", "Ada"}}), Person("crm", "2", {{"name", "Ada"}})});
  proto::QueryEntitiesResponse response;
  ASSERT_TRUE(stub_
                  ->QueryEntities(&context_,
                                  Query<proto::QueryEntitiesRequest>({{"name", "Ada"}}, 3, 5),
                                  &response)
                  .ok());
  ASSERT_TRUE(response.has_conflict());
  EXPECT_EQ(response.conflict().clusters(0).cluster_key(), "person/crm/1");
  EXPECT_EQ(response.conflict().clusters(1).cluster_key(), "person/crm/2");
  EXPECT_EQ(response.conflict().start(), 3);
  EXPECT_EQ(response.conflict().descriptors(0).end(), 5);
}

TEST_F(ShardReads, QueryRefusesAnEmptyInterval) {
  proto::QueryEntitiesResponse response;
  EXPECT_EQ(stub_
                ->QueryEntities(&context_, Query<proto::QueryEntitiesRequest>({{"a", "b"}}, 5, 5),
                                &response)
                .error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardReads, EntityIsFoundByAnyOfItsRecords) {
  Ingest({Person("crm", "1", {{"email", "a"}}), Person("erp", "2/x", {{"email", "a"}})});
  proto::GetEntityResponse response;
  ASSERT_TRUE(GetEntity("person/erp/2%2Fx", &response).ok());
  EXPECT_EQ(response.cluster_key(), "person/crm/1");
  EXPECT_EQ(response.entity_type(), "person");
  EXPECT_EQ(response.records_size(), 2);
  EXPECT_EQ(response.records(1).identity().uid(), "2/x");
  EXPECT_EQ(response.golden_size(), 1);
}

TEST_F(ShardReads, EntityIsNotFoundOrTheNameIsMalformed) {
  proto::GetEntityResponse response;
  EXPECT_EQ(GetEntity("person/crm/404", &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GetEntity("person", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardReads, EntityTooLargeForOneAnswerIsReferredToTheGraph) {
  const std::string value(limits::kValueBytesMax - 10, 'x');
  for (int i = 0; i < 60; i += 30) {
    std::vector<proto::RecordInput> batch;
    for (int j = i; j < i + 30; ++j) {
      const std::string uid = std::to_string(j);
      batch.push_back(Person("crm", uid, {{"email", "a"}, {"blob", value + uid}}));
    }
    Ingest(batch);
  }
  proto::GetEntityResponse response;
  const grpc::Status status = GetEntity("person/crm/0", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("ExportGraph"));
}

TEST_F(ShardReads, FindEntitiesGoesOnAfterACursor) {
  for (int i = 0; i < 5; ++i) Ingest({Person("crm", std::to_string(i), {{"name", "Ada"}})});
  auto request = Query<proto::FindEntitiesRequest>({{"name", "Ada"}});
  request.set_page_size(2);
  const auto chunks = ReadAll(stub_->FindEntities(&context_, request));
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_EQ(chunks.back().cursor(), "");
  std::set<std::string> found;
  for (const auto& chunk : chunks) {
    for (const auto& match : chunk.matches()) found.insert(match.cluster_key());
  }
  EXPECT_EQ(found.size(), 5U);

  request.set_cursor(chunks[0].cursor());
  grpc::ClientContext resumed;
  const auto rest = ReadAll(stub_->FindEntities(&resumed, request));
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].SerializeAsString(), chunks[1].SerializeAsString());
}

TEST_F(ShardReads, AnEmptyStreamHasOneChunk) {
  const auto chunks =
      ReadAll(stub_->FindEntities(&context_, Query<proto::FindEntitiesRequest>({{"a", "b"}})));
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].cursor(), "");
}

TEST_F(ShardReads, CursorsThatAreNoneAreRefused) {
  Ingest({Person("crm", "1", {})});
  proto::ScanRecordsRequest request;
  request.set_cursor("nonsense");
  const auto reader = stub_->ScanRecords(&context_, request);
  proto::ScanRecordsChunk chunk;
  EXPECT_FALSE(reader->Read(&chunk));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardReads, ScanFilters) {
  Ingest({Person("crm", "1", {{"name", "Ada"}}), Person("erp", "2", {{"name", "Ada"}}),
          Person("erp", "3", {{"name", "Bob"}})});
  proto::ScanRecordsRequest request;
  request.mutable_descriptor()->set_attr("name");
  request.mutable_descriptor()->set_value("Ada");
  request.set_perspective("erp");
  const auto chunks = ReadAll(stub_->ScanRecords(&context_, request));
  ASSERT_EQ(chunks.size(), 1U);
  ASSERT_EQ(chunks[0].records_size(), 1);
  EXPECT_EQ(chunks[0].records(0).identity().uid(), "2");
  EXPECT_EQ(chunks[0].records(0).cluster_key(), "person/erp/2");
}

TEST_F(ShardReads, StreamsKeepMessagesBelowTheLimitOfOtherClients) {
  IngestLargeRecords(150);
  const auto chunks = ReadAll(stub_->ScanRecords(&context_, {}));
  std::set<std::string> uids;
  for (const auto& chunk : chunks) {
    EXPECT_LE(chunk.ByteSizeLong(), limits::kMessageBytesMax);
    for (const auto& record : chunk.records()) uids.insert(record.identity().uid());
  }
  EXPECT_EQ(uids.size(), 150U);
}

TEST_F(ShardReads, ExportsAreCutToTheLimitAndGoOn) {
  IngestLargeRecords(100);
  proto::ExportRecordsRequest request;
  std::set<std::string> uids;
  uint32_t last_id = 0;
  do {
    grpc::ClientContext context;
    proto::ExportRecordsResponse response;
    ASSERT_TRUE(stub_->ExportRecords(&context, request, &response).ok());
    EXPECT_LE(response.ByteSizeLong(), limits::kUnaryAnswerBytesMax);
    EXPECT_EQ(response.has_more(), response.next_start_id() != 0);
    for (const auto& record : response.records()) {
      EXPECT_GT(record.record_id(), last_id);
      last_id = record.record_id();
      uids.insert(record.identity().uid());
    }
    request.set_start_id(response.next_start_id());
  } while (request.start_id() != 0);
  EXPECT_EQ(uids.size(), 100U);
}

TEST_F(ShardReads, ExportStreamsEndByThemselves) {
  for (int i = 0; i < 5; ++i) Ingest({Person("crm", std::to_string(i), {})});
  proto::ExportRecordsRequest request;
  request.set_limit(2);
  const auto chunks = ReadAll(stub_->ExportRecordsStream(&context_, request));
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_TRUE(chunks[0].has_more());
  EXPECT_FALSE(chunks[2].has_more());
  request.set_start_id(9);
  request.set_end_id(9);
  grpc::ClientContext context;
  proto::ExportRecordsResponse response;
  EXPECT_EQ(stub_->ExportRecords(&context, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardReads, ConflictsAreListedAndStreamedAlike) {
  Ingest({Person("crm", "1", {{"email", "a"}, {"phone", "1"}}),
          Person("erp", "2", {{"email", "a"}, {"phone", "2"}})});
  proto::ListConflictsResponse listed;
  ASSERT_TRUE(stub_->ListConflicts(&context_, {}, &listed).ok());
  ASSERT_EQ(listed.conflicts_size(), 2);
  EXPECT_EQ(listed.conflicts(0).kind(), "constraint_violation");
  EXPECT_EQ(listed.conflicts(0).cause(), "one_phone");
  EXPECT_EQ(listed.conflicts(1).kind(), "direct");
  EXPECT_THAT(listed.conflicts(1).values(), ElementsAre("1", "2"));
  EXPECT_EQ(listed.conflicts(1).records(1).perspective(), "erp");

  grpc::ClientContext context;
  proto::StreamConflictsRequest request;
  request.set_page_size(1);
  const auto chunks = ReadAll(stub_->StreamConflicts(&context, request));
  ASSERT_GE(chunks.size(), 2U);
  EXPECT_EQ(chunks[1].conflicts(0).SerializeAsString(), listed.conflicts(1).SerializeAsString());
}

TEST_F(ShardReads, ConflictsOfAnUnknownKindAreRefused) {
  proto::ListConflictsRequest request;
  request.set_kind("sideways");
  proto::ListConflictsResponse response;
  EXPECT_EQ(stub_->ListConflicts(&context_, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardReads, TooManyConflictsForOneAnswerAreReferredToTheStream) {
  const std::string value(limits::kValueBytesMax - 10, 'x');
  for (const char* perspective : {"crm", "erp"}) {
    Pairs pairs{{"email", "a"}};
    for (int i = 0; i < 30; ++i)
      pairs.emplace_back("blob" + std::to_string(i), value + perspective);
    Ingest({Person(perspective, "1", pairs)});
  }
  proto::ListConflictsResponse response;
  const grpc::Status status = stub_->ListConflicts(&context_, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("StreamConflicts"));
  grpc::ClientContext context;
  int conflicts = 0;
  for (const auto& chunk : ReadAll(stub_->StreamConflicts(&context, {}))) {
    EXPECT_LE(chunk.ByteSizeLong(), limits::kMessageBytesMax);
    conflicts += chunk.conflicts_size();
  }
  EXPECT_EQ(conflicts, 30);
}

TEST_F(ShardReads, GraphComesEntityByEntity) {
  Ingest({Person("crm", "1", {{"email", "a"}, {"name", "Ada"}}),
          Person("erp", "2", {{"email", "a"}, {"name", "Eda"}})});
  std::vector<std::string> parts;
  for (const auto& chunk : ReadAll(stub_->ExportGraph(&context_, {}))) {
    for (const auto& item : chunk.items()) {
      parts.push_back(item.GetDescriptor()->FindFieldByNumber(item.item_case())->name());
      if (item.has_conflict()) {
        EXPECT_THAT(item.conflict_nodes(), ElementsAre("person/crm/1", "person/erp/2"));
      }
    }
  }
  EXPECT_THAT(parts, ElementsAre("record", "record", "entity", "same_as", "conflict"));
}

TEST_F(ShardReads, GraphOfChosenEntitiesAndParts) {
  Ingest({Person("crm", "1", {{"email", "a"}}), Person("crm", "2", {{"email", "b"}})});
  proto::ExportGraphRequest request;
  request.add_parts(proto::GRAPH_PART_ENTITY);
  request.add_entities("person/crm/2");
  const auto chunks = ReadAll(stub_->ExportGraph(&context_, request));
  std::vector<std::string> ids;
  for (const auto& chunk : chunks) {
    for (const auto& item : chunk.items()) ids.push_back(item.entity().id());
  }
  EXPECT_THAT(ids, ElementsAre("person/crm/2"));
}

TEST_F(ShardReads, FewExportsOfTheWholeGraphRunAtOnce) {
  std::vector<proto::RecordInput> records;
  for (int i = 0; i < 200; ++i) records.push_back(Person("crm", std::to_string(i), {}));
  Ingest(std::move(records));
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  const auto begin = [&](const proto::ExportGraphRequest& request) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    return stub_->ExportGraph(contexts.back().get(), request);
  };
  std::vector<std::unique_ptr<grpc::ClientReader<proto::ExportGraphChunk>>> exports;
  proto::ExportGraphChunk chunk;
  for (size_t i = 0; i < limits::kGraphExportsMax; ++i) {
    exports.push_back(begin({}));
    ASSERT_TRUE(exports.back()->Read(&chunk));
  }
  const grpc::Status refused = begin({})->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  EXPECT_EQ(contexts.back()->GetServerTrailingMetadata().count(rpc::kRetryAfterKey), 1U);
  proto::ExportGraphRequest part;
  part.add_entities("person/crm/7");
  EXPECT_EQ(ReadAll(begin(part)).size(), 1U);
  while (exports.front()->Read(&chunk)) {
  }
  EXPECT_TRUE(exports.front()->Finish().ok());
  EXPECT_FALSE(ReadAll(begin({})).empty());
  for (const auto& context : contexts) context->TryCancel();
}

TEST_F(ShardReads, RecordIdRangeCoversWhatIsStored) {
  grpc::ClientContext first;
  proto::RecordIdRangeResponse range;
  ASSERT_TRUE(stub_->GetRecordIdRange(&first, {}, &range).ok());
  EXPECT_TRUE(range.empty());
  const auto response = Ingest({Person("crm", "1", {}), Person("crm", "2", {})});
  ASSERT_TRUE(stub_->GetRecordIdRange(&context_, {}, &range).ok());
  EXPECT_FALSE(range.empty());
  EXPECT_EQ(range.record_count(), 2U);
  const std::set<uint32_t> ids{response.assignments(0).record_id(),
                               response.assignments(1).record_id()};
  EXPECT_EQ(range.min_id(), *ids.begin());
  EXPECT_EQ(range.max_id(), *ids.rbegin());
}

}  // namespace
}  // namespace unirust::shard
