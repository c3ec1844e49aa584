// `unirust ingest`: reads and decodes files (ingest/chunk_source.h), sends them (ingest/sender.h),
// remembers what was acknowledged (ingest/resume_file.h) and says how it went.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/failure.h"
#include "cli/ingest/chunk_source.h"
#include "cli/ingest/resume_file.h"
#include "cli/ingest/sender.h"
#include "cli/json_line.h"
#include "cli/ontology_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "shard/tenants.h"

namespace unirust::cli {
namespace {

constexpr uint64_t kResumeSaveIntervalMicros = 1'000'000;

absl::Status CheckFlags(const IngestFlags& flags) {
  const auto stdins = std::count(flags.files.begin(), flags.files.end(), "-");
  if (stdins > 1) return absl::InvalidArgumentError("standard input can be read only once");
  if (stdins > 0 && !flags.resume_file.empty()) {
    return absl::InvalidArgumentError(
        "--resume-file needs files; standard input cannot be resumed");
  }
  return absl::OkStatus();
}

// Before anything is created or changed: a mistyped name should leave no trace.
absl::Status CheckFiles(const IngestFlags& flags) {
  for (const std::string& file : flags.files) {
    if (file == "-") continue;
    if (::access(file.c_str(), R_OK) != 0) {
      return absl::NotFoundError("cannot read " + file + ": " + std::strerror(errno));
    }
  }
  return absl::OkStatus();
}

// One run of the command.
class Ingest {
 public:
  Ingest(const IngestFlags& flags, Client* client, std::optional<ResumeFile> resume)
      : flags_(flags),
        resume_(std::move(resume)),
        progress_(Progress::ModeFor(flags.quiet, flags.progress)),
        client_(client) {}

  absl::Status Run() {
    const auto report = [this](const std::string& message) { progress_.Message(message); };
    const auto on_answer = [this](const Chunk& chunk, const Tally& tally) {
      progress_.Update(tally.read, tally.refused);
      if (resume_) Remember(chunk);
    };
    // The source reads ahead and may advance while positions are saved, so it gets a copy of where
    // to start.
    const std::optional<ResumeFile> start = resume_;
    ChunkSource source({.files = flags_.files,
                        .mapping = flags_.mapping,
                        .records_max = flags_.batch,
                        .keep_going = flags_.keep_going,
                        .resume = start ? &*start : nullptr},
                       report);
    Sender sender(client_, {.in_flight_max = flags_.in_flight, .keep_going = flags_.keep_going},
                  on_answer, report);
    absl::Status status = sender.Run(source);
    if (resume_ && save_status_.ok()) save_status_ = resume_->Save();
    if (status.ok()) status = save_status_;
    return Finish(source, sender.tally(), std::move(status));
  }

 private:
  void Remember(const Chunk& chunk) {
    resume_->Set(chunk.file, chunk.end);
    const uint64_t now_micros = SteadyClockMicros();
    if (now_micros - saved_micros_ < kResumeSaveIntervalMicros || !save_status_.ok()) return;
    saved_micros_ = now_micros;
    save_status_ = resume_->Save();
  }

  absl::Status Finish(const ChunkSource& source, const Tally& tally, absl::Status status) {
    const uint64_t refused = tally.refused + source.bad_lines();
    PrintSummary(source, tally, refused);
    if (status.ok()) {
      return refused == 0
                 ? status
                 : absl::InvalidArgumentError(WithSeparators(refused) +
                                              " lines were refused; they are listed above");
    }
    const std::string acknowledged = "records of " + WithSeparators(tally.read - tally.refused) +
                                     " lines are acknowledged: durable and resolved.";
    if (absl::IsInvalidArgument(status)) {
      return WithHint(status,
                      acknowledged + " Correct the line and run again, or use --keep-going.");
    }
    const auto hint = HintOf(status);
    return WithHint(status, acknowledged + " Run the same command again to go on." +
                                (hint.empty() ? "" : "\n  " + hint));
  }

  void PrintSummary(const ChunkSource& source, const Tally& tally, uint64_t refused) const {
    const double seconds = progress_.seconds();
    const uint64_t read = tally.read + source.bad_lines();
    const auto rate =
        static_cast<uint64_t>(seconds > 0 ? static_cast<double>(tally.read) / seconds : 0);
    const auto milliseconds = static_cast<uint64_t>(seconds * 1000);
    if (flags_.json) {
      const std::string line = JsonLine()
                                   .Text("type", "ingest")
                                   .Number("read", read)
                                   .Number("applied", tally.applied)
                                   .Number("unchanged", tally.unchanged)
                                   .Number("stale", tally.stale)
                                   .Number("refused", refused)
                                   .Number("skipped", source.skipped_records())
                                   .Number("milliseconds", milliseconds)
                                   .Number("records_per_second", rate)
                                   .Take();
      std::printf("%s\n", line.c_str());
    } else if (!flags_.quiet) {
      std::string line = WithSeparators(read) + " records read: " + WithSeparators(tally.applied) +
                         " applied, " + WithSeparators(tally.unchanged) + " unchanged, " +
                         WithSeparators(tally.stale) + " stale, " + WithSeparators(refused) +
                         " refused";
      if (resume_) line += " (" + WithSeparators(source.skipped_records()) + " skipped before)";
      std::printf("%s; %.1f s, %s records/s\n", line.c_str(), seconds,
                  WithSeparators(rate).c_str());
    }
    std::fflush(stdout);
  }

  const IngestFlags& flags_;
  std::optional<ResumeFile> resume_;
  absl::Status save_status_;
  uint64_t saved_micros_ = 0;
  Progress progress_;
  Client* const client_;
};

}  // namespace

absl::Status Run(const IngestFlags& flags) {
  UNIRUST_RETURN_IF_ERROR(WithExitCode(CheckFlags(flags), kExitUsage));
  UNIRUST_RETURN_IF_ERROR(CheckFiles(flags));
  std::optional<ResumeFile> resume;
  if (!flags.resume_file.empty()) {
    const std::string store =
        flags.store.data_dir.empty() ? flags.store.router : AbsolutePath(flags.store.data_dir);
    UNIRUST_ASSIGN_OR_RETURN(
        resume, ResumeFile::Load(flags.resume_file,
                                 shard::TenantDirectory(store, flags.store.tenant)));
  }
  std::string ontology;
  if (!flags.ontology.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(ontology, ReadOntology(flags.ontology));
  }
  UNIRUST_ASSIGN_OR_RETURN(const auto client, Client::Open(flags.store, Client::IfAbsent::kCreate));
  if (!ontology.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(const AppliedOntology applied, ApplyOntology(*client, ontology));
    if (applied.changed && !flags.quiet) {
      std::fprintf(stderr, "ontology applied: version %s\n", Printable(applied.version).c_str());
    }
  }
  return Ingest(flags, client.get(), std::move(resume)).Run();
}

}  // namespace unirust::cli
