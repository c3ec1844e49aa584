// The ingest pipeline against a router that is made up here: it refuses, dawdles and breaks on
// request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "base/limits.h"
#include "base/mutex.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/ingest/chunk_source.h"
#include "cli/ingest/resume_file.h"
#include "cli/ingest/sender.h"
#include "rpc/server.h"

namespace unirust::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using Stream = grpc::ServerReaderWriter<proto::IngestRecordsResponse, proto::IngestRecordsChunk>;

// Keeps the uids of what it accepted, in order. Refuses a request with a uid that begins with
// "bad".
class FakeRouter : public proto::RouterService::Service {
 public:
  grpc::Status IngestRecords(grpc::ServerContext*, const proto::IngestRecordsRequest* request,
                             proto::IngestRecordsResponse* response) override {
    return Accept(request->records(), response);
  }

  grpc::Status IngestRecordsStream(grpc::ServerContext*, Stream* stream) override {
    proto::IngestRecordsChunk chunk;
    while (stream->Read(&chunk)) {
      proto::IngestRecordsResponse response;
      const grpc::Status status = Accept(chunk.records(), &response);
      if (!status.ok()) return status;
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  std::vector<std::string> accepted() {
    MutexLock lock(mutex_);
    return accepted_;
  }

  void FailOnce(const std::string& uid, grpc::StatusCode code, int times = 1) {
    MutexLock lock(mutex_);
    failures_[uid] = {code, times};
  }

 private:
  using Inputs = google::protobuf::RepeatedPtrField<proto::RecordInput>;

  grpc::Status Accept(const Inputs& records, proto::IngestRecordsResponse* response) {
    MutexLock lock(mutex_);
    for (const proto::RecordInput& record : records) {
      const std::string& uid = record.identity().uid();
      if (uid.starts_with("bad")) return {grpc::StatusCode::INVALID_ARGUMENT, uid + " is refused"};
      const auto failure = failures_.find(uid);
      if (failure != failures_.end() && failure->second.second-- > 0) {
        return {failure->second.first, "as the test wants it"};
      }
    }
    for (int i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i].index(), static_cast<uint32_t>(i));
      const std::string& uid = records[i].identity().uid();
      const bool known = std::find(accepted_.begin(), accepted_.end(), uid) != accepted_.end();
      response->add_assignments()->set_outcome(known ? proto::WRITE_OUTCOME_UNCHANGED
                                                     : proto::WRITE_OUTCOME_APPLIED);
      if (!known) accepted_.push_back(uid);
    }
    return grpc::Status::OK;
  }

  Mutex mutex_;
  std::vector<std::string> accepted_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::pair<grpc::StatusCode, int>> failures_ ABSL_GUARDED_BY(mutex_);
};

class IngestTest : public testing::Test {
 protected:
  IngestTest() { std::filesystem::create_directory(directory_); }
  ~IngestTest() override { std::filesystem::remove_all(directory_); }

  void SetUp() override {
    auto server = rpc::Server::Start("127.0.0.1:0", router_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    StoreFlags flags;
    flags.router = server_->address();
    auto client = Client::Open(flags);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  static std::string Line(const std::string& uid) {
    return R"({"entity_type": "p", "perspective": "crm", "uid": ")" + uid +
           R"(", "descriptors": [{"attr": "email", "value": "a@x.org"}]})" + "\n";
  }

  std::string Write(const std::string& name, const std::string& text) const {
    std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  std::string WriteUids(const std::string& name, const std::vector<std::string>& uids) const {
    std::string text;
    for (const std::string& uid : uids) text += Line(uid);
    return Write(name, text);
  }

  static std::vector<std::string> Uids(int count) {
    std::vector<std::string> uids;
    for (int i = 0; i < count; ++i) uids.push_back("u" + std::to_string(i));
    return uids;
  }

  absl::Status Ingest(const std::vector<std::string>& files, bool keep_going, size_t batch = 10,
                      ResumeFile* resume = nullptr) {
    const auto report = [this](const std::string& message) { reports_.push_back(message); };
    const std::optional<ResumeFile> start =
        resume == nullptr ? std::nullopt : std::optional<ResumeFile>(*resume);
    ChunkSource source({.files = files,
                        .mapping = "",
                        .records_max = batch,
                        .keep_going = keep_going,
                        .resume = start ? &*start : nullptr},
                       report);
    const auto on_answer = [&](const Chunk& chunk, const Tally&) {
      if (resume != nullptr) resume->Set(chunk.file, chunk.end);
    };
    Sender sender(client_.get(), {.in_flight_max = 3, .keep_going = keep_going}, on_answer, report);
    const absl::Status status = sender.Run(source);
    tally_ = sender.tally();
    bad_lines_ = source.bad_lines();
    skipped_ = source.skipped_records();
    return status;
  }

  const std::string directory_ = testing::TempDir() + "/ingest-" + std::to_string(getpid());
  FakeRouter router_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<Client> client_;
  std::vector<std::string> reports_;
  Tally tally_;
  uint64_t bad_lines_ = 0;
  uint64_t skipped_ = 0;
};

