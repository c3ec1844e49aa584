// `unirust`: the store's command line (docs/cli.md).
#include <variant>

#include "base/exit_codes.h"
#include "cli/commands.h"
#include "cli/failure.h"

namespace unirust::cli {
namespace {

// What a command attempts, for its error message.
struct Attempt {
  const char* operator()(const ServeFlags&) const { return "cannot serve"; }
  const char* operator()(const IngestFlags&) const { return "ingest"; }
  const char* operator()(const QueryFlags&) const { return "cannot query"; }
  const char* operator()(const EntityFlags&) const { return "cannot show the entity"; }
  const char* operator()(const ConflictsFlags&) const { return "cannot list conflicts"; }
  const char* operator()(const ScanFlags&) const { return "cannot list records"; }
  const char* operator()(const ExportFlags&) const { return "cannot export"; }
  const char* operator()(const StatsFlags&) const { return "cannot show statistics"; }
  const char* operator()(const DigestFlags&) const { return "cannot compute the digest"; }
  const char* operator()(const ClusterStatusFlags&) const { return "cannot show the cluster"; }
  const char* operator()(const ClusterPlanFlags&) const { return "cannot plan"; }
  const char* operator()(const ClusterApplyFlags&) const { return "cannot move slots"; }
  const char* operator()(const ClusterCancelFlags&) const { return "cannot cancel"; }
  const char* operator()(const OntologyShowFlags&) const { return "cannot show the ontology"; }
  const char* operator()(const OntologyApplyFlags&) const { return "cannot apply the ontology"; }
  const char* operator()(const OntologyCheckFlags&) const { return "the ontology is refused"; }
  const char* operator()(const CheckpointFlags&) const { return "cannot take a checkpoint"; }
  const char* operator()(const RetentionShowFlags&) const { return "cannot show retention"; }
  const char* operator()(const RetentionAdvanceFlags&) const { return "cannot advance retention"; }
  const char* operator()(const EraseFlags&) const { return "cannot erase"; }
  const char* operator()(const BackupFlags&) const { return "cannot make a backup"; }
  const char* operator()(const BackupsFlags&) const { return "cannot list backups"; }
  const char* operator()(const TokenFlags&) const { return "cannot make a token"; }
  const char* operator()(const AuditVerifyFlags&) const { return "verify"; }
  const char* operator()(const RestoreFlags&) const { return "cannot restore"; }
  const char* operator()(const RepairFlags&) const { return "repair"; }
  const char* operator()(const VerifyFlags&) const { return "verify"; }
  const char* operator()(const GenerateFlags&) const { return "cannot generate records"; }
  const char* operator()(const BenchFlags&) const { return "cannot measure"; }
};

int Main(int argc, const char* const* argv) {
  const std::variant<Command, int> parsed = ParseCommandLine(argc, argv);
  if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  const Command& command = std::get<Command>(parsed);
  const absl::Status status = std::visit([](const auto& flags) { return Run(flags); }, command);
  return status.ok() ? kExitOk : Fail(std::visit(Attempt{}, command), status);
}

}  // namespace
}  // namespace unirust::cli

int main(int argc, char** argv) { return unirust::cli::Main(argc, argv); }
