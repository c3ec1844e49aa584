// Retention, case by case (docs/ontology.md): what is due when, what a commit of an advance shows, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "shard/memory_shares.h"
#include "tests/shard/engine_fixture.h"
#include "tests/shard/findings.h"

namespace unirust::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRules[] = R"({
  "identity_keys": [{"name": "by_email", "attributes": ["email"]}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
  "retention": [{"perspectives": ["crm"], "ended_before": 100}]})";

bool Never() { return false; }

class Retention : public EngineTest {
 protected:
  Retention() { SetOntology(kRules); }

  RetentionAdvance Advance(Instant now) {
    const auto advanced = engine_->AdvanceRetention(now, Never);
    EXPECT_TRUE(advanced.ok()) << advanced.status();
    return advanced.ok() ? *advanced : RetentionAdvance();
  }
  absl::Status Refused(Instant now) { return engine_->AdvanceRetention(now, Never).status(); }

  RetentionStatus Status() { return engine_->Read().GetRetention().value(); }

  std::vector<std::string> Records() {
    std::vector<std::string> out;
    for (std::string& line : Everything(*engine_)) {
      if (line.starts_with("record ")) out.push_back(std::move(line));
    }
    return out;
  }

  void ExpectSound() {
    Findings findings;
    EXPECT_TRUE(engine_->Verify(Engine::VerifyDepth::kFull, findings).ok());
    EXPECT_THAT(findings.faults, IsEmpty());
  }
};

TEST_F(Retention, ExpiresWhatWasDueBeforeTheDeclaredInstant) {
  Ingest({Person("crm", "1", {Email("old", {0, 10}), Email("new", {10, 20}), Tax("7")}),
          Person("web", "1", {Email("old", {0, 10})})});
  EXPECT_EQ(Status().earliest_due, 110);
  EXPECT_EQ(Advance(110).descriptors, 0U) << "due, but not expired before a later instant";
  EXPECT_EQ(EntityName("web", "1"), "person/crm/1");
  const RetentionAdvance advanced = Advance(111);
  EXPECT_EQ(advanced.declared, 111);
  EXPECT_EQ(advanced.records, 1U);
  EXPECT_EQ(advanced.descriptors, 1U);
  EXPECT_THAT(Records(), ElementsAre("record person/crm/1 v0 {email=new[10,20),tax=7[" +
                                         std::to_string(kMinTime) + "," +
                                         std::to_string(kMaxTime) + "),}",
                                     "record person/web/1 v0 {email=old[0,10),}"));
  EXPECT_EQ(EntityName("web", "1"), "person/web/1") << "no evidence is left that they are one";
  EXPECT_EQ(Status().declared, 111);
  EXPECT_EQ(Status().earliest_due, 120);
  ExpectSound();
}

TEST_F(Retention, LeavesARecordLiveWithoutDescriptors) {
  IngestOne(Person("crm", "1", {Email("a", {0, 10})}, 5));
  Advance(1000);
  EXPECT_THAT(Records(), ElementsAre("record person/crm/1 v5 {}"));
  EXPECT_EQ(EngineTest::Records(), 1U);
  EXPECT_EQ(Status().earliest_due, std::nullopt);
  const auto found = engine_->Read().FindEntities({{"email", "a"}}, kAlways, 0, "");
  EXPECT_THAT(found->items, IsEmpty());
  ExpectSound();
}

TEST_F(Retention, SurvivesAnOpening) {
  Ingest({Person("crm", "1", {Email("a", {0, 10}), Email("b", {0, 900})})});
  Advance(500);
  const auto before = Everything(*engine_);
  Reopen();
  EXPECT_EQ(Status().declared, 500);
  EXPECT_EQ(Status().earliest_due, 1000);
  EXPECT_EQ(Everything(*engine_), before);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a", {0, 10}), Email("b", {0, 900})})).outcome,
            WriteOutcome::kUnchanged);
}

TEST_F(Retention, IsAppliedToNewWrites) {
  Advance(111);
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("a", {0, 10}), Email("b", {0, 11})})).outcome,
            WriteOutcome::kApplied);
  EXPECT_THAT(Records(), ElementsAre("record person/crm/1 v0 {email=b[0,11),}"));
  EXPECT_EQ(IngestOne(Person("crm", "1", {Email("x", {0, 5}), Email("b", {0, 11})})).outcome,
            WriteOutcome::kUnchanged)
      << "the same but for what is expired";
  EXPECT_EQ(IngestOne(Person("crm", "2", {Email("a", {0, 10})})).outcome, WriteOutcome::kApplied);
  EXPECT_EQ(EntityName("crm", "2"), "person/crm/2") << "live, without descriptors";
  EXPECT_EQ(IngestOne(Person("crm", "2")).outcome, WriteOutcome::kUnchanged);
  ExpectSound();
}

