#include "access/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/files.h"

namespace unirust::access {
namespace {

using ::testing::HasSubstr;

constexpr char kRead[] = "/unirust.ShardService/GetStats";
constexpr char kWrite[] = "/unirust.ShardService/IngestRecords";
constexpr char kJoin[] = "/unirust.PartService/Join";

std::string Entry(const std::string& name, const std::string& role, const std::string& token,
                  const std::string& more = "") {
  return "[[principal]]\nname = \"" + name + "\"\nroles = [\"" + role + "\"]\ntoken-sha256 = \"" +
         ToHex(HashToken(token)) + "\"\n" + more;
}

class GateTest : public ::testing::Test {
 protected:
  // Another file each time, as editors and config management leave it.
  void Write(const std::string& text) {
    const std::string next = path_ + ".next";
    std::ofstream(next) << text;
    std::filesystem::rename(next, path_);
  }
  void Open(const std::string& text) {
    Write(text);
    gate_ = Gate::Open(path_, /*look_every_micros=*/0).value();
  }
  absl::StatusOr<std::string> Check(const char* path, std::string_view token) {
    return gate_->Check(path, {.token = token});
  }
  absl::StatusCode Code(const char* path, std::string_view token) {
    return Check(path, token).status().code();
  }

  std::unique_ptr<TemporaryDirectory> directory_ = TemporaryDirectory::Create().value();
  const std::string path_ = directory_->path() + "/access.toml";
  std::unique_ptr<Gate> gate_;
};

TEST_F(GateTest, LetsThoseInWhoHaveTheRole) {
  Open(Entry("ann", "reader", "a") + Entry("bob", "writer", "b"));
  EXPECT_EQ(Check(kRead, "a").value(), "ann");
  EXPECT_EQ(Check(kWrite, "b").value(), "bob");
  EXPECT_TRUE(absl::IsPermissionDenied(Check(kWrite, "a").status()));
  EXPECT_THAT(Check(kWrite, "a").status().message(), HasSubstr("'ann' has not the role writer"));
}

TEST_F(GateTest, KnowsNobodyWithoutAToken) {
  Open(Entry("ann", "reader", "a"));
  EXPECT_EQ(Code(kRead, ""), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Code(kRead, "b"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Code(kRead, "a "), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Check("/unirust.ShardService/HealthCheck", "").value(), "");
}

TEST_F(GateTest, RefusesTheEmptyTokenAlsoWhereItsHashIsListed) {
  Open(Entry("ann", "reader", ""));
  EXPECT_EQ(Code(kRead, ""), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(gate_->Check(kRead, {.certificates = {"ann"}}).status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(GateTest, RefusesMethodsWithoutARow) {
  Open(Entry("ann", "admin", "a"));
  EXPECT_EQ(Code("/unirust.ShardService/Fly", "a"), absl::StatusCode::kPermissionDenied);
}

TEST_F(GateTest, LetsNobodyIntoATenantThatIsNotTheirs) {
  Open(Entry("ann", "reader", "a") + Entry("acme", "reader", "t", "tenants = [\"acme\"]\n") +
       Entry("both", "reader", "2", "tenants = [\"acme\", \"globex\"]\n") +
       Entry("root", "reader", "r", "tenants = [\"*\"]\n"));
  const auto names = [&](std::string_view token) {
    std::string out;
    for (const char* tenant : {"", "acme", "globex", "none", "*", "acmes", "acm"}) {
      const auto caller = gate_->Check(kRead, {.token = token}, tenant);
      out += caller.ok() ? "y" : "n";
      if (caller.ok()) continue;
      EXPECT_TRUE(absl::IsPermissionDenied(caller.status()));  // the same words, whoever is there
      EXPECT_THAT(caller.status().message(), HasSubstr("has no access to this tenant"));
    }
    return out;
  };
  EXPECT_EQ(names("a"), "ynnnnnn");
  EXPECT_EQ(names("t"), "nynnnnn");
  EXPECT_EQ(names("2"), "nyynnnn");
  EXPECT_EQ(names("r"), "yyyyyyy");
  EXPECT_EQ(gate_->Check(kRead, {.token = "x"}, "acme").status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(GateTest, GivesATokenOtherRolesForATenant) {
  Open(Entry("ann", "writer", "a") + Entry("ann", "reader", "a", "tenants = [\"acme\"]\n"));
  EXPECT_EQ(gate_->Check(kWrite, {.token = "a"}).value(), "ann");
  EXPECT_EQ(gate_->Check(kRead, {.token = "a"}, "acme").value(), "ann");
  for (const auto& [path, tenant] : {std::pair(kWrite, "acme"), std::pair(kRead, "")}) {
    EXPECT_THAT(gate_->Check(path, {.token = "a"}, tenant).status().message(),
                HasSubstr("has not the role"));
  }
}

TEST_F(GateTest, TellsOfATenantOnlyToThoseWhoHaveIt) {
  constexpr char kHealth[] = "/unirust.ShardService/HealthCheck";
  Open(Entry("ann", "reader", "a") + Entry("acme", "writer", "t", "tenants = [\"acme\"]\n"));
  EXPECT_EQ(gate_->Check(kHealth, {}).value(), "");
  EXPECT_EQ(gate_->Check(kHealth, {}, "acme").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(gate_->Check(kHealth, {.token = "a"}, "acme").status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(gate_->Check(kHealth, {.token = "t"}, "acme").value(), "acme");
}

TEST_F(GateTest, KnowsCertificatesByTheirNames) {
  Open("[[principal]]\nname = \"home\"\nroles = [\"peer\"]\ncertificate = \"home.example\"\n");
  EXPECT_EQ(gate_->Check(kJoin, {.certificates = {"x", "home.example"}}).value(), "home");
  EXPECT_EQ(gate_->Check(kJoin, {.certificates = {"x", "home.example.org"}}).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Code(kJoin, "home.example"), absl::StatusCode::kUnauthenticated);  // a name is no token
}

TEST_F(GateTest, RefusesWhatHasExpired) {
  Open(Entry("old", "reader", "o", "expires = 2001-01-01\n") +
       Entry("new", "reader", "n", "expires = 2999-01-01\n"));
  EXPECT_EQ(Code(kRead, "o"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Check(kRead, "n").value(), "new");
}

TEST_F(GateTest, ReadsTheFileAgain) {
  Open(Entry("ann", "reader", "1"));
  Write(Entry("ann", "reader", "1") + Entry("ann", "reader", "2"));  // both hold for a while
  EXPECT_EQ(Check(kRead, "1").value(), "ann");
  EXPECT_EQ(Check(kRead, "2").value(), "ann");
  Write(Entry("ann", "reader", "2"));
  EXPECT_EQ(Code(kRead, "1"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Check(kRead, "2").value(), "ann");
}

TEST_F(GateTest, KeepsWhatItHadWhileTheFileHasAFault) {
  Open(Entry("ann", "reader", "1"));
  Write("[[principal]]\n");
  EXPECT_EQ(Check(kRead, "1").value(), "ann");
  std::filesystem::remove(path_);
  EXPECT_EQ(Check(kRead, "1").value(), "ann");
  Write(Entry("ann", "reader", "2"));
  EXPECT_EQ(Code(kRead, "1"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Check(kRead, "2").value(), "ann");
}

TEST_F(GateTest, DoesNotOpenWithAFault) {
  Write("[[principal]]\n");
  EXPECT_TRUE(absl::IsInvalidArgument(Gate::Open(path_).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Gate::Open(directory_->path()).status()));  // no file
  EXPECT_TRUE(absl::IsInvalidArgument(Gate::Open(path_ + ".none").status()));
}

TEST_F(GateTest, TakesATokenBackOnceTheFileCanBeReadAgain) {
  Open(Entry("ann", "reader", "1"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);  // cannot be read
  EXPECT_EQ(Check(kRead, "1").value(), "ann");
  std::filesystem::remove(path_);
  Write(Entry("bob", "reader", "2"));
  EXPECT_EQ(Code(kRead, "1"), absl::StatusCode::kUnauthenticated);
}

TEST_F(GateTest, GoesByTheTokenWhereThereIsOne) {
  Open("[[principal]]\nname = \"router\"\nroles = [\"reader\"]\ncertificate = \"r\"\n" +
       Entry("bob", "writer", "b"));
  EXPECT_EQ(gate_->Check(kRead, {.certificates = {"r"}}).value(), "router");
  EXPECT_EQ(gate_->Check(kRead, {.token = "b", .certificates = {"r"}}).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(gate_->Check(kRead, {.token = "x", .certificates = {"r"}}).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(gate_->KnowsCertificates());
}

}  // namespace
}  // namespace unirust::access
