#include "cli/client.h"

#include <chrono>
#include <utility>

#include "base/exit_codes.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cli/failure.h"
#include "config/programs.h"
#include "rpc/channel.h"
#include "rpc/request_id.h"
#include "shard/engine.h"

namespace unirust::cli {
namespace {

constexpr std::chrono::seconds kStartingMax{2};

// Where to read more about a call that the daemon failed.
std::string LogHint(const grpc::ClientContext& call) {
  const auto& metadata = call.GetServerTrailingMetadata();
  const auto id = metadata.find(rpc::kRequestIdKey);
  if (id == metadata.end()) return "The daemon's log says more.";
  return "The daemon's log says more: request_id=" +
         std::string(id->second.data(), id->second.size());
}

}  // namespace

absl::Status NoStore(const std::string& data_dir) {
  return WithHint(
      WithExitCode(absl::NotFoundError("there is no store in " + data_dir), kExitDataDir),
      "Check --data-dir; `unirust ingest --data-dir DIR` makes a new one.");
}

absl::StatusOr<std::unique_ptr<Client>> Client::Open(const StoreFlags& flags, IfAbsent if_absent) {
  std::unique_ptr<Client> client(new Client);
  if (flags.data_dir.empty()) {
    client->router_ = flags.router;
    if (!rpc::IsAddress(flags.router)) {
      return WithExitCode(absl::InvalidArgumentError("--router: '" + flags.router +
                                                     "' is not host:port"),
                          kExitUsage);
    }
    const auto channel = rpc::Connect(flags.router);
    // A daemon that is just starting is waited for; any other trouble shows in the first call.
    channel->WaitForConnected(std::chrono::system_clock::now() + kStartingMax);
    client->stub_ = proto::RouterService::NewStub(channel);
    return client;
  }
  if (if_absent == IfAbsent::kRefuse && !shard::Engine::Exists(flags.data_dir)) {
    return NoStore(flags.data_dir);
  }
  SetLogLevel(LogLevel::kWarning);  // what a daemon tells is not what a command was asked for
  config::StoreSettings settings;
  settings.data_dir = flags.data_dir;
  settings.memory_budget = flags.memory_budget;
  settings.backup_dir = flags.backup_dir;
  settings.backup_keep = flags.backup_keep;
  settings.read_only = flags.read_only;
  UNIRUST_RETURN_IF_ERROR(WithExitCode(config::CheckStore(settings), kExitUsage));
  UNIRUST_ASSIGN_OR_RETURN(client->local_, LocalStore::Open(settings, /*listen=*/""));
  client->stub_ = proto::RouterService::NewStub(client->local_->server().InProcessChannel());
  return client;
}

absl::Status Client::Explain(const grpc::Status& status, const grpc::ClientContext& call) const {
  const absl::Status ours = proto::FromGrpc(status);
  if (router_.empty()) return ours;
  if (absl::IsInternal(ours) || absl::IsDataLoss(ours) || absl::IsUnknown(ours)) {
    return WithHint(ours, LogHint(call));
  }
  if (!absl::IsUnavailable(ours)) return ours;
  return WithHint(absl::UnavailableError("router " + router_ + ": " + std::string(ours.message())),
                  "Is it running? Start one with `unirust serve --data-dir DIR`, name another with "
                  "--router ADDR,\n  or work on a directory without a daemon: --data-dir DIR.");
}

}  // namespace unirust::cli
