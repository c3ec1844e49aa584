#include "rpc/admission.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "access/gate.h"
#include "access/token.h"
#include "base/files.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"
#include "rpc/server.h"

namespace unirust::rpc {
namespace {

using ::testing::HasSubstr;

// Answers with the names of the caller and the tenant.
class Greeter final : public proto::ShardService::Service {
 public:
  grpc::Status GetConfigVersion(grpc::ServerContext* context, const proto::ConfigVersionRequest*,
                                proto::ConfigVersionResponse* response) override {
    if (const auto refused = Refused(*context)) return *refused;
    const std::string tenant = TenantName(*context);
    response->set_version(CallerName(*context) + (tenant.empty() ? "" : " of " + tenant));
    return grpc::Status::OK;
  }
};

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    const std::string path = directory_->path() + "/access.toml";
    std::ofstream(path) << "[[principal]]\nname = \"ann\"\nroles = [\"reader\"]\ntoken-sha256 = \""
                        << access::ToHex(access::HashToken("secret")) << "\"\n"
                        << "[[principal]]\nname = \"bob\"\nroles = [\"writer\"]\ntoken-sha256 = \""
                        << access::ToHex(access::HashToken("other")) << "\"\n"
                        << "[[principal]]\nname = \"zoe\"\nroles = [\"reader\"]\ntenants = [\"acme\"]\n"
                        << "token-sha256 = \"" << access::ToHex(access::HashToken("third"))
                        << "\"\n";
    gate_ = access::Gate::Open(path).value();
    server_ = Server::Start("127.0.0.1:0", service_, nullptr, {.gate = gate_.get()}).value();
  }

  // The greeting, or what was refused.
  static std::string Call(const std::shared_ptr<grpc::Channel>& channel,
                          const std::string& key = "", const std::string& value = "") {
    grpc::ClientContext context;
    if (!key.empty()) context.AddMetadata(key, value);
    proto::ConfigVersionResponse response;
    const grpc::Status status = proto::ShardService::NewStub(channel)->GetConfigVersion(
        &context, proto::ConfigVersionRequest(), &response);
    if (status.ok()) return "hello " + response.version();
    return std::to_string(status.error_code()) + " " + status.error_message();
  }

  std::unique_ptr<TemporaryDirectory> directory_ = TemporaryDirectory::Create().value();
  Greeter service_;
  std::unique_ptr<access::Gate> gate_;
  std::unique_ptr<Server> server_;
};

TEST_F(AdmissionTest, TheTokenOfTheChannelTellsWhoCalls) {
  EXPECT_EQ(Call(Connect(server_->address(), {.token = "secret"})), "hello ann");
  EXPECT_THAT(Call(Connect(server_->address(), {.token = "other"})),
              HasSubstr("7 'bob' has not the role reader"));
  EXPECT_THAT(Call(Connect(server_->address(), {.token = "none"})), HasSubstr("16 the token"));
  EXPECT_THAT(Call(Connect(server_->address())), HasSubstr("16 a token is needed"));
  EXPECT_THAT(Call(server_->InProcessChannel()), HasSubstr("16 a token is needed"));
}

TEST_F(AdmissionTest, TheGateIsAskedAboutTheTenantThatTheHandlerSees) {
  EXPECT_EQ(Call(Connect(server_->address(), {.token = "third", .tenant = "acme"})),
            "hello zoe of acme");
  EXPECT_THAT(Call(Connect(server_->address(), {.token = "third"})), HasSubstr("7 'zoe' has no access"));
  EXPECT_THAT(Call(Connect(server_->address(), {.token = "third", .tenant = "globex"})),
              HasSubstr("7 'zoe' has no access"));
  EXPECT_THAT(Call(Connect(server_->address(), {.token = "secret", .tenant = "acme"})),
              HasSubstr("7 'ann' has no access"));
  // Two of them, in either order.
  for (const auto& [one, other] : {std::pair("acme", "globex"), std::pair("globex", "acme")}) {
    EXPECT_THAT(Call(Connect(server_->address(), {.token = "third", .tenant = one}), kTenantKey, other),
                HasSubstr("3 unirust-tenant: a call is for one tenant"));
  }
}

TEST_F(AdmissionTest, WhatAClientSaysUnderOurKeysCountsForNothing) {
  const auto channel = Connect(server_->address());
  EXPECT_THAT(Call(channel, "x-unirust-caller", "ann"), HasSubstr("16 "));
  EXPECT_THAT(Call(channel, "x-unirust-refusal", "0 "), HasSubstr("16 "));
  EXPECT_THAT(Call(channel, "authorization", "secret"), HasSubstr("16 "));  // no scheme
  EXPECT_EQ(Call(channel, "authorization", "Bearer secret"), "hello ann");
}

TEST_F(AdmissionTest, WithoutAGateEveryoneMayDoEverything) {
  const auto open = Server::Start("127.0.0.1:0", service_).value();
  EXPECT_EQ(Call(Connect(open->address())), "hello ");
  EXPECT_EQ(Call(Connect(open->address(), {.token = "none"})), "hello ");
  EXPECT_EQ(Call(Connect(open->address()), "x-unirust-caller", "ann"), "hello ");
  EXPECT_EQ(Call(Connect(open->address()), "x-unirust-refusal", "7 no"), "hello ");
  EXPECT_EQ(Call(Connect(open->address()), kTenantKey, "acme"), "hello  of acme");
  EXPECT_THAT(Call(Connect(open->address(), {.tenant = "acme"}), kTenantKey, "acme"),
              HasSubstr("3 unirust-tenant"));
}

TEST(IsLocal, IsLoopbackAndNothingThatLooksLikeIt) {
  for (const char* local : {"127.0.0.1:1", "127.9.8.7:1", "localhost:1", "[::1]:1", "unix:/s"}) {
    EXPECT_TRUE(IsLocal(local)) << local;
  }
  for (const char* other : {"127.example.com:1", "127.0.0.1.example.com:1", "10.0.0.1:1",
                            "0.0.0.0:1", "[::]:1", "localhost.example.com:1", "128.0.0.1:1", ":1", ""}) {
    EXPECT_FALSE(IsLocal(other)) << other;
  }
}

TEST(Refused, IsACallThatNobodyWasAskedAbout) {
  const grpc::ServerContext context;
  EXPECT_EQ(Refused(context).value().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(CallerName(context), "");
}

}  // namespace
}  // namespace unirust::rpc
