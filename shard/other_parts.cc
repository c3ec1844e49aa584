#include "shard/other_parts.h"

#include <chrono>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"
#include "shard/engine.h"

namespace unirust::shard {
namespace {

constexpr uint64_t kFollowMicros = 1'000'000;

absl::Status NoAddress(const std::string& text) {
  return absl::InvalidArgumentError("'" + text + "' is no address of a part: HOST:PORT");
}

}  // namespace

absl::StatusOr<std::unique_ptr<OtherParts>> OtherParts::Open(
    const config::ShardSettings& settings) {
  if (settings.parts.empty() && settings.parts_file.empty()) return nullptr;
  UNIRUST_ASSIGN_OR_RETURN(auto file, config::OpenPartsFile(settings));
  std::unique_ptr<OtherParts> out(new OtherParts(settings, std::move(file)));
  for (const std::string& address : out->Addresses()) {
    if (!rpc::IsAddress(address)) return NoAddress(address);
    UNIRUST_RETURN_IF_ERROR(rpc::MakeChannelCredentials(settings.tls, address).status());
  }
  return out;
}

std::vector<std::string> OtherParts::Addresses() const {
  return file_ != nullptr ? *file_->Current() : addresses_;
}

absl::StatusOr<std::unique_ptr<peer::RemotePart>> OtherParts::Connect(const std::string& address,
                                                                      const std::string& tenant,
                                                                      uint64_t wait_ms) const {
  if (!rpc::IsAddress(address)) return NoAddress(address);
  UNIRUST_ASSIGN_OR_RETURN(auto credentials, rpc::MakeChannelCredentials(tls_, address));
  const auto channel =
      rpc::ConnectPart(address, {.credentials = std::move(credentials), .tenant = tenant});
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(wait_ms);
  if (wait_ms > 0 && !channel->WaitForConnected(deadline)) {
    return absl::UnavailableError("nothing answers at " + address);
  }
  return std::make_unique<peer::RemotePart>(channel, address);
}

PartFollower::PartFollower(const OtherParts& others, std::string tenant, Engine& engine,
                           RemoteParts& parts)
    : others_(others),
      tenant_(std::move(tenant)),
      engine_(engine),
      parts_(parts),
      following_("follow_parts", kFollowMicros, [this](const Periodic::Stopping&) {
        Follow();
        return kFollowMicros;
      }) {}

// Others than those that have joined wait for the next start.
void PartFollower::Follow() {
  const std::vector<std::string> declared = others_.Addresses();
  const size_t joined = parts_.size();
  std::string fault;
  for (size_t i = 0; i < joined; ++i) {
    if (i < declared.size() && declared[i] == parts_[i]->address()) continue;
    fault = "file of parts: part " + std::to_string(i + 1) +
            " is another one now, or gone; that waits for the next start";
    break;
  }
  for (size_t i = joined; i < declared.size() && fault.empty(); ++i) {
    const absl::Status status = AddNext(declared[i]);
    if (!status.ok()) fault = "a part cannot join yet: " + std::string(status.message());
  }
  if (!fault.empty() && fault != told_) {
    Log(LogLevel::kWarning, fault, {{"tenant", tenant_}});
  }
  told_ = fault;
}

absl::Status PartFollower::AddNext(const std::string& address) {
  UNIRUST_ASSIGN_OR_RETURN(auto part,
                           others_.Connect(address, tenant_, limits::kPartStatusDeadlineMs));
  UNIRUST_RETURN_IF_ERROR(engine_.AddPart(*part));
  parts_.push_back(std::move(part));
  Log(LogLevel::kInfo, "part " + std::to_string(parts_.size()) + " of the store has joined",
      {{"address", address}, {"tenant", tenant_}});
  return absl::OkStatus();
}

}  // namespace unirust::shard