TEST_F(IngestTest, SendsEveryRecordOfEveryFileInOrder) {
  const auto uids = Uids(1005);
  const std::string one = WriteUids("one", {uids.begin(), uids.begin() + 503});
  const std::string two = WriteUids("two", {uids.begin() + 503, uids.end()});
  EXPECT_TRUE(Ingest({one, two}, false).ok());
  EXPECT_EQ(router_.accepted(), uids);
  EXPECT_EQ(tally_.read, 1005U);
  EXPECT_EQ(tally_.applied, 1005U);
}

TEST_F(IngestTest, CountsWhatWasThereAlready) {
  const std::string file = WriteUids("file", {"a", "b", "a"});
  EXPECT_TRUE(Ingest({file}, false, 1).ok());
  EXPECT_EQ(tally_.applied, 2U);
  EXPECT_EQ(tally_.unchanged, 1U);
}

TEST_F(IngestTest, CutsChunksByBytes) {
  const std::string value(60'000, 'v');
  std::string text;
  for (int i = 0; i < 200; ++i) {  // 12 MB in what could be one chunk of 1,000 records
    text += R"({"entity_type": "p", "perspective": "crm", "uid": "u)" + std::to_string(i) +
            R"(", "descriptors": [{"attr": "a", "value": ")" + value + "\"}]}\n";
  }
  EXPECT_TRUE(Ingest({Write("file", text)}, false, 1000).ok());
  EXPECT_THAT(router_.accepted(), SizeIs(200));
}

TEST_F(IngestTest, RefusesARecordThatNoMessageHolds) {
  std::string descriptors;
  for (int i = 0; i < 100; ++i) {
    descriptors += (i == 0 ? "" : ", ") + (R"({"attr": "a", "value": ")" + std::to_string(i)) +
                   std::string(60'000, 'v') + "\"}";
  }
  const std::string file =
      Write("file", Line("a") + R"({"entity_type": "p", "perspective": "crm", "uid": "big", )" +
                        R"("descriptors": [)" + descriptors + "]}\n" + Line("b"));
  EXPECT_TRUE(Ingest({file}, true).ok());
  EXPECT_THAT(reports_, ElementsAre(HasSubstr(file + ": line 2: ")));
  EXPECT_THAT(router_.accepted(), ElementsAre("a", "b"));
}

TEST_F(IngestTest, StopsAtABadLineWithEverythingBeforeItAcknowledged) {
  const std::string file = Write("file", Line("a") + Line("b") + "{nonsense\n" + Line("c"));
  const absl::Status status = Ingest({file}, false);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(file + ": line 3: "));
  EXPECT_THAT(router_.accepted(), ElementsAre("a", "b"));
  EXPECT_EQ(tally_.applied, 2U);
}

TEST_F(IngestTest, KeepsGoingAfterBadLines) {
  const std::string file =
      Write("file", "{nonsense\n" + Line("a") + "\n[]\n" + Line("b") + "{\"uid\": 1}");
  EXPECT_TRUE(Ingest({file}, true).ok());
  EXPECT_THAT(reports_,
              ElementsAre(HasSubstr("line 1: "), HasSubstr("line 4: "), HasSubstr("line 6: ")));
  EXPECT_EQ(bad_lines_, 3U);
  EXPECT_THAT(router_.accepted(), ElementsAre("a", "b"));
}

TEST_F(IngestTest, FindsTheLinesThatTheServerRefusesAndSendsTheOthers) {
  auto uids = Uids(95);
  for (const size_t bad : {0U, 7U, 8U, 31U, 94U}) uids[bad] = "bad" + std::to_string(bad);
  const std::string file = WriteUids("file", uids);
  EXPECT_TRUE(Ingest({file}, true).ok());
  EXPECT_THAT(reports_,
              ElementsAre(file + ": line 1: bad0 is refused", file + ": line 8: bad7 is refused",
                          file + ": line 9: bad8 is refused", file + ": line 32: bad31 is refused",
                          file + ": line 95: bad94 is refused"));
  EXPECT_EQ(tally_.refused, 5U);
  EXPECT_EQ(tally_.applied, 90U);
  std::erase_if(uids, [](const std::string& uid) { return uid.starts_with("bad"); });
  EXPECT_EQ(router_.accepted(), uids);
}

TEST_F(IngestTest, StopsAtTheFirstLineThatTheServerRefuses) {
  auto uids = Uids(50);
  uids[23] = "bad";
  const std::string file = WriteUids("file", uids);
  const absl::Status status = Ingest({file}, false);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(file + ": line 24: bad is refused"));
  EXPECT_EQ(router_.accepted(), Uids(23));
  EXPECT_EQ(tally_.applied, 23U);
}

TEST_F(IngestTest, TriesAgainWhenTheServerIsBusy) {
  router_.FailOnce("u25", grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Ingest({WriteUids("file", Uids(50))}, false).ok());
  EXPECT_EQ(router_.accepted(), Uids(50));
}

TEST_F(IngestTest, GivesUpWhenTheServerIsGone) {
  router_.FailOnce("u25", grpc::StatusCode::UNAVAILABLE);
  const absl::Status status = Ingest({WriteUids("file", Uids(50))}, false);
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(server_->address()));
  EXPECT_EQ(router_.accepted(), Uids(20));
  EXPECT_EQ(tally_.applied, 20U);
}

