// Every method of a shard, and of a router before it, over a store whose rows are in memory. Whatever is asked:
//
// - the answer is one of those that the contract has, and a refusal says why;
// - a method that reads, and one that refuses, change nothing;
// - in the end a full verification, after one input of sixteen, finds nothing.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "access/audit_log.h"
#include "access/roles.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/sleep.h"
#include "cluster/cluster_store.h"
#include "cluster/placement.h"
#include "ontology/ontology.h"
#include "router/service.h"
#include "rpc/requests.h"
#include "rpc/running_calls.h"
#include "rpc/server.h"
#include "shard/engine.h"
#include "shard/service.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"
#include "tests/shard/findings.h"
#include "tests/sim/sim_store.h"

namespace unirust::fuzz {
namespace {

using grpc::StatusCode;
using shard::Engine;

constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_email", "attributes": ["email"]},
                    {"name": "by_name", "attributes": ["name", "born"], "max_group": 3, "hold": true}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}, "code"],
  "constraints": [{"name": "one_phone", "attribute": "phone"}],
  "attributes": {"tag": {"multi_valued": true}, "email": {"ignored_values": ["none"]}},
  "perspective_weights": {"crm": 2}, "golden": {"default": ["priority", "latest", "smallest"]},
  "retention": [{"ended_before": 100}]})";

Write Person(const char* perspective, const char* uid, std::vector<Descriptor> descriptors) {
  return {.identity = {"person", perspective, uid},
          .version = std::nullopt,
          .retract = false,
          .descriptors = std::move(descriptors)};
}

// Entities of one record and of several, conflicts of each kind, something to expire.
std::vector<Write> Records() {
  const Interval then{0, 50};
  const Interval later{40, 200};
  return {Person("crm", "1", {{"email", "a", {}}, {"tax", "1", {}}, {"phone", "7", then}}),
          Person("erp", "1", {{"email", "a", later}, {"phone", "7", later}, {"tag", "x", then}}),
          Person("web", "1", {{"email", "a", {}}, {"tax", "2", later}, {"name", "N", {}}}),
          Person("web", "2", {{"name", "N", then}, {"born", "1", {}}, {"code", "c", {}}}),
          Person("crm", "2", {{"name", "N", {}}, {"born", "1", then}, {"phone", "7", {}}})};
}

// What a client can see of the store's state.
struct State {
  StoreDigest digest;
  uint64_t conflicts = 0;
  uint64_t edges = 0;
  std::string ontology;
  std::optional<Instant> declared;
  uint64_t slot_version = 0;
  bool operator==(const State&) const = default;
};

class World {
 public:
  // `service` is whose methods are called, by its full name.
  explicit World(const std::string& service) {
    SetLogLevel(LogLevel::kError);
    const std::string import_dir = Directory() + "/import";
    std::filesystem::create_directory(import_dir);
    WriteFile(import_dir + "/good.jsonl",
              R"({"entity_type": "person", "perspective": "file", "uid": "1", "descriptors": []})");
    WriteFile(import_dir + "/bad.jsonl", "{}");
    const std::string audit_dir = Directory() + "/audit";
    std::filesystem::remove_all(audit_dir);
    audit_ = access::AuditLog::Open(audit_dir).value();
    auto rows = std::make_unique<sim::SimStore>(disk_, std::make_shared<sim::Process>(), [] {});
    auto store = cluster::ClusterStore::Open(std::move(rows), {}, cluster::SlotMap::Even(1));
    shard::EngineOptions options;
    options.data_dir = "in memory";
    options.memory_budget_bytes = 64U << 20U;
    options.backup_dir = Directory() + "/backups";
    options.allow_reset = true;
    engine_ = Engine::OpenOn(std::move(store).value(), options).value();
    tenants_ = std::make_unique<shard::Tenants>(*engine_, import_dir);
    service_ = std::make_unique<shard::ShardService>(*tenants_, audit_.get());
    server_ = rpc::Server::Start("", *service_, &service_->requests()).value();
    std::shared_ptr<grpc::Channel> channel = server_->InProcessChannel();
    if (service == proto::RouterService::service_full_name()) {
      router_service_ = std::make_unique<router::RouterService>(channel, "in this process",
                                                                std::chrono::seconds(60));
      router_ = rpc::Server::Start("", *router_service_, &router_service_->requests()).value();
      channel = router_->InProcessChannel();
    }
    caller_ = std::make_unique<Caller>(channel);
    Begin();
  }

