// The commands of `unirust`. Each talks the published RouterService and nothing else (but `backups`,
// `restore`, `repair` and `bench`), prints its result to standard output, and
// returns what went wrong (failure.h).
#pragma once

#include "absl/status/status.h"
#include "cli/flags.h"

namespace unirust::cli {

absl::Status Run(const ServeFlags& flags);
absl::Status Run(const IngestFlags& flags);
absl::Status Run(const QueryFlags& flags);
absl::Status Run(const EntityFlags& flags);
absl::Status Run(const ConflictsFlags& flags);
absl::Status Run(const ScanFlags& flags);
absl::Status Run(const ExportFlags& flags);
absl::Status Run(const StatsFlags& flags);
absl::Status Run(const DigestFlags& flags);
absl::Status Run(const ClusterStatusFlags& flags);
absl::Status Run(const ClusterPlanFlags& flags);
absl::Status Run(const ClusterApplyFlags& flags);
absl::Status Run(const ClusterCancelFlags& flags);
absl::Status Run(const OntologyShowFlags& flags);
absl::Status Run(const OntologyApplyFlags& flags);
absl::Status Run(const OntologyCheckFlags& flags);
absl::Status Run(const CheckpointFlags& flags);
absl::Status Run(const RetentionShowFlags& flags);
absl::Status Run(const RetentionAdvanceFlags& flags);
absl::Status Run(const EraseFlags& flags);
absl::Status Run(const BackupFlags& flags);
absl::Status Run(const BackupsFlags& flags);
absl::Status Run(const TokenFlags& flags);
absl::Status Run(const AuditVerifyFlags& flags);
absl::Status Run(const RestoreFlags& flags);
absl::Status Run(const RepairFlags& flags);
absl::Status Run(const VerifyFlags& flags);
absl::Status Run(const GenerateFlags& flags);
absl::Status Run(const BenchFlags& flags);

}  // namespace unirust::cli
