// The digest tells stores apart by what they hold, and by nothing else. (That equal stores have equal ones is asked of
// every history of incremental_fixture.h.)
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

class DigestTest : public EngineTest {
 protected:
  DigestTest() { SetKeys({"email"}); }

  void SetKeys(const std::vector<std::string>& attributes) {
    ontology::Ontology ontology;
    for (const std::string& attribute : attributes) {
      ontology::IdentityKey& key = ontology.identity_keys.emplace_back();
      key.name = attribute;
      key.attributes = {attribute};
    }
    ASSERT_TRUE(engine_->SetOntology(ontology).ok());
  }

  StoreDigest Digest() {
    return engine_->Read().GetDigest([](uint64_t) { return true; }).value();
  }

  static std::string Text(absl::uint128 number) {
    return std::to_string(absl::Uint128High64(number)) + "," +
           std::to_string(absl::Uint128Low64(number));
  }
};

TEST_F(DigestTest, OfNothingIsZero) {
  EXPECT_EQ(Digest(), StoreDigest());
  EXPECT_EQ(Digest().Total(), 0U);
}

TEST_F(DigestTest, EveryChangeOfContentChangesIt) {
  std::set<std::string> seen;
  const auto expect_new = [&](const char* what) {
    EXPECT_TRUE(seen.insert(Text(Digest().Total())).second) << what;
  };
  expect_new("nothing");
  Ingest({Person("crm", "1", {Email("a")}), Person("crm", "2", {Email("b")})});
  expect_new("two records");
  Ingest({Person("crm", "2", {Email("b", {0, 5})})});
  expect_new("an interval");
  Ingest({Person("crm", "2", {Email("c", {0, 5})})});
  expect_new("a value");
  Ingest({Person("crm", "2", {{"mail", "c", {0, 5}}})});
  expect_new("an attribute");
  Ingest({Person("crm", "2")});
  expect_new("no descriptor");
  Ingest({Gone("crm", "2")});
  expect_new("retracted");
  Ingest({Person("erp", "2", {Email("a")})});
  expect_new("one entity");
  SetKeys({});
  expect_new("the same records in two entities");
  Ingest({Gone("crm", "1"), Gone("erp", "2")});
  EXPECT_EQ(Digest(), StoreDigest());
}

// People keep digests and compare them with those of later versions of the programs.
TEST_F(DigestTest, StaysWhatItIs) {
  Ingest({Person("crm", "1", {Email("a"), {"caf\u00e9", "\u00fc", {-5, 7}}}),
          Person("erp", "2", {Email("a", {0, 5})}),
          {.identity = {"firm", "crm", "1"}, .version = {}, .retract = false, .descriptors = {}}});
  EXPECT_EQ(Text(Digest().Total()), "13104160490475151516,18368369014135452963");
}

// Two records that swap their contents, or their entities, are not the same store.
TEST_F(DigestTest, TellsWhoHoldsWhat) {
  Ingest({Person("crm", "1", {Email("a")}), Person("crm", "2", {Email("b")}),
          Person("erp", "3", {Email("a")}), Person("erp", "4", {Email("b")})});
  const StoreDigest before = Digest();
  Ingest({Person("erp", "3", {Email("b")}), Person("erp", "4", {Email("a")})});
  EXPECT_NE(Digest().Total(), before.Total());
  Ingest({Person("erp", "3", {Email("a")}), Person("erp", "4", {Email("b")})});
  EXPECT_EQ(Digest(), before);
}

TEST_F(DigestTest, VersionsAndWhatWasRetractedDoNotCount) {
  Ingest({Person("crm", "1", {Email("a")}, 1)});
  const StoreDigest before = Digest();
  Ingest({Person("crm", "1", {Email("a")}, 7), Person("crm", "2", {Email("a")})});
  Ingest({Gone("crm", "2")});
  EXPECT_EQ(Digest(), before);
}

// An entity of many pages; what is read in the middle of it is not counted twice.
TEST_F(DigestTest, LargeEntitiesArePaged) {
  std::vector<Write> writes;
  for (size_t n = 0; n < 2 * limits::kPageItemsMax + 5; ++n) {
    writes.push_back(Person("crm", std::to_string(n), {Email("one")}));
    if (writes.size() == 5000) Ingest(std::exchange(writes, {}));
  }
  Ingest(writes);
  const StoreDigest digest = Digest();
  EXPECT_EQ(digest.records, 2 * limits::kPageItemsMax + 5);
  EXPECT_EQ(digest.entities, 1U);
  Ingest({Person("crm", "x", {Email("one")})});
  EXPECT_NE(Digest(), digest);
  Ingest({Gone("crm", "x")});
  EXPECT_EQ(Digest(), digest);
}

TEST_F(DigestTest, CanBeGivenUp) {
  Ingest({Person("crm", "1", {Email("a")})});
  EXPECT_TRUE(absl::IsCancelled(
      engine_->Read().GetDigest([](uint64_t) { return false; }).status()));
}

}  // namespace
}  // namespace unirust::shard
