#include "access/roles.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "proto/parts.pb.h"
#include "proto/unirust.pb.h"

namespace unirust::access {
namespace {

std::set<std::string> MethodsOf(const char* service_name) {
  const google::protobuf::ServiceDescriptor* const service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service_name);
  std::set<std::string> methods;
  for (int i = 0; i < service->method_count(); ++i) {
    methods.insert("/" + std::string(service_name) + "/" + service->method(i)->name());
  }
  return methods;
}

TEST(Roles, EveryMethodHasARow) {
  // So that the descriptors are linked.
  google::protobuf::LinkMessageReflection<proto::StatsRequest>();
  google::protobuf::LinkMessageReflection<proto::GetPartRequest>();
  std::set<std::string> methods = MethodsOf("unirust.ShardService");
  methods.merge(MethodsOf("unirust.PartService"));
  std::set<std::string> rows;
  for (const Rpc& rpc : Rpcs()) {
    EXPECT_TRUE(rows.insert(std::string(rpc.path)).second) << rpc.path << " has two rows";
  }
  EXPECT_EQ(rows, methods);
}

TEST(Roles, WhatHasNoRowIsForNobody) {
  EXPECT_EQ(RequiredRole("/unirust.ShardService/GetStats"), Role::kReader);
  EXPECT_EQ(RequiredRole("/unirust.ShardService/GetStat"), std::nullopt);
  EXPECT_EQ(RequiredRole("/unirust.ShardService/GetStatss"), std::nullopt);
  EXPECT_EQ(RequiredRole(""), std::nullopt);
  EXPECT_EQ(RequiredRole("/zzz"), std::nullopt);
}

TEST(Roles, NamesAreReadBack) {
  for (const Role role :
       {Role::kReader, Role::kWriter, Role::kSteward, Role::kAdmin, Role::kPeer}) {
    EXPECT_EQ(ParseRole(RoleName(role)), role);
  }
  EXPECT_EQ(ParseRole("anyone"), std::nullopt);  // nobody is given what everyone has
  EXPECT_EQ(ParseRole(""), std::nullopt);
}

TEST(RoleSet, HasWhatWasAddedAndWhatAnyoneHas) {
  RoleSet roles;
  EXPECT_TRUE(roles.Has(Role::kAnyone));
  roles.Add(Role::kWriter);
  EXPECT_TRUE(roles.Has(Role::kWriter));
  EXPECT_FALSE(roles.Has(Role::kReader));
}

// The rows "| role | `Method`, ... |" of docs/security.md.
TEST(Roles, AreThoseOfTheDocument) {
  std::ifstream file(UNIRUST_SOURCE_DIR "/docs/security.md");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::map<std::string, std::set<std::string>> documented;
  const std::regex row("\\| (anyone|reader|writer|steward|admin) \\| ([^|]*) \\|");
  const std::regex method("`([A-Z][A-Za-z]*)`");
  for (std::sregex_iterator r(text.begin(), text.end(), row), end; r != end; ++r) {
    const std::string cell = (*r)[2];
    for (std::sregex_iterator m(cell.begin(), cell.end(), method); m != end; ++m) {
      documented[(*r)[1]].insert("/unirust.ShardService/" + std::string((*m)[1]));
    }
  }
  std::map<std::string, std::set<std::string>> rows;
  for (const Rpc& rpc : Rpcs()) {
    if (rpc.role != Role::kPeer) rows[std::string(RoleName(rpc.role))].emplace(rpc.path);
  }
  EXPECT_EQ(rows, documented);
}

}  // namespace
}  // namespace unirust::access
