// `unirust backup`, `unirust backups` and `unirust restore`.
#include <algorithm>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/json_line.h"
#include "cli/local_store.h"
#include "cli/output.h"
#include "cli/table.h"
#include "shard/backups.h"
#include "shard/open.h"
#include "shard/tenants.h"

namespace unirust::cli {
namespace {

std::string ToJson(const BackupInfo& backup) {
  JsonLine line;
  line.Text("type", "backup").Number("id", backup.id).Flag("damaged", backup.damaged);
  if (!backup.damaged) {
    line.Text("created", UtcTime(backup.created_seconds))
        .Number("shard", backup.shard_id)
        .Number("commits", backup.commits)
        .Number("files", backup.files)
        .Number("bytes", backup.bytes);
  }
  if (!backup.parts.empty()) {
    line.Array("parts", backup.parts, [](std::string* json, const PartBackup& part) {
      *json += JsonLine().Number("part", part.part).Number("backup", part.id).Take();
    });
  }
  return line.Take() + "\n";
}

// "1:17 2:16": part 1 has backup 17 to it.
std::string PartsText(const std::vector<PartBackup>& parts) {
  std::vector<std::string> out;
  for (const PartBackup& part : parts) {
    out.push_back(std::to_string(part.part) + ":" + std::to_string(part.id));
  }
  return Join(out, " ");
}

absl::Status Print(const std::vector<BackupInfo>& backups, bool json) {
  UNIRUST_ASSIGN_OR_RETURN(const auto out, Output::Open(""));
  const bool divided =
      std::any_of(backups.begin(), backups.end(), [](const auto& b) { return !b.parts.empty(); });
  std::vector<std::string> heading = {"backup", "created", "shard", "commits", "files", "bytes"};
  if (divided) heading.emplace_back("parts");
  Table table(heading, out.get());
  for (const BackupInfo& backup : backups) {
    const std::string id = std::to_string(backup.id);
    if (json) {
      out->Write(ToJson(backup));
    } else if (backup.damaged) {
      std::vector<std::string> row(heading.size());
      row[0] = id;
      row[1] = "damaged";
      table.Row(row);
    } else {
      std::vector<std::string> row = {id,
                                      UtcTime(backup.created_seconds),
                                      std::to_string(backup.shard_id),
                                      WithSeparators(backup.commits),
                                      WithSeparators(backup.files),
                                      WithSeparators(backup.bytes)};
      if (divided) row.push_back(PartsText(backup.parts));
      table.Row(row);
    }
  }
  table.Finish();
  return out->Close();
}

}  // namespace

absl::Status Run(const BackupFlags& flags) {
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store));
  proto::BackupResponse response;
  const absl::Status status = client->Call(&Router::Backup, proto::BackupRequest(), &response);
  const bool placed = flags.store.data_dir.empty() || !flags.store.backup_dir.empty();
  UNIRUST_RETURN_IF_ERROR(placed ? status : WithHint(status, "Give --backup-dir DIR here."));
  std::vector<BackupInfo> backups;
  for (const proto::BackupInfo& info : response.backups()) {
    backups.push_back({.id = info.backup_id(),
                       .created_seconds = info.created_seconds(),
                       .bytes = info.bytes(),
                       .files = info.files(),
                       .shard_id = info.shard_id(),
                       .commits = info.commits()});
    for (const proto::PartBackup& part : info.parts()) {
      backups.back().parts.push_back({.part = part.part(), .id = part.backup_id()});
    }
  }
  return Print(backups, flags.json);
}

absl::Status Run(const BackupsFlags& flags) {
  const absl::StatusOr<std::vector<BackupInfo>> backups =
      shard::ListBackups(shard::TenantDirectory(flags.dir, flags.tenant));
  UNIRUST_RETURN_IF_ERROR(WithExitCodeOfStore(backups.status()));
  return Print(*backups, flags.json);
}

absl::Status Run(const RestoreFlags& flags) {
  SetLogLevel(LogLevel::kWarning);
  if (!flags.tenant.empty()) {
    UNIRUST_RETURN_IF_ERROR(WithExitCodeOfStore(shard::MakeTenantsDirectory(flags.data_dir)));
  }
  const absl::StatusOr<BackupInfo> restored =
      shard::RestoreBackup(shard::TenantDirectory(flags.from, flags.tenant), flags.backup,
                           shard::TenantDirectory(flags.data_dir, flags.tenant));
  UNIRUST_RETURN_IF_ERROR(WithExitCodeOfStore(restored.status()));
  return Print({*restored}, flags.json);
}

}  // namespace unirust::cli
