#include "shard/repair.h"

#include <string_view>

#include "base/status_macros.h"
#include "store/repair.h"

namespace unirust::shard {
namespace {

struct NoReport : VerifyReport {
  void Fault(std::string_view /*what*/) override {}
  void Progress(std::string_view /*check*/, uint64_t /*rows*/) override {}
};

}  // namespace

absl::StatusOr<std::optional<Loss>> Repair(
    const EngineOptions& options, const std::string& into,
    absl::FunctionRef<absl::Status(const Loss& loss)> accept) {
  UNIRUST_ASSIGN_OR_RETURN(
      const auto repair,
      store::Repair::Begin(
          {.dir = options.data_dir,
           .shard_id = options.shard_id,
           .memory_budget_bytes = MemoryShares::Of(options.memory_budget_bytes).store_bytes}));
  if (repair == nullptr) return std::optional<Loss>();
  if (into.empty()) return repair->loss();
  UNIRUST_RETURN_IF_ERROR(accept(repair->loss()));
  UNIRUST_RETURN_IF_ERROR(repair->Into(into, [&](const std::string& dir) {
    EngineOptions rebuilt = options;
    rebuilt.data_dir = dir;
    NoReport report;
    return Engine::Rebuild(rebuilt, report).status();
  }));
  return repair->loss();
}

std::vector<std::string> Losses(const std::string& data_dir) { return store::Losses(data_dir); }

}  // namespace unirust::shard
