// Every method of a part, over rows in memory. Home is trusted with rows; but what is not
// understood is refused with a reason, and what is refused changes nothing.
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "cluster/local_part.h"
#include "peer/part_service.h"
#include "rpc/server.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/targets.h"
#include "tests/sim/sim_store.h"

namespace unirust::fuzz {
namespace {

using grpc::StatusCode;

// What a call may change.
struct State {
  sim::Families now;  // by their rows' places in memory: a write copies
  sim::Families pending;
  cluster::EpochId last;
  bool operator==(const State&) const = default;
};

class World {
 public:
  void Run(const std::vector<Call>& calls) {
    for (const Call& call : calls) {
      const State before = Now();
      const Answer answer = caller_.Make(call);
      CheckStatus(call, answer.status);
      if (!answer.status.ok()) Require(Now() == before, "what is refused changes nothing");
    }
  }

 private:
  State Now() const { return {store_.Now(false), store_.Now(true), part_->last()}; }

  // A part's own: the rows of an epoch are malformed, it is not of this session, did not arrive, is
  // not kept.
  static void CheckStatus(const Call& call, const grpc::Status& status) {
    static const auto& refusals = *new std::set<StatusCode>{
        StatusCode::INVALID_ARGUMENT, StatusCode::FAILED_PRECONDITION, StatusCode::DATA_LOSS,
        StatusCode::ABORTED,          StatusCode::CANCELLED,           StatusCode::UNAVAILABLE,
        StatusCode::OUT_OF_RANGE};
    if (status.ok()) return;
    if (refusals.contains(status.error_code()) && !status.error_message().empty()) return;
    std::fprintf(stderr, "%s answers %d: %s\n", call.method->name().c_str(), status.error_code(),
                 status.error_message().c_str());
    Require(false, "a refusal is one that a part has");
  }

  sim::Disk disk_{"part"};
  sim::SimStore store_{disk_, std::make_shared<sim::Process>(), [] {}};
  const std::unique_ptr<cluster::LocalPart> part_ = cluster::LocalPart::Open(store_).value();
  peer::PartService service_{*part_};
  const std::unique_ptr<rpc::Server> server_ = rpc::Server::Start("", service_).value();
  Caller caller_{server_->InProcessChannel()};
};

}  // namespace

void Part(std::string_view input) {
  SetLogLevel(LogLevel::kError);
  const auto calls = ParseCalls(proto::PartService::service_full_name(), input);
  if (!calls.empty()) World().Run(calls);
}

}  // namespace unirust::fuzz
