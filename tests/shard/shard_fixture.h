// A shard in this process: engine on a temporary directory, service, server and a stub that reaches
// it without a network. Also what tests of the router stand on.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/time.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/server.h"
#include "shard/open.h"
#include "shard/service.h"

namespace unirust::shard {

// Two records of one e-mail address are one entity; a tax number tells persons apart.
inline constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_email", "attributes": ["email"]}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
  "constraints": [{"name": "one_phone", "attribute": "phone"}]})";

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A person of `perspective`, all of whose descriptors hold always.
inline proto::RecordInput Person(const std::string& perspective, const std::string& uid,
                                 const Pairs& pairs) {
  proto::RecordInput input;
  input.mutable_identity()->set_entity_type("person");
  input.mutable_identity()->set_perspective(perspective);
  input.mutable_identity()->set_uid(uid);
  for (const auto& [attribute, value] : pairs) {
    proto::RecordDescriptor* descriptor = input.add_descriptors();
    descriptor->set_attr(attribute);
    descriptor->set_value(value);
    descriptor->set_start(kMinTime);
    descriptor->set_end(kMaxTime);
  }
  return input;
}

// A message with `records`, numbered from 0.
template <typename Message = proto::IngestRecordsRequest>
Message Records(std::vector<proto::RecordInput> records) {
  Message message;
  for (proto::RecordInput& record : records) {
    record.set_index(static_cast<uint32_t>(message.records_size()));
    *message.add_records() = std::move(record);
  }
  return message;
}

// All messages of a streamed answer; its status must be OK.
template <typename Chunk>
std::vector<Chunk> ReadAll(std::unique_ptr<grpc::ClientReader<Chunk>> reader) {
  std::vector<Chunk> chunks;
  for (Chunk chunk; reader->Read(&chunk);) chunks.push_back(chunk);
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return chunks;
}

class ShardFixture : public ::testing::Test {
 protected:
  ShardFixture() {
    auto directory = TemporaryDirectory::Create();
    EXPECT_TRUE(directory.ok());
    directory_ = *std::move(directory);
    import_dir_ = directory_->path() + "/import";
    std::filesystem::create_directory(import_dir_);
    Start([](EngineOptions&) {});
  }

  // Opens the engine anew, on the same data, with options changed by `change`.
  template <typename Change>
  void Start(const Change& change) {
    stub_.reset();
    server_.reset();
    service_.reset();
    tenants_.reset();
    engine_.reset();
    EngineOptions options;
    options.data_dir = directory_->path() + "/data";
    options.shard_id = kShardId;
    options.memory_budget_bytes = 64U << 20U;
    change(options);
    auto engine = Engine::Open(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    tenants_ = std::make_unique<Tenants>(*engine_, import_dir_);
    service_ = std::make_unique<ShardService>(*tenants_);
    auto server = rpc::Server::Start("", *service_, &service_->requests());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = proto::ShardService::NewStub(server_->InProcessChannel());
  }

  void SetOntology(const std::string& json) {
    grpc::ClientContext context;
    proto::ApplyOntologyRequest request;
    request.set_json(json);
    proto::ApplyOntologyResponse response;
    const grpc::Status status = stub_->SetOntology(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  proto::IngestRecordsResponse Ingest(std::vector<proto::RecordInput> records) {
    grpc::ClientContext context;
    proto::IngestRecordsResponse response;
    const grpc::Status status =
        stub_->IngestRecords(&context, Records(std::move(records)), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  uint64_t StoredRecords() {
    grpc::ClientContext context;
    proto::StatsResponse response;
    EXPECT_TRUE(stub_->GetStats(&context, {}, &response).ok());
    return response.record_count();
  }

  void WriteImportFile(const std::string& name, const std::string& text) {
    std::ofstream(import_dir_ + "/" + name) << text;
  }

  static constexpr uint32_t kShardId = 3;

  std::unique_ptr<TemporaryDirectory> directory_;
  std::string import_dir_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Tenants> tenants_;
  std::unique_ptr<ShardService> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<proto::ShardService::Stub> stub_;
};

}  // namespace unirust::shard
