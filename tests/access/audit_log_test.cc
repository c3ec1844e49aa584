#include "access/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/thread.h"

namespace unirust::access {
namespace {

using ::testing::HasSubstr;

class AuditLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuditLog> Open(uint64_t file_bytes_max = limits::kAuditFileBytesMax) {
    return AuditLog::Open(dir_, file_bytes_max).value();
  }
  static AuditEntry Entry(int number) {
    return {.who = "ann",
            .tenant = number == 1 ? "" : "acme",
            .method = "IngestRecords",
            .request_id = "r" + std::to_string(number),
            .records = {"person/crm/\"1\"\n", "person/crm/2"},
            .retracted = {"person/crm/3"},
            .detail = ""};
  }
  std::string Path(int number) const {
    return dir_ + "/audit-00000" + std::to_string(number) + ".jsonl";
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  std::vector<nlohmann::json> Lines(int file) const {
    std::vector<nlohmann::json> lines;
    std::ifstream in(Path(file));
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  std::string Fault() const { return std::string(VerifyAuditLog(dir_).status().message()); }

  std::unique_ptr<TemporaryDirectory> directory_ = TemporaryDirectory::Create().value();
  const std::string dir_ = directory_->path() + "/audit";
};

TEST_F(AuditLogTest, TellsWhoDidWhatAndHowItEnded) {
  {
    const auto log = Open();
    const uint64_t number = log->Begin(Entry(1));
    EXPECT_EQ(number, 2U);  // after the line that heads the file
    log->End(number, "OK");
  }
  const auto lines = Lines(1);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["continues"], std::string(64, '0'));
  EXPECT_EQ(lines[1]["seq"], 2);
  EXPECT_EQ(lines[1]["who"], "ann");
  EXPECT_EQ(lines[1]["method"], "IngestRecords");
  EXPECT_EQ(lines[1]["request_id"], "r1");
  EXPECT_EQ(lines[1]["records"][0], "person/crm/\"1\"\n");
  EXPECT_EQ(lines[1]["retracted"], nlohmann::json({"person/crm/3"}));
  EXPECT_FALSE(lines[1].contains("detail"));
  EXPECT_FALSE(lines[1].contains("tenant"));
  EXPECT_THAT(std::string(lines[1]["time"]), ::testing::MatchesRegex("20..-..-..T..:..:..\\....Z"));
  EXPECT_EQ(lines[2]["of"], 2);
  EXPECT_EQ(lines[2]["code"], "OK");
  const AuditSummary summary = VerifyAuditLog(dir_).value();
  EXPECT_EQ(summary.first, 1U);
  EXPECT_EQ(summary.last, 3U);
  EXPECT_EQ(summary.files, 1U);
  EXPECT_EQ(summary.hash, lines[2]["hash"]);
}

TEST_F(AuditLogTest, NamesTheTenant) {
  Open()->Begin(Entry(2));
  EXPECT_EQ(Lines(1)[1]["tenant"], "acme");
}

TEST_F(AuditLogTest, WhatHasBegunIsInTheFileAtOnce) {
  const auto log = Open();
  log->Begin(Entry(1));
  EXPECT_EQ(Lines(1).size(), 2U);
}

TEST_F(AuditLogTest, GoesOnAfterARestart) {
  for (int i = 0; i < 3; ++i) Open()->Begin(Entry(i));
  const AuditSummary summary = VerifyAuditLog(dir_).value();
  EXPECT_EQ(summary.files, 3U);
  EXPECT_EQ(summary.last, 6U);
  EXPECT_EQ(Lines(2)[0]["continues"], Lines(1)[1]["hash"]);
}

TEST_F(AuditLogTest, FullFilesAreFollowedByTheNext) {
  {
    const auto log = Open(/*file_bytes_max=*/500);
    for (int i = 0; i < 20; ++i) log->End(log->Begin(Entry(i)), "OK");
  }
  const AuditSummary summary = VerifyAuditLog(dir_).value();
  EXPECT_GT(summary.files, 5U);
  EXPECT_EQ(summary.last, 40U + summary.files);
  std::filesystem::remove(Path(1));
  EXPECT_EQ(VerifyAuditLog(dir_).value().hash, summary.hash);  // the oldest may be moved away
  std::filesystem::remove(Path(3));
  EXPECT_THAT(Fault(), HasSubstr("audit-000003.jsonl is missing"));
}

TEST_F(AuditLogTest, ManyThreadsShareSyncsAndLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  {
    const auto log = Open(/*file_bytes_max=*/4096);
    std::vector<Thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back("test-audit", [&log] {
        for (int i = 0; i < kEach; ++i) log->End(log->Begin(Entry(i)), "OK");
      });
    }
  }
  const AuditSummary summary = VerifyAuditLog(dir_).value();
  EXPECT_EQ(summary.last, summary.files + 2 * kThreads * kEach);
}

TEST_F(AuditLogTest, EveryChangeOfAByteIsFound) {
  {
    const auto log = Open();
    for (int i = 0; i < 3; ++i) log->End(log->Begin(Entry(i)), "OK");
  }
  const std::string text = Read(Path(1));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Write(Path(1), changed);
    const absl::StatusOr<AuditSummary> summary = VerifyAuditLog(dir_);
    // The last line without its end is what a crash leaves; the last hash tells.
    if (i + 1 == text.size()) {
      EXPECT_EQ(summary.value().last, 6U);
    } else {
      EXPECT_TRUE(absl::IsDataLoss(summary.status())) << i << " in " << changed;
    }
  }
}