  void Run(const std::vector<Call>& calls, bool verify) {
    bool changed = false;
    for (const Call& call : calls) {
      const State before = state_;
      const Answer answer = caller_->Make(call);
      AwaitEnd();
      CheckStatus(call, answer.status);
      state_ = Now();
      changed = changed || state_ != before;
      const bool in_chunks = call.messages.size() > 1;  // some of them may have been taken
      const bool reads = access::RequiredRole(PathOf(*call.method)) == access::Role::kReader;
      Require(state_ == before || (answer.status.ok() && !reads) || in_chunks,
              "who reads, or is refused, changes nothing");
    }
    if (changed && verify) Verify();
    if (changed) Begin();
  }

 private:
  void Begin() {
    Require(engine_->Reset().ok(), "a store can be reset");
    Require(engine_->SetOntology(ontology::ParseOntology(kOntology).value()).ok(),
            "an empty store takes an ontology");
    Require(engine_->Ingest(Records()).ok(), "a store takes records");
    state_ = Now();
    if (begin_.ontology.empty()) begin_ = state_;
    begin_.slot_version = state_.slot_version;
    Require(state_ == begin_, "a store that was reset is as new");
  }

  // A router that refuses a stream has the shard's call cancelled, which may be at work still.
  void AwaitEnd() const {
    const rpc::RunningCalls& running = service_->requests().running();
    for (const auto kind :
         {rpc::CallKind::kUnary, rpc::CallKind::kAnswers, rpc::CallKind::kRequests}) {
      while (running.Of(kind).running > 0) SleepMicros(20);
    }
  }

  void Verify() {
    shard::Findings findings;
    const absl::Status status = engine_->Verify(Engine::VerifyDepth::kFull, findings);
    for (const std::string& fault : findings.faults) std::fprintf(stderr, "%s\n", fault.c_str());
    Require(status.ok() && findings.faults.empty(), "a verification finds nothing");
  }

  State Now() const {
    const shard::View view = engine_->Read();
    const StoreStats stats = view.GetStats().value();
    return {.digest = view.GetDigest([](uint64_t) { return true; }).value(),
            .conflicts = stats.conflicts,
            .edges = stats.graph_edges,
            .ontology = ontology::ToJson(engine_->GetOntology()),
            .declared = view.GetRetention()->declared,
            .slot_version = engine_->GetSlots().placement->version};
  }

  static void CheckStatus(const Call& call, const grpc::Status& status) {
    static const auto& refusals = *new std::set<StatusCode>{
        StatusCode::INVALID_ARGUMENT,    StatusCode::NOT_FOUND,     StatusCode::ALREADY_EXISTS,
        StatusCode::FAILED_PRECONDITION, StatusCode::UNIMPLEMENTED, StatusCode::RESOURCE_EXHAUSTED};
    if (status.ok()) return;
    if (refusals.contains(status.error_code()) && !status.error_message().empty()) return;
    std::fprintf(stderr, "%s answers %d: %s\n", call.method->name().c_str(), status.error_code(),
                 status.error_message().c_str());
    Require(false, "a refusal is one that the contract has");
  }

  sim::Disk disk_{"store"};
  std::unique_ptr<access::AuditLog> audit_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<shard::Tenants> tenants_;
  std::unique_ptr<shard::ShardService> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<router::RouterService> router_service_;
  std::unique_ptr<rpc::Server> router_;
  std::unique_ptr<Caller> caller_;
  State begin_;
  State state_;
};

// A world for some inputs. Only symbols outlive an input, and no answer depends on these.
class Worlds {
 public:
  explicit Worlds(const std::string& service) : service_(service) {}

  void Run(std::string_view input) {
    constexpr int kInputsMax = 500;
    const auto calls = ParseCalls(service_, input);
    if (calls.empty()) return;
    if (inputs_++ % kInputsMax == 0) {
      world_.reset();
      world_ = std::make_unique<World>(service_);
    }
    world_->Run(calls, Hash64(input) % 16 == 0);
  }

 private:
  const std::string service_;
  int inputs_ = 0;
  std::unique_ptr<World> world_;
};

}  // namespace

void Shard(std::string_view input) {
  static Worlds& worlds = *new Worlds(proto::ShardService::service_full_name());
  worlds.Run(input);
}

void Router(std::string_view input) {
  static Worlds& worlds = *new Worlds(proto::RouterService::service_full_name());
  worlds.Run(input);
}

}  // namespace unirust::fuzz
