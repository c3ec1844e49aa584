#include "base/limits.h"
#include "base/thread.h"
#include "tests/shard/shard_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ShardWrites : public ShardFixture {
 protected:
  grpc::Status TryIngest(const proto::IngestRecordsRequest& request) {
    grpc::ClientContext context;
    proto::IngestRecordsResponse response;
    return stub_->IngestRecords(&context, request, &response);
  }

  grpc::Status TryIngestUrl(const std::string& url, proto::IngestRecordsResponse* response) {
    grpc::ClientContext context;
    proto::IngestRecordsFromUrlRequest request;
    request.set_url(url);
    return stub_->IngestRecordsFromUrl(&context, request, response);
  }

  grpc::Status TryIngestUrl(const std::string& url) {
    proto::IngestRecordsResponse response;
    return TryIngestUrl(url, &response);
  }
};

TEST_F(ShardWrites, AnswerAssignmentsInTheOrderOfIndex) {
  SetOntology(kOntology);
  proto::IngestRecordsRequest request =
      Records({Person("crm", "1", {{"email", "a"}}), Person("erp", "2", {{"email", "a"}})});
  request.mutable_records(0)->set_index(8);
  request.mutable_records(1)->set_index(4);
  grpc::ClientContext context;
  proto::IngestRecordsResponse response;
  ASSERT_TRUE(stub_->IngestRecords(&context, request, &response).ok());
  ASSERT_EQ(response.assignments_size(), 2);
  EXPECT_EQ(response.assignments(0).index(), 4U);
  EXPECT_EQ(response.assignments(1).index(), 8U);
  for (const proto::IngestAssignment& assignment : response.assignments()) {
    EXPECT_EQ(assignment.shard_id(), kShardId);
    EXPECT_EQ(assignment.cluster_key(), "person/crm/1");
    EXPECT_EQ(assignment.cluster_id(), response.assignments(1).record_id());
  }
}

TEST_F(ShardWrites, TakeAnEmptyRequest) { EXPECT_EQ(Ingest({}).assignments_size(), 0); }

TEST_F(ShardWrites, RetractAndKeepVersions) {
  Ingest({Person("crm", "1", {{"email", "a"}})});
  proto::RecordInput retraction = Person("crm", "1", {});
  retraction.set_op(proto::WRITE_OP_RETRACT);
  retraction.set_version(5);
  const proto::IngestAssignment retracted = Ingest({retraction}).assignments(0);
  EXPECT_EQ(retracted.cluster_key(), "");
  EXPECT_EQ(retracted.cluster_id(), 0U);
  EXPECT_EQ(retracted.version(), 5);
  EXPECT_EQ(StoredRecords(), 0U);
  proto::RecordInput late = Person("crm", "1", {{"email", "b"}});
  late.set_version(4);
  EXPECT_EQ(Ingest({late}).assignments(0).outcome(), proto::WRITE_OUTCOME_STALE);
  EXPECT_EQ(StoredRecords(), 0U);
}

TEST_F(ShardWrites, StoreNothingWhenOneRecordIsBad) {
  proto::IngestRecordsRequest request =
      Records({Person("crm", "1", {{"email", "a"}}), Person("crm", "2", {{"email", "b"}})});
  request.mutable_records(1)->set_index(77);
  request.mutable_records(1)->mutable_descriptors(0)->set_start(9);
  request.mutable_records(1)->mutable_descriptors(0)->set_end(9);
  const grpc::Status status = TryIngest(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("index 77 person/crm/2: descriptors[0].end"));
  EXPECT_EQ(StoredRecords(), 0U);
}

TEST_F(ShardWrites, NameTheRecordWhoseOpIsUnknown) {
  proto::IngestRecordsRequest request = Records({Person("crm", "1", {})});
  request.mutable_records(0)->set_index(5);
  request.mutable_records(0)->set_op(static_cast<proto::WriteOp>(9));
  const grpc::Status status = TryIngest(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("index 5 person/crm/1: op"));
}