TEST_F(Retention, LooksAtCoalescedIntervals) {
  Advance(111);
  IngestOne(Person("crm", "1", {Email("a", {0, 10}), Email("a", {10, 20})}));
  EXPECT_THAT(Records(), ElementsAre("record person/crm/1 v0 {email=a[0,20),}"));
}

TEST_F(Retention, GoesForwardOnly) {
  Advance(50);
  const absl::Status refused = Refused(49);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("now: 49 is before 50"));
  EXPECT_EQ(Advance(50).declared, 50) << "again is harmless";
  EXPECT_EQ(Status().declared, 50);
}

TEST_F(Retention, NeedsRules) {
  SetOntology(kByEmail);
  IngestOne(Person("crm", "1", {Email("a", {0, 10})}));
  EXPECT_EQ(Status().earliest_due, std::nullopt);
  EXPECT_EQ(Refused(1000).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Status().declared, std::nullopt);
}

TEST_F(Retention, OfARuleThatIsAddedLaterBeginsWithTheNextAdvance) {
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a", {0, 10})}), Person("crm", "2", {Email("b", {0, 20})})});
  SetOntology(kRules);
  EXPECT_EQ(Status().earliest_due, 110);
  EXPECT_EQ(Records().size(), 2U);
  EXPECT_EQ(Advance(115).descriptors, 1U);
  ExpectSound();
}

TEST_F(Retention, OfOtherRulesForgetsTheDeclaredInstant) {
  Advance(500);
  IngestOne(Person("crm", "1", {Email("a", {0, 450}), Email("gone", {0, 10})}));
  std::string other(kRules);
  other.replace(other.find("\"by_email\""), 10, "\"renamed\"");
  SetOntology(other);
  EXPECT_EQ(Status().declared, 500) << "the rules of retention are the same";
  other.replace(other.find("100"), 3, "10");
  SetOntology(other);
  EXPECT_EQ(Status().declared, std::nullopt);
  EXPECT_EQ(Status().earliest_due, 460);
  EXPECT_THAT(Records(), ElementsAre("record person/crm/1 v0 {email=a[0,450),}"));
  Reopen();
  EXPECT_EQ(Status().declared, std::nullopt);
  EXPECT_EQ(Advance(461).descriptors, 1U) << "an earlier instant than under the rules before";
  ExpectSound();
}

TEST_F(Retention, IsForgottenByAReset) {
  options_.allow_reset = true;
  Reopen();
  Advance(500);
  ASSERT_TRUE(engine_->Reset().ok());
  EXPECT_EQ(Status().declared, std::nullopt);
  SetOntology(kRules);
  EXPECT_EQ(Advance(1).declared, 1);
}

TEST_F(Retention, IsInACheckpoint) {
  options_.backup_dir = temp_.path() + "/backups";
  Reopen();
  Advance(500);
  options_.data_dir = engine_->Checkpoint("copy").value()[0];
  Reopen();
  EXPECT_EQ(Status().declared, 500);
}

// More records than a commit takes, in entities of three, due one after the other.
class LongAdvance : public Retention {
 protected:
  static constexpr size_t kRecords = 9000;
  static constexpr Instant kPerInstant = 7;

  LongAdvance() {
    std::vector<Write> writes;
    for (size_t i = 0; i < kRecords; ++i) {
      const auto end = static_cast<Instant>(i) / kPerInstant + 1;
      writes.push_back(Person(i % 3 == 0 ? "web" : "crm", std::to_string(i),
                              {Email("e" + std::to_string(i / 3), {0, end}),
                               {"role", "later", {0, 5000 + end}}}));
    }
    all_ = writes;
    Ingest(std::move(writes));
  }