TEST_F(IngestTest, NamesTheRequestThatTheDaemonFailed) {
  router_.FailOnce("u25", grpc::StatusCode::DATA_LOSS);
  const absl::Status status = Ingest({WriteUids("file", Uids(50))}, false);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(HintOf(status), ::testing::ContainsRegex("request_id=[0-9a-f]+-[0-9]+$"));
}

TEST_F(IngestTest, ReportsAFileThatIsNotThere) {
  const absl::Status status = Ingest({directory_ + "/absent"}, true);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("absent"));
}

TEST_F(IngestTest, ResumesAfterWhatWasAcknowledged) {
  const std::string file = WriteUids("file", Uids(50));
  const std::string state = directory_ + "/state";
  router_.FailOnce("u25", grpc::StatusCode::UNAVAILABLE);
  auto resume = ResumeFile::Load(state, "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  EXPECT_FALSE(Ingest({file}, false, 10, &*resume).ok());
  ASSERT_TRUE(resume->Save().ok());

  resume = ResumeFile::Load(state, "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  EXPECT_EQ(resume->Find(file).records, 20U);
  EXPECT_TRUE(Ingest({file}, false, 10, &*resume).ok());
  EXPECT_EQ(skipped_, 20U);
  EXPECT_EQ(tally_.applied, 30U);
  EXPECT_EQ(router_.accepted(), Uids(50));
}

TEST_F(IngestTest, ResumesWithLinesAddedAtTheEnd) {
  auto resume = ResumeFile::Load(directory_ + "/state", "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  EXPECT_TRUE(Ingest({WriteUids("file", Uids(15))}, false, 10, &*resume).ok());
  EXPECT_TRUE(Ingest({WriteUids("file", Uids(20))}, false, 10, &*resume).ok());
  EXPECT_EQ(skipped_, 15U);
  EXPECT_EQ(tally_.applied, 5U);
}

TEST_F(IngestTest, RefusesToResumeAFileWhoseAcknowledgedPartChanged) {
  auto resume = ResumeFile::Load(directory_ + "/state", "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  EXPECT_TRUE(Ingest({WriteUids("file", {"a", "b", "c"})}, false, 10, &*resume).ok());
  for (const auto& uids : std::vector<std::vector<std::string>>{{"a", "x", "c", "d"}, {"a", "b"}}) {
    const absl::Status status = Ingest({WriteUids("file", uids)}, true, 10, &*resume);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("not the same any more"));
  }
  EXPECT_THAT(router_.accepted(), ElementsAre("a", "b", "c"));
}

TEST_F(IngestTest, ResumesAfterACorrectedLine) {
  auto resume = ResumeFile::Load(directory_ + "/state", "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  EXPECT_FALSE(Ingest({Write("file", Line("a") + "{\n" + Line("c"))}, false, 10, &*resume).ok());
  EXPECT_TRUE(Ingest({WriteUids("file", {"a", "b", "c"})}, false, 10, &*resume).ok());
  EXPECT_EQ(skipped_, 1U);
  EXPECT_THAT(router_.accepted(), ElementsAre("a", "b", "c"));
}

TEST_F(IngestTest, RefusesAResumeFileThatIsSomethingElse) {
  for (const char* text :
       {"", "hello\n", "unirust-resume 1\n", "unirust-resume 1\n\"store\"\n5 12\n",
        "unirust-resume 1\n\"store\"\nx 1 \"f\"\n", "unirust-resume 1\n\"other\"\n"}) {
    const auto resume = ResumeFile::Load(Write("state", text), "store");
    EXPECT_TRUE(absl::IsInvalidArgument(resume.status())) << text;
  }
}

TEST_F(IngestTest, ResumesFromAnyWorkingDirectory) {
  const std::string state = directory_ + "/state";
  auto resume = ResumeFile::Load(state, "127.0.0.1:50060");
  ASSERT_TRUE(resume.ok() && resume->Save().ok());
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::current_path(directory_);
  resume = ResumeFile::Load(state, "127.0.0.1:50060");
  std::filesystem::current_path(here);
  EXPECT_TRUE(resume.ok()) << resume.status();
}

TEST_F(IngestTest, KeepsPositionsOfFilesWithAnyName) {
  const std::string odd = directory_ + "/new\nline \"quoted\" ";
  const std::string state = directory_ + "/state";
  auto resume = ResumeFile::Load(state, "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  resume->Set(odd, {7, 0xFEDCBA9876543210});
  resume->Set("relative", {8, 1});
  ASSERT_TRUE(resume->Save().ok());
  resume = ResumeFile::Load(state, "store");
  ASSERT_TRUE(resume.ok()) << resume.status();
  EXPECT_EQ(resume->Find(odd), (Position{7, 0xFEDCBA9876543210}));
  EXPECT_EQ(resume->Find(std::filesystem::current_path().string() + "/./relative"),
            (Position{8, 1}));
  EXPECT_EQ(resume->Find("other"), Position());
}

}  // namespace
}  // namespace unirust::cli