TEST_F(ShardWrites, RefuseAMissingIdentity) {
  const grpc::Status status = TryIngest(Records({proto::RecordInput()}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("index 0 identity: is missing"));
}

TEST_F(ShardWrites, RefuseTextThatIsNotUtf8) {
  const grpc::Status status = TryIngest(Records({Person("crm", "\xff", {})}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("UTF-8"));
}

TEST_F(ShardWrites, RefuseMoreRecordsThanARequestMayHave) {
  proto::IngestRecordsRequest request;
  for (size_t i = 0; i <= limits::kRecordsPerRequestMax; ++i) {
    *request.add_records() = Person("crm", std::to_string(i), {});
  }
  EXPECT_EQ(TryIngest(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.mutable_records()->RemoveLast();
  EXPECT_TRUE(TryIngest(request).ok());
}

TEST_F(ShardWrites, RefuseAMessageLargerThanTheLimit) {
  proto::IngestRecordsRequest request;
  const std::string value(limits::kValueBytesMax, 'x');
  while (request.ByteSizeLong() <= limits::kMessageBytesMax) {
    *request.add_records() = Person("crm", std::to_string(request.records_size()), {{"a", value}});
  }
  EXPECT_EQ(TryIngest(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(StoredRecords(), 0U);
}

TEST_F(ShardWrites, AnswerEachChunkBeforeTheNextIsSent) {
  SetOntology(kOntology);
  grpc::ClientContext context;
  const auto stream = stub_->IngestChunks(&context);
  proto::IngestRecordsResponse response;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write(
        Records<proto::IngestRecordsChunk>({Person("crm", std::to_string(i), {{"email", "a"}})})));
    ASSERT_TRUE(stream->Read(&response));
    ASSERT_EQ(response.assignments_size(), 1);
    EXPECT_EQ(response.assignments(0).cluster_key(), "person/crm/0");
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ShardWrites, EndTheStreamAtABadChunkAndKeepTheOnesBefore) {
  grpc::ClientContext context;
  const auto stream = stub_->IngestChunks(&context);
  proto::IngestRecordsResponse response;
  ASSERT_TRUE(stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "1", {})})));
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "", {})})));
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("chunk 1: index 0"));
  EXPECT_EQ(StoredRecords(), 1U);
}

TEST_F(ShardWrites, DoNotTakeAMalformedChunkForTheEndOfAStream) {
  grpc::ClientContext context;
  proto::IngestRecordsResponse response;
  const auto stream = stub_->IngestRecordsStream(&context, &response);
  ASSERT_TRUE(stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "1", {})})));
  stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "\xff", {})}));
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ShardWrites, AnswerAClientStreamOnceAtTheEnd) {
  grpc::ClientContext context;
  proto::IngestRecordsResponse response;
  const auto stream = stub_->IngestRecordsStream(&context, &response);
  stream->Write(
      Records<proto::IngestRecordsChunk>({Person("crm", "1", {}), Person("crm", "2", {})}));
  stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "3", {})}));
  stream->WritesDone();
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(response.assignments_size(), 3);
  EXPECT_EQ(StoredRecords(), 3U);
}

TEST_F(ShardWrites, PutExportedRecordsBack) {
  Ingest({Person("crm", "1", {{"email", "a"}}), Person("crm", "2", {{"email", "b"}})});
  grpc::ClientContext export_context;
  proto::ExportRecordsResponse exported;
  ASSERT_TRUE(stub_->ExportRecords(&export_context, {}, &exported).ok());
  proto::RecordInput newer = Person("crm", "1", {{"email", "new"}});
  newer.set_version(7);
  Ingest({newer});
  proto::RecordInput gone = Person("crm", "2", {});
  gone.set_op(proto::WRITE_OP_RETRACT);
  Ingest({gone});

  grpc::ClientContext context;
  proto::ImportRecordsRequest request;
  *request.mutable_records() = exported.records();
  proto::ImportRecordsResponse response;
  ASSERT_TRUE(stub_->ImportRecords(&context, request, &response).ok());
  EXPECT_EQ(response.imported(), 1U);  // the other is older than what is stored
  EXPECT_EQ(StoredRecords(), 2U);
}

TEST_F(ShardWrites, ImportStreams) {
  grpc::ClientContext context;
  proto::ImportRecordsResponse response;
  const auto stream = stub_->ImportRecordsStream(&context, &response);
  for (const char* uid : {"1", "2"}) {
    proto::ImportRecordsChunk chunk;
    *chunk.add_records()->mutable_identity() = Person("crm", uid, {}).identity();
    ASSERT_TRUE(stream->Write(chunk));
  }
  stream->WritesDone();
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(response.imported(), 2U);
}