  // What a state must hold: that of one declared instant.
  void ExpectStateOf(std::optional<Instant> declared) {
    std::vector<std::string> expected;
    for (const Write& write : all_) {
      Record record{write.identity, 0, write.descriptors};
      Normalize(record.descriptors);
      std::erase_if(record.descriptors, [&](const Descriptor& d) {
        return declared && write.identity.perspective == "crm" && d.interval.end != kMaxTime &&
               *declared > d.interval.end + 100;
      });
      expected.push_back(Text(RecordView{RecordId(), record, ""}));
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(Records(), expected);
  }

  std::vector<Write> all_;
};

TEST_F(LongAdvance, IsTheStateOfOneInstantAtEveryCommit) {
  const Instant now = 100 + kRecords / kPerInstant + 10;
  size_t commits = 0;
  std::optional<Instant> last;
  const auto advanced = engine_->AdvanceRetention(now, [&] {
    const std::optional<Instant> declared = Status().declared;
    EXPECT_TRUE(commits == 0 || declared > last);
    last = declared;
    ++commits;
    ExpectStateOf(declared);
    return false;
  });
  ASSERT_TRUE(advanced.ok()) << advanced.status();
  const size_t per_commit = MemoryShares::Of(options_.memory_budget_bytes).commit_records;
  const size_t expired = kRecords * 2 / 3;  // the others are not of crm
  EXPECT_GE(commits, 2U);
  EXPECT_EQ(commits, expired / per_commit + 1);
  ExpectStateOf(now);
  EXPECT_EQ(advanced->declared, now);
  EXPECT_EQ(advanced->records, expired);
  ExpectSound();
}

TEST_F(Retention, OfMoreRecordsThanACommitTakesAtOneInstantTakesSeveralCommits) {
  const size_t per_commit = MemoryShares::Of(options_.memory_budget_bytes).commit_records;
  const size_t due = per_commit * 2 + 10;
  std::vector<Write> writes = {Person("crm", "sooner", {Email("s", {0, 5})}),
                               Person("crm", "later", {Email("l", {0, 11})})};
  for (size_t i = 0; i < due; ++i) {
    writes.push_back(Person("crm", std::to_string(i), {Email(std::to_string(i / 2), {0, 10})}));
  }
  Ingest(std::move(writes));
  std::vector<std::optional<Instant>> declared;
  const auto give_up = [&] {
    declared.push_back(Status().declared);
    return declared.size() == 3;
  };
  EXPECT_EQ(engine_->AdvanceRetention(111, give_up).status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(declared, ElementsAre(std::nullopt, 110, 110)) << "the instant is not passed";
  EXPECT_EQ(Status().earliest_due, 110);
  ExpectSound();
  Reopen();
  IngestOne(Person("crm", "0", {Email("0", {0, 10}), Email("other", {0, 10})}));
  EXPECT_EQ(Advance(111).records, per_commit + 11);
  EXPECT_EQ(Status().earliest_due, 111);
  ExpectSound();
}

TEST_F(LongAdvance, CanBeGivenUpAndGoneOnWith) {
  bool asked = false;
  const auto advanced = engine_->AdvanceRetention(4000, [&] { return std::exchange(asked, true); });
  EXPECT_EQ(advanced.status().code(), absl::StatusCode::kCancelled);
  const std::optional<Instant> between = Status().declared;
  ASSERT_TRUE(between.has_value());
  EXPECT_LT(*between, 4000);
  ExpectStateOf(between);
  Reopen();
  EXPECT_EQ(Status().declared, between);
  EXPECT_GT(Advance(4000).records, 0U);
  ExpectStateOf(4000);
  ExpectSound();
}

TEST_F(LongAdvance, EndsWhenTheOntologyChanges) {
  bool asked = false;
  const auto advanced = engine_->AdvanceRetention(4000, [&] {
    if (std::exchange(asked, true)) SetOntology(kByEmail);
    return false;
  });
  EXPECT_EQ(advanced.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Status().declared, std::nullopt);
  ExpectSound();
}

TEST_F(LongAdvance, LetsOthersWriteMeanwhile) {
  constexpr int kMore = 200;
  std::atomic<bool> done = false;
  std::vector<Write> more;
  for (int i = 0; i < kMore; ++i) {
    more.push_back(Person("crm", "new" + std::to_string(i),
                          {Email("e" + std::to_string(i), {0, 1 + i * 10}),
                           Email("x" + std::to_string(i), {0, 9000})}));
  }
  const auto last = Person("crm", "0", {Email("e0", {0, 3000}), Email("gone", {0, 1})});
  {
    Thread writer("writer", [&] {
      for (const Write& write : more) IngestOne(write);
      IngestOne(last);
      done = true;
    });
    for (Instant now = 200; !done || now < 4000; now = std::min<Instant>(now + 200, 4000)) {
      Advance(now);
    }
  }
  Advance(4000);
  more.push_back(last);
  for (const Write& write : more) {
    std::erase_if(all_, [&](const Write& w) { return w.identity == write.identity; });
    all_.push_back(write);
  }
  ExpectStateOf(4000);
  ExpectSound();
}

}  // namespace
}  // namespace unirust::shard
