#include "access/principals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/limits.h"

namespace unirust::access {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kHash(64, 'a');
const std::string kEntry =
    "[[principal]]\nname = \"p\"\nroles = [\"reader\"]\ntoken-sha256 = \"" + kHash + "\"\n";

TEST(Principals, AreRead) {
  const auto principals =
      ParsePrincipals(kEntry +
                          "[[principal]]\nname = \"home\"\nroles = [\"peer\", \"admin\"]\n"
                          "certificate = \"home.example\"\nexpires = 2027-06-30\n",
                      "f");
  ASSERT_TRUE(principals.ok()) << principals.status();
  ASSERT_EQ(principals->size(), 2U);
  const Principal& p = (*principals)[0];
  EXPECT_EQ(p.name, "p");
  EXPECT_TRUE(p.roles.Has(Role::kReader));
  EXPECT_FALSE(p.roles.Has(Role::kWriter));
  ASSERT_TRUE(p.token);
  EXPECT_EQ(ToHex(*p.token), kHash);
  EXPECT_EQ(p.certificate, "");
  EXPECT_EQ(p.expires, std::numeric_limits<int64_t>::max());
  const Principal& home = (*principals)[1];
  EXPECT_TRUE(home.roles.Has(Role::kPeer));
  EXPECT_TRUE(home.roles.Has(Role::kAdmin));
  EXPECT_FALSE(home.token);
  EXPECT_EQ(home.certificate, "home.example");
  EXPECT_EQ(home.expires, 1814313600);  // date -u -d 2027-06-30 +%s
}

TEST(Principals, MayBeNobody) { EXPECT_TRUE(ParsePrincipals("", "f").value().empty()); }

TEST(Principals, ExpireAtADayOrATime) {
  const auto expiry = [](const std::string& text) -> absl::StatusOr<int64_t> {
    const auto principals = ParsePrincipals(kEntry + "expires = " + text + "\n", "f");
    if (!principals.ok()) return principals.status();
    return principals->front().expires;
  };
  EXPECT_EQ(expiry("1970-01-02").value(), 86400);
  EXPECT_EQ(expiry("1970-01-02T00:00:01Z").value(), 86401);
  EXPECT_EQ(expiry("1970-01-02T01:30:00+01:30").value(), 86400);
  EXPECT_EQ(expiry("2028-02-29").value(), 1835395200);
  for (const char* text : {"\"2027-06-30\"", "12:00:00", "2027-06-30T12:00:00", "7", "true"}) {
    EXPECT_THAT(expiry(text).status().message(), HasSubstr("'expires' is no date")) << text;
  }
  EXPECT_THAT(expiry("2027-02-30").status().message(), HasSubstr("f:5"));
}

TEST(Principals, AreOfTenants) {
  const auto tenants = [](const std::string& line) {
    return ParsePrincipals(kEntry + line, "f").value().front().tenants;
  };
  EXPECT_THAT(tenants(""), IsEmpty());
  EXPECT_THAT(tenants("tenants = [\"acme\", \"b-2\"]\n"), ElementsAre("acme", "b-2"));
  EXPECT_THAT(tenants("tenants = [\"*\"]\n"), ElementsAre("*"));
  for (const char* list : {"[]", "\"acme\"", "7", "[7]", "[\"\"]", "[\"Acme\"]", "[\"a\", \"../b\"]", "[\"a*\"]"}) {
    const auto read = ParsePrincipals(kEntry + "tenants = " + list + "\n", "f");
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("f:1: principal: 'tenants'")) << list;
  }
}

TEST(Principals, FaultsNameTheirLine) {
  const auto fault = [](const std::string& text) {
    return std::string(ParsePrincipals(text, "f").status().message());
  };
  const std::string head = "[[principal]]\n";
  const std::string token = "token-sha256 = \"" + kHash + "\"\n";
  EXPECT_THAT(fault("[[principal"), HasSubstr("f:1: "));
  EXPECT_THAT(fault("[principal]\nname = \"p\"\n"), HasSubstr("begin with [[principal]]"));
  EXPECT_THAT(fault("[[principals]]\n"), HasSubstr("unknown key 'principals'"));
  EXPECT_THAT(fault(kEntry + head), HasSubstr("f:5: principal: 'name' is needed"));
  EXPECT_THAT(fault(head + "name = 7\n"), HasSubstr("'name' is not a string"));
  EXPECT_THAT(fault(head + "name = \"a b\"\n"), HasSubstr("'name' has characters"));
  EXPECT_THAT(fault(head + "name = \"" + std::string(65, 'a') + "\"\n"), HasSubstr("at most 64"));
  EXPECT_THAT(fault(kEntry + "role = \"reader\"\n"), HasSubstr("unknown key 'role'"));
  const std::string named = head + "name = \"p\"\n";
  EXPECT_THAT(fault(named + token), HasSubstr("'roles' is needed"));
  EXPECT_THAT(fault(named + token + "roles = []\n"), HasSubstr("'roles' is needed"));
  EXPECT_THAT(fault(named + token + "roles = \"reader\"\n"), HasSubstr("'roles' is needed"));
  EXPECT_THAT(fault(named + token + "roles = [\"root\"]\n"), HasSubstr("'root' is no role"));
  EXPECT_THAT(fault(named + token + "roles = [1]\n"), HasSubstr("'?' is no role"));
  EXPECT_THAT(fault(named + "roles = [\"reader\"]\n"), HasSubstr("exactly one of"));
  EXPECT_THAT(fault(kEntry + "certificate = \"c\"\n"), HasSubstr("exactly one of"));
  EXPECT_THAT(fault(named + token + "roles = [\"peer\"]\n"), HasSubstr("peer is for certificates"));
  EXPECT_THAT(fault(named + "roles = [\"reader\"]\ntoken-sha256 = \"12\"\n"),
              HasSubstr("64 hexadecimal digits"));
}

TEST(Principals, AreLimited) {
  std::string text;
  for (size_t i = 0; i <= limits::kPrincipalsMax; ++i) text += kEntry;
  EXPECT_THAT(ParsePrincipals(text, "f").status().message(), HasSubstr("at most 10000"));
  EXPECT_TRUE(ParsePrincipals(text.substr(kEntry.size()), "f").ok());
}

TEST(Principals, OfAFileThatIsNotThere) {
  EXPECT_THAT(ReadPrincipals("/nonexistent/access.toml").status().message(),
              HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace unirust::access