constexpr char kLine1[] =
    R"({"entity_type":"person","perspective":"crm","uid":"1","descriptors":[]})";
constexpr char kLine2[] =
    R"({"entity_type":"person","perspective":"crm","uid":"2","descriptors":[]})";

TEST_F(ShardWrites, ReadFilesBelowTheImportDirectory) {
  std::filesystem::create_directory(import_dir_ + "/sub dir");
  WriteImportFile("sub dir/a.jsonl", std::string(kLine1) + "\n\n" + kLine2 + "\n");
  for (const std::string& url :
       {std::string("file:sub%20dir/a.jsonl"), "file://" + import_dir_ + "/sub dir/a.jsonl"}) {
    proto::IngestRecordsResponse response;
    const grpc::Status status = TryIngestUrl(url, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.assignments_size(), 2);
    EXPECT_EQ(response.assignments(1).index(), 1U);
    EXPECT_EQ(response.assignments(1).cluster_key(), "person/crm/2");
  }
}

TEST_F(ShardWrites, NeverLeaveTheImportDirectory) {
  std::ofstream(directory_->path() + "/secret.jsonl") << kLine1;
  std::filesystem::create_symlink(directory_->path() + "/secret.jsonl",
                                  import_dir_ + "/link.jsonl");
  for (const char* url : {"file:../secret.jsonl", "file:link.jsonl", "file:%2e%2e/secret.jsonl",
                          "file:/etc/passwd", "file:", "file:."}) {
    EXPECT_EQ(TryIngestUrl(url).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << url;
  }
  EXPECT_EQ(StoredRecords(), 0U);
}

TEST_F(ShardWrites, ReadNothingButFileUrls) {
  const grpc::Status status = TryIngestUrl("https://example.org/a.jsonl");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), HasSubstr("file:"));
  EXPECT_EQ(TryIngestUrl("file:none.jsonl").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ShardWrites, StoreNothingOfAFileWithABadLine) {
  WriteImportFile("bad.jsonl", std::string(kLine1) + "\n{\"uid\": 3}\n");
  const grpc::Status status = TryIngestUrl("file:bad.jsonl");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("bad.jsonl:2: "));
  EXPECT_EQ(StoredRecords(), 0U);
}

TEST_F(ShardWrites, NeedAnImportDirectoryForUrls) {
  import_dir_.clear();
  Start([](EngineOptions&) {});
  EXPECT_EQ(TryIngestUrl("file:a.jsonl").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

// The client waits for an answer, and hears why there is none: it need not send another chunk for that.
TEST_F(ShardWrites, EndAStreamAtTheChunkThatTheQuotaOfRecordsRefuses) {
  engine_->SetRecordsMax(1);
  grpc::ClientContext context;
  const auto stream = stub_->IngestChunks(&context);
  ASSERT_TRUE(stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "1", {})})));
  ASSERT_TRUE(stream->Write(Records<proto::IngestRecordsChunk>({Person("crm", "2", {})})));
  proto::IngestRecordsResponse response;
  EXPECT_TRUE(stream->Read(&response));
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "chunk 1: the quota of 1 records: this would make 2 of 1");
  EXPECT_EQ(context.GetServerTrailingMetadata().count("retry-after-ms"), 0U);
  EXPECT_EQ(StoredRecords(), 1U);
}

TEST_F(ShardWrites, TakeNothingOfAStreamAfterAChunkThatTheQuotaOfRecordsRefuses) {
  engine_->SetRecordsMax(1);
  proto::RecordInput retraction = Person("crm", "1", {});
  retraction.set_op(proto::WRITE_OP_RETRACT);
  grpc::ClientContext context;
  const auto stream = stub_->IngestChunks(&context);
  Thread writer("writer", [&] {
    for (const proto::RecordInput& record :
         {Person("crm", "1", {}), Person("crm", "2", {}), retraction}) {
      stream->Write(Records<proto::IngestRecordsChunk>({record}));
    }
    stream->WritesDone();
  });
  proto::IngestRecordsResponse response;
  EXPECT_TRUE(stream->Read(&response));
  EXPECT_FALSE(stream->Read(&response));
  writer.Join();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(StoredRecords(), 1U);
}

}  // namespace
}  // namespace unirust::shard