TEST_F(AuditLogTest, LinesThatAreRemovedRepeatedOrSwappedAreFound) {
  {
    const auto log = Open();
    for (int i = 0; i < 3; ++i) log->End(log->Begin(Entry(i)), "OK");
  }
  std::vector<std::string> lines;
  std::ifstream in(Path(1));
  for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
  const auto fault_of = [&](const std::vector<size_t>& order) {
    std::string text;
    for (const size_t line : order) text += lines[line];
    Write(Path(1), text);
    return Fault();
  };
  EXPECT_EQ(fault_of({0, 1, 2, 3, 4, 5, 6}), "");
  EXPECT_THAT(fault_of({0, 1, 3, 4, 5, 6}), HasSubstr("audit-000001.jsonl:3 is number 4 after 2"));
  EXPECT_THAT(fault_of({0, 1, 1, 2}), HasSubstr(":3 is number 2 after 2"));
  EXPECT_THAT(fault_of({1, 2}), HasSubstr(":1 does not continue"));
  EXPECT_THAT(fault_of({0, 2, 1}), HasSubstr(":2 is number 3 after 1"));
  lines[0] = "{\"seq\":1}\n";
  EXPECT_THAT(fault_of({0}), HasSubstr(":1 is no line of an audit log"));
}

// Who changes a line can give it the hash that it must have now, but not without changing the next.
TEST_F(AuditLogTest, ALineWithANewHashDoesNotFitTheNext) {
  {
    const auto log = Open();
    for (int i = 0; i < 3; ++i) log->End(log->Begin(Entry(i)), "OK");
  }
  std::string text = Read(Path(1));
  const std::string hash = std::string(Lines(1)[2]["hash"]);
  const size_t begin = text.find("{\"seq\":4");
  const size_t end = text.find(",\"hash\"", begin);
  std::string body = text.substr(begin, end - begin);
  body.replace(body.find("ann"), 3, "eve");
  const auto forged = Sha256(hash + body);
  text.replace(begin, end - begin, body);
  text.replace(end + 9, 64, absl::BytesToHexString({forged.data(), forged.size()}));
  Write(Path(1), text);
  EXPECT_THAT(Fault(), HasSubstr("audit-000001.jsonl:5 has not the hash"));
}

TEST_F(AuditLogTest, AKeptHashProvesWhatWasBeforeIt) {
  { Open()->Begin(Entry(1)); }
  const std::string kept = VerifyAuditLog(dir_).value().hash;
  { Open()->Begin(Entry(2)); }
  EXPECT_TRUE(VerifyAuditLog(dir_, kept).ok());
  std::filesystem::remove_all(dir_);
  { Open()->Begin(Entry(1)); }  // the same again, at another time
  EXPECT_TRUE(VerifyAuditLog(dir_).ok());
  EXPECT_THAT(VerifyAuditLog(dir_, kept).status().message(), HasSubstr("no line has the hash"));
}

TEST_F(AuditLogTest, TornEndsAreNoDamage) {
  { Open()->Begin(Entry(1)); }
  const std::string text = Read(Path(1));
  for (size_t size = 0; size < text.size(); ++size) {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directory(dir_);
    Write(Path(1), text.substr(0, size));
    const std::string torn = text.substr(0, size);
    const auto whole = static_cast<size_t>(std::count(torn.begin(), torn.end(), '\n'));
    Open()->Begin(Entry(2));
    const absl::StatusOr<AuditSummary> summary = VerifyAuditLog(dir_);
    ASSERT_TRUE(summary.ok()) << size << ": " << summary.status();
    EXPECT_EQ(summary->last, whole + 2) << size;
    EXPECT_EQ(Read(Path(1)), torn);  // nothing that is written is ever changed
  }
}

TEST_F(AuditLogTest, ADirectoryThatCannotBeListedIsNoEmptyOne) {
  Write(dir_, "");
  EXPECT_TRUE(absl::IsPermissionDenied(VerifyAuditLog(dir_).status()));
  std::filesystem::remove(dir_);
  std::filesystem::create_directories(Path(1));  // not a file
  EXPECT_TRUE(absl::IsPermissionDenied(VerifyAuditLog(dir_).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(AuditLog::Open(dir_).status()));
}

// Files may not grow beyond `bytes`, as on a full disk; a write beyond is cut short, the next one fails.
void LimitFiles(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit limit {.rlim_cur = bytes, .rlim_max = bytes};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST_F(AuditLogTest, NothingGoesOnUnseenOnAFullDisk) {
  EXPECT_EXIT(
      {
        const auto log = Open();
        LimitFiles(600);
        for (int i = 0; i < 10; ++i) log->Begin(Entry(i));
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(kExitStorage), "audit log: cannot write: File too large");
}

TEST_F(AuditLogTest, IsOfOneProcess) {
  const auto log = Open();
  EXPECT_TRUE(absl::IsUnavailable(AuditLog::Open(dir_).status()));
}

TEST_F(AuditLogTest, DoesNotContinueADamagedFile) {
  { Open()->Begin(Entry(1)); }
  std::string text = Read(Path(1));
  text[text.find("ann")] = 'A';
  Write(Path(1), text);
  EXPECT_TRUE(absl::IsDataLoss(AuditLog::Open(dir_).status()));
}

TEST_F(AuditLogTest, WhereThereIsNone) {
  EXPECT_TRUE(absl::IsNotFound(VerifyAuditLog(dir_).status()));
  EXPECT_EQ(AuditLog::OpenIfAny("").value(), nullptr);
  Write(directory_->path() + "/file", "");
  EXPECT_TRUE(absl::IsPermissionDenied(AuditLog::Open(directory_->path() + "/file").status()));
}

}  // namespace
}  // namespace unirust::access
