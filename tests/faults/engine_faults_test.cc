// An engine, with its threads, on a disk that fails or loses power. What it answers afterwards is
// what the requests that it acknowledged resolve to on a whole disk, with the request under way as
// a whole or not at all.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_codes.h"
#include "base/hash.h"
#include "tests/faults/calls.h"
#include "tests/faults/child.h"
#include "tests/faults/disk.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::faults {
namespace {

using shard::Engine;

constexpr char kByTax[] = R"({"identity_keys": [{"name": "by_tax", "attributes": ["tax"]}]})";
constexpr size_t kRequests = 14;

// Requests are counted from 1: ontologies at the first and the eighth, a restart before the fourth
// and the eleventh, else records of which most share a key value with earlier ones, and
// retractions.
absl::Status Send(size_t request, Engine& engine) {
  if (request == 1) return engine.SetOntology(ontology::ParseOntology(shard::kByEmail).value());
  if (request == 8) return engine.SetOntology(ontology::ParseOntology(kByTax).value());
  std::mt19937_64 random(request);
  std::vector<Write> writes;
  for (size_t i = 0; i < 6; ++i) {
    const std::string uid = std::to_string(random() % 25);
    const auto start = static_cast<int64_t>(random() % 100);
    if (random() % 8 == 0) {
      writes.push_back(shard::Gone("crm", uid));
      continue;
    }
    writes.push_back(
        shard::Person("crm", uid,
                      {shard::Email("e" + std::to_string(random() % 6), {start, start + 50}),
                       shard::Tax("t" + std::to_string(random() % 9)),
                       {"text", std::string(400, 'x'), shard::kAlways}}));
  }
  return engine.Ingest(std::move(writes)).status();
}

absl::StatusOr<std::unique_ptr<Engine>> OpenIn(const std::string& dir) {
  shard::EngineOptions options;
  options.data_dir = dir + "/data";
  options.memory_budget_bytes = 64U << 20U;
  return Engine::Open(options);
}

uint64_t HashOfAll(const Engine& engine) {
  Hash64Stream hash;
  for (const auto& key : engine.GetOntology().identity_keys) hash.Add(key.name + "\n");
  for (const std::string& line : shard::Everything(engine)) hash.Add(line + "\n");
  return hash.Value();
}

// Sends all requests, and tells the hash of what is answered after each of them, and before all.
absl::Status Live(const std::string& dir, std::vector<uint64_t>* hashes) {
  UNIRUST_ASSIGN_OR_RETURN(auto engine, OpenIn(dir));
  if (hashes != nullptr) hashes->push_back(HashOfAll(*engine));
  for (size_t request = 1; request <= kRequests; ++request) {
    if (request == 4 || request == 11) {
      engine.reset();
      UNIRUST_ASSIGN_OR_RETURN(engine, OpenIn(dir));
    }
    UNIRUST_RETURN_IF_ERROR(Send(request, *engine));
    Note(request);
    if (hashes != nullptr) hashes->push_back(HashOfAll(*engine));
  }
  return absl::OkStatus();
}

struct FirstFault : VerifyReport {
  void Fault(std::string_view fault) override { what = what.empty() ? std::string(fault) : what; }
  void Progress(std::string_view /*check*/, uint64_t /*rows*/) override {}
  std::string what;
};

class EngineFaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteTree({}, Dir());
    const Ended ended = InChild([&](std::FILE* out) {
      Watch(Dir(), Trace());
      std::vector<uint64_t> hashes;
      const absl::Status status = Live(Dir(), &hashes);
      if (!status.ok()) _exit(kExitFailure);
      for (size_t i = 0; i < kCalls; ++i) hashes.push_back(Made(static_cast<Call>(i)));
      for (const uint64_t number : hashes)
        std::fprintf(out, "%llu ", static_cast<unsigned long long>(number));
    });
    ASSERT_TRUE(ended.WithCode(kExitOk)) << ended.status;
    std::istringstream numbers(ended.said);
    for (uint64_t& hash : answers_) numbers >> hash;
    for (uint64_t& count : calls_) numbers >> count;
    ASSERT_EQ(std::set<uint64_t>(answers_.begin(), answers_.end()).size(), answers_.size());
  }
  std::string Dir() const { return temp_.path() + "/dir"; }
  std::string Crashed() const { return temp_.path() + "/crashed"; }
  std::string Trace() const { return temp_.path() + "/trace"; }

  // Empty unless the directory is not what is left after so many acknowledged requests.
  std::string WhatIsWrong(const std::string& dir, size_t acknowledged) const {
    const auto engine = OpenIn(dir);
    if (!engine.ok()) return "does not open: " + engine.status().ToString();
    const uint64_t hash = HashOfAll(**engine);
    const bool is_next = acknowledged < kRequests && hash == answers_[acknowledged + 1];
    if (hash != answers_[acknowledged] && !is_next) return "answers otherwise";
    FirstFault report;
    const absl::Status verified = (*engine)->Verify(Engine::VerifyDepth::kFull, report);
    if (!verified.ok()) return "cannot be verified: " + verified.ToString();
    return report.what;
  }

  void ExpectNothingLost(const Fault& fault) {
    SCOPED_TRACE(std::string(CallName(fault.call)) + " " + std::to_string(fault.nth) + " seed " +
                 std::to_string(fault.seed));
    WriteTree({}, Dir());
    const Ended ended = InChild([&](std::FILE*) {
      Watch(Dir(), Trace());
      Arm(fault);
      if (!Live(Dir(), nullptr).ok()) _exit(kExitFailure);
    });
    EXPECT_TRUE(ended.WithCode(kExitOk) || ended.WithCode(kExitFailure) ||
                ended.WithCode(kExitStorage))
        << ended.status;
    Disk disk(Dir(), {});
    size_t acknowledged = 0;
    for (const Event& event : ReadTrace(Trace())) {
      disk.Apply(event);
      if (event.kind == Event::Kind::kNote) acknowledged = event.at;
    }
    const Ended looked = InChild([&](std::FILE* out) {
      std::mt19937_64 random(fault.seed);
      std::fputs(WhatIsWrong(Dir(), acknowledged).c_str(), out);
      WriteTree(disk.After(Disk::Loss::kSome, random), Crashed());
      std::fputs(WhatIsWrong(Crashed(), acknowledged).c_str(), out);
    });
    EXPECT_TRUE(looked.WithCode(kExitOk)) << looked.status;
    EXPECT_EQ(looked.said, "");
  }

  store::TempDir temp_{FastParent()};
  std::array<uint64_t, kRequests + 1>
      answers_{};  // by the number of requests: the hash of everything
  std::array<uint64_t, kCalls> calls_{};
  const uint64_t stride_ = SettingOf("UNIRUST_FAULT_STRIDE", 300);
  const uint64_t seed_ = SettingOf("UNIRUST_FIRST_SEED", 1);
};

TEST_F(EngineFaultsTest, OneCallFails) {
  for (const Call call : {Call::kOpenToWrite, Call::kOpenToRead, Call::kRead, Call::kWrite,
                          Call::kSync, Call::kSyncDirectory, Call::kRename, Call::kDelete}) {
    const uint64_t count = calls_[static_cast<size_t>(call)];
    for (uint64_t nth = 1 + seed_ % std::min(stride_, count); nth <= count; nth += stride_) {
      for (const bool lasting : {false, true}) {
        ExpectNothingLost({.call = call,
                           .nth = nth,
                           .lasting = lasting,
                           .error = lasting ? ENOSPC : EIO,
                           .seed = seed_ + nth});
      }
    }
  }
}

TEST_F(EngineFaultsTest, ThePowerFails) {
  const std::vector<Event> events = ReadTrace(Trace());
  const Ended ended = InChild([&](std::FILE* out) {
    std::mt19937_64 random(seed_);
    Disk disk(Dir(), {});
    std::set<std::pair<uint64_t, size_t>> seen;
    size_t acknowledged = 0;
    for (size_t i = 0; i < events.size(); ++i) {
      disk.Apply(events[i]);
      if (events[i].kind == Event::Kind::kNote) acknowledged = events[i].at;
      if (random() % stride_ >= 10) continue;
      const Tree tree =
          disk.After(random() % 2 == 0 ? Disk::Loss::kAll : Disk::Loss::kSome, random);
      if (!seen.emplace(HashOf(tree), acknowledged).second) continue;
      GoesOn();
      WriteTree(tree, Crashed());
      const std::string wrong = WhatIsWrong(Crashed(), acknowledged);
      if (!wrong.empty()) std::fprintf(out, "after call %zu: %s\n", i, wrong.c_str());
    }
    std::printf("%zu calls, %zu states of the disk\n", events.size(), seen.size());
    std::fflush(stdout);
  });
  EXPECT_TRUE(ended.WithCode(kExitOk)) << ended.status;
  EXPECT_EQ(ended.said, "") << "seed " << seed_;
}

}  // namespace
}  // namespace unirust::faults
