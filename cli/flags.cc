// The command line of `unirust`. This, flags_access.cc and flags_bench.cc are the only files of this
// folder that include CLI11, whose header costs seconds to compile.
#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/tenant_name.h"
#include "base/version.h"
#include "cli/command_texts.h"
#include "cli/flag_parts.h"
#include "cli/formats/names.h"
#include "config/settings.h"

namespace unirust::cli {
namespace {

constexpr char kDefaultRouter[] = "127.0.0.1:50060";

// The parse of one command line: the variables that CLI11 fills, and the command that was chosen.
struct Parse {
  CLI::App app{
      "Entity resolution over time: records from several sources in; entities, golden "
      "records, conflicts and a graph out.",
      "unirust"};
  std::optional<Command> command;
  std::string failure;  // of the settings of `serve`, which come from more than the command line

  ServeFlags serve;
  config::Settings serve_settings = Declare(serve.settings);
  IngestFlags ingest;
  QueryFlags query;
  EntityFlags entity;
  ConflictsFlags conflicts;
  ScanFlags scan;
  ExportFlags export_flags;
  StatsFlags stats;
  DigestFlags digest;
  ClusterStatusFlags cluster_status;
  ClusterPlanFlags cluster_plan;
  ClusterApplyFlags cluster_apply;
  ClusterCancelFlags cluster_cancel;
  OntologyShowFlags show;
  OntologyApplyFlags apply;
  OntologyCheckFlags check;
  StoreFlags check_store;
  CheckpointFlags checkpoint;
  RetentionShowFlags retention;
  RetentionAdvanceFlags advance;
  EraseFlags erase;
  BackupFlags backup;
  BackupsFlags backups;
  VerifyFlags verify;
  RestoreFlags restore;
  RepairFlags repair;
};

std::string RouterFromEnvironment() {
  const char* router = std::getenv("UNIRUST_ROUTER");
  return router != nullptr && *router != '\0' ? router : kDefaultRouter;
}

// Adds a subcommand that sets `parse->command` to a copy of `*flags`.
template <typename Flags>
CLI::App* AddCommand(Parse* parse, CLI::App* parent, Flags* flags, const CommandText& text) {
  CLI::App* command = NewCommand(parent, text);
  command->callback([parse, flags] { parse->command = *flags; });
  return command;
}

// Instants are whole numbers; the option stays absent if the flag is not given.
CLI::Option* AddInstant(CLI::App* command, const std::string& flag, const std::string& help,
                        std::function<void(Instant)> assign) {
  const auto parse = [flag, assign = std::move(assign)](const std::string& text) {
    Instant instant = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, instant);
    if (text.empty() || error != std::errc() || stop != end) {
      throw CLI::ValidationError(flag, "a 64-bit whole number is needed, not '" + text + "'");
    }
    assign(instant);
  };
  return command->add_option_function<std::string>(flag, parse, help)->type_name("TIME");
}

void AddFromTo(CLI::App* command, std::optional<Instant>* from, std::optional<Instant>* to) {
  AddInstant(command, "--from", "only what overlaps the time from here on (inclusive)",
             [from](Instant instant) { *from = instant; });
  AddInstant(command, "--to", "... and before this (exclusive)",
             [to](Instant instant) { *to = instant; });
}

void AddPaging(CLI::App* command, size_t* limit, std::string* cursor) {
  command->add_option("--limit", *limit, "print at most N and a cursor to go on from; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--cursor", *cursor, "go on where an earlier call with --limit ended")
      ->type_name("CURSOR");
}

void AddAllowPartial(CLI::App* command, bool* allow_partial) {
  command->add_flag("--allow-partial", *allow_partial,
                    "leave out what needs parts of the store that cannot be reached, and name "
                    "them");
}

void AddMemoryBudget(CLI::App* command, CLI::Option* data_dir, StoreFlags* store) {
  const auto set_budget = [store](const std::string& text) {
    config::Settings settings;
    config::Setting setting{"memory-budget", &store->memory_budget, "", ""};
    const absl::Status status = settings.Assign(setting, text, "--memory-budget");
    if (!status.ok()) throw CLI::ValidationError(std::string(status.message()));
  };
  command
      ->add_option_function<std::string>("--memory-budget", set_budget,
                                         "with --data-dir: memory for all that grows with the "
                                         "work; default 512MiB")
      ->type_name("SIZE")
      ->needs(data_dir);
}

// What a router is shown.
void AddSecurity(CLI::App* command, StoreFlags* store) {
  const auto add = [command](const char* flag, std::string* file, const char* variable,
                             const char* help) {
    command->add_option(flag, *file, help)->type_name("FILE")->envname(variable);
  };
  add("--token-file", &store->token_file, "UNIRUST_TOKEN_FILE", "the token to show the router");
  add("--tls-ca", &store->tls.ca, "UNIRUST_TLS_CA",
      "roots of the router's certificate, PEM; without it there is no TLS");
  add("--tls-cert", &store->tls.cert, "UNIRUST_TLS_CERT",
      "certificate to show the router, PEM, where it asks for one");
  add("--tls-key", &store->tls.key, "UNIRUST_TLS_KEY", "its key");
  command->add_flag("--insecure", store->tls.insecure, "without TLS beyond loopback, too");
}

void AddTenant(CLI::App* command, std::string* tenant) {
  const auto check = [](const std::string& name) {
    return IsTenantName(name) ? std::string()
                              : "'" + name + "' is no name of a tenant: small letters, digits, '-'";
  };
  command->add_option("--tenant", *tenant, "whose records; default: those of the default tenant")
      ->type_name("NAME")
      ->envname("UNIRUST_TENANT")
      ->check(check);
}

CLI::Option* AddRouter(CLI::App* command, StoreFlags* store) {
  AddSecurity(command, store);
  AddTenant(command, &store->tenant);
  return command
      ->add_option("--router", store->router,
                   "address of a router or of `unirust serve` [UNIRUST_ROUTER, "
                   "default 127.0.0.1:50060]")
      ->type_name("ADDR");
}

void AddStore(CLI::App* command, StoreFlags* store) {
  auto* router = AddRouter(command, store);
  auto* data_dir = command->add_option("--data-dir", store->data_dir,
                                       "work on a store's directory in this process, without a "
                                       "daemon; `ingest` and `ontology apply` create it");
  data_dir->type_name("DIR")->excludes(router);
  AddMemoryBudget(command, data_dir, store);
}

// For commands that only read.
void AddStoreToRead(CLI::App* command, StoreFlags* store) {
  AddStore(command, store);
  command
      ->add_flag("--read-only", store->read_only,
                 "with --data-dir: also while a shard has it open; shows what was acknowledged "
                 "before the command began")
      ->needs("--data-dir");
}

void AddBackupDir(CLI::App* command, StoreFlags* store,
                  const char* what = "with --data-dir: where the copy goes") {
  command->add_option("--backup-dir", store->backup_dir, what)
      ->type_name("DIR")
      ->needs("--data-dir");
}

void AddServe(Parse* parse) {
  CLI::App* command = AddCommand(parse, &parse->app, &parse->serve, kServeText);
  config::AddFlags(parse->serve_settings, *command);
  command->callback([parse] {
    absl::Status status = parse->serve_settings.AssignFromEnvironmentAndFile();
    if (status.ok()) status = CheckStore(parse->serve.settings.store);
    parse->failure = std::string(status.message());
    parse->command = parse->serve;
  });
}

void AddIngest(Parse* parse) {
  IngestFlags* flags = &parse->ingest;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kIngestText);
  command->add_option("FILE", flags->files, "files to read; '-' is standard input")
      ->type_name("")
      ->required();
  command->add_option("--ontology", flags->ontology, "apply this ontology (JSON) first")
      ->type_name("FILE");
  command->add_option("--mapping", flags->mapping, "columns of CSV files (docs/ingest-formats.md)")
      ->type_name("FILE");
  command->add_option("--batch", flags->batch, "records sent together, default 1000")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, limits::kRecordsPerRequestMax));
  command
      ->add_option("--in-flight", flags->in_flight,
                   "batches sent ahead of the answer that they are durable, default 4")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  command->add_flag("--keep-going", flags->keep_going,
                    "report bad lines and go on with the good ones, instead of stopping");
  command
      ->add_option("--resume-file", flags->resume_file,
                   "remember here what was acknowledged; a later run skips it")
      ->type_name("FILE");
  AddProgress(command, &flags->progress, &flags->quiet, "no progress and no summary");
  AddJson(command, &flags->json);
  AddStore(command, &flags->store);
}

void AddQuery(Parse* parse) {
  QueryFlags* flags = &parse->query;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kQueryText);
  command->add_option("ATTR=VALUE", flags->pairs, "values that must hold; split at the first '='")
      ->type_name("")
      ->required();
  AddInstant(command, "--from", "from this time on (inclusive); default: always",
             [flags](Instant instant) { flags->interval.start = instant; });
  AddInstant(command, "--to", "before this time (exclusive); default: always",
             [flags](Instant instant) { flags->interval.end = instant; });
  command->add_flag("--all", flags->all, "stream every match, never a conflict");
  AddAllowPartial(command, &flags->allow_partial);
  AddJson(command, &flags->json);
  AddStoreToRead(command, &flags->store);
}

void AddEntity(Parse* parse) {
  EntityFlags* flags = &parse->entity;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kEntityText);
  command->add_option("NAME", flags->name, "name of any record of the entity")
      ->type_name("")
      ->required();
  AddInstant(command, "--as-of", "only what holds at this time",
             [flags](Instant instant) { flags->as_of = instant; });
  AddJson(command, &flags->json);
  AddStoreToRead(command, &flags->store);
}

void AddConflicts(Parse* parse) {
  ConflictsFlags* flags = &parse->conflicts;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kConflictsText);
  command->add_option("--attribute", flags->attribute, "only of this attribute")->type_name("NAME");
  command->add_option("--kind", flags->kind, "only of this kind")
      ->type_name("KIND")
      ->check(CLI::IsMember({"direct", "constraint_violation", "indirect"}));
  AddFromTo(command, &flags->from, &flags->to);
  AddPaging(command, &flags->limit, &flags->cursor);
  AddAllowPartial(command, &flags->allow_partial);
  AddJson(command, &flags->json);
  AddStoreToRead(command, &flags->store);
}

void AddScan(Parse* parse) {
  ScanFlags* flags = &parse->scan;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kScanText);
  command->add_option("ATTR=VALUE", flags->pair, "only records that hold this value")
      ->type_name("");
  command->add_option("--type", flags->entity_type, "only of this entity type")->type_name("NAME");
  command->add_option("--perspective", flags->perspective, "only of this source")
      ->type_name("NAME");
  AddFromTo(command, &flags->from, &flags->to);
  AddPaging(command, &flags->limit, &flags->cursor);
  AddAllowPartial(command, &flags->allow_partial);
  AddJson(command, &flags->json);
  AddStoreToRead(command, &flags->store);
}

void AddExport(Parse* parse) {
  ExportFlags* flags = &parse->export_flags;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kExportText);
  command->add_option("--format", flags->format, "one of: " + CLI::detail::join(GraphFormats()))
      ->type_name("FORMAT")
      ->required()
      ->check(CLI::IsMember(GraphFormats()));
  command->add_option("--out", flags->out, "file (neo4j-csv: directory); default standard output")
      ->type_name("PATH");
  command
      ->add_option("--entity", flags->entities,
                   "only the entity of this record, its records, edges and conflicts; may be "
                   "repeated")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--only", flags->only,
                   "only these parts, with commas between: record, entity, conflict, same_as, "
                   "generic")
      ->type_name("PARTS")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::IsMember({"record", "entity", "conflict", "same_as", "generic"}));
  AddStoreToRead(command, &flags->store);
}

void AddOntology(Parse* parse) {
  CLI::App* group = parse->app.add_subcommand(
      "ontology", "show, apply or check the rules of resolution (docs/ontology.md)");
  group->require_subcommand(1);
  CLI::App* show = AddCommand(parse, group, &parse->show, kOntologyShowText);
  AddStoreToRead(show, &parse->show.store);

  CLI::App* apply = AddCommand(parse, group, &parse->apply, kOntologyApplyText);
  apply->add_option("FILE", parse->apply.file, "JSON; '-' is standard input")
      ->type_name("")
      ->required();
  AddStore(apply, &parse->apply.store);

  CLI::App* check = AddCommand(parse, group, &parse->check, kOntologyCheckText);
  check->add_option("FILE", parse->check.file, "JSON; '-' is standard input")
      ->type_name("")
      ->required();
  AddStore(check, &parse->check_store);
  check->callback([parse] {
    const StoreFlags& store = parse->check_store;
    if (!store.router.empty() || !store.data_dir.empty()) parse->check.store = store;
    parse->command = parse->check;
  });
}

void AddOthers(Parse* parse) {
  CLI::App* stats = AddCommand(parse, &parse->app, &parse->stats, kStatsText);
  AddJson(stats, &parse->stats.json);
  AddStoreToRead(stats, &parse->stats.store);

  CLI::App* checkpoint = AddCommand(parse, &parse->app, &parse->checkpoint, kCheckpointText);
  checkpoint
      ->add_option("NAME", parse->checkpoint.name,
                   "letters, digits, '.', '_' and '-'; default: a fresh one")
      ->type_name("");
  AddStore(checkpoint, &parse->checkpoint.store);
  AddBackupDir(checkpoint, &parse->checkpoint.store);
}

void AddRetention(Parse* parse) {
  CLI::App* group = parse->app.add_subcommand(
      "retention", "show or advance the instant that decides what has expired (docs/ontology.md)");
  group->require_subcommand(1);
  CLI::App* show = AddCommand(parse, group, &parse->retention, kRetentionShowText);
  AddJson(show, &parse->retention.json);
  AddStoreToRead(show, &parse->retention.store);

  RetentionAdvanceFlags* flags = &parse->advance;
  CLI::App* advance = AddCommand(parse, group, flags, kRetentionAdvanceText);
  AddInstant(advance, "--now", "the instant to declare, in the unit of the data",
             [flags](Instant instant) { flags->now = instant; })
      ->required();
  AddJson(advance, &flags->json);
  AddStore(advance, &flags->store);
}

void AddErase(Parse* parse) {
  EraseFlags* flags = &parse->erase;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kEraseText);
  command->add_option("RECORD", flags->records, "names: type/perspective/uid")->type_name("");
  command->add_flag("--purge", flags->purge, "make all files anew, without what was erased");
  AddJson(command, &flags->json);
  AddStore(command, &flags->store);
  AddBackupDir(command, &flags->store, "with --data-dir: where its backups are");
}

void AddBackups(Parse* parse) {
  CLI::App* backup = AddCommand(parse, &parse->app, &parse->backup, kBackupText);
  AddJson(backup, &parse->backup.json);
  AddStore(backup, &parse->backup.store);
  AddBackupDir(backup, &parse->backup.store);
  backup
      ->add_option("--backup-keep", parse->backup.store.backup_keep,
                   "with --data-dir: remove all but the newest N, default 10")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->needs("--data-dir");

  CLI::App* backups = AddCommand(parse, &parse->app, &parse->backups, kBackupsText);
  backups->add_option("DIR", parse->backups.dir, "the --backup-dir of a daemon")
      ->type_name("")
      ->required();
  AddTenant(backups, &parse->backups.tenant);
  AddJson(backups, &parse->backups.json);

  RestoreFlags* flags = &parse->restore;
  CLI::App* restore = AddCommand(parse, &parse->app, flags, kRestoreText);
  restore->add_option("--from", flags->from, "the --backup-dir of a daemon")
      ->type_name("DIR")
      ->required();
  restore->add_option("--backup", flags->backup, "number of the backup; default: the newest")
      ->type_name("N");
  restore->add_option("--data-dir", flags->data_dir, "the new directory: absent or empty")
      ->type_name("DIR")
      ->required();
  AddTenant(restore, &flags->tenant);
  AddJson(restore, &flags->json);
}

void AddRepair(Parse* parse) {
  RepairFlags* flags = &parse->repair;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kRepairText);
  auto* data_dir =
      command->add_option("--data-dir", flags->store.data_dir, "the directory that is refused");
  data_dir->type_name("DIR")->required();
  auto* into =
      command->add_option("--into", flags->into, "the new directory: absent or empty")
          ->type_name("DIR");
  command
      ->add_flag("--accept-data-loss", flags->accept_data_loss,
                 "make it also if acknowledged commits are lost")
      ->needs(into);
  command->add_option("--shard-id", flags->shard_id, "of which shard it is, default 0")
      ->type_name("N");
  command
      ->add_option("--audit-dir", flags->audit_dir,
                   "the audit log of the daemon, which gets an entry")
      ->type_name("DIR");
  AddMemoryBudget(command, data_dir, &flags->store);
  AddJson(command, &flags->json);
}

void AddDigest(Parse* parse) {
  DigestFlags* flags = &parse->digest;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kDigestText);
  command->add_flag("--slots", flags->slots, "also the digest of each slot: they add up to it");
  AddProgress(command, &flags->progress, &flags->quiet, "no progress");
  AddJson(command, &flags->json);
  AddStoreToRead(command, &flags->store);
}

void AddDrain(CLI::App* command, std::vector<uint32_t>* parts) {
  command
      ->add_option("--drain", *parts,
                   "number of a part that shall have no slots; may be given several times")
      ->type_name("PART")
      ->delimiter(',');
}

void AddCluster(Parse* parse) {
  CLI::App* group =
      parse->app.add_subcommand("cluster", "the parts that the store lies in (docs/cluster.md)");
  group->require_subcommand(1);
  CLI::App* status = AddCommand(parse, group, &parse->cluster_status, kClusterStatusText);
  AddJson(status, &parse->cluster_status.json);
  AddStoreToRead(status, &parse->cluster_status.store);

  CLI::App* plan = AddCommand(parse, group, &parse->cluster_plan, kClusterPlanText);
  AddDrain(plan, &parse->cluster_plan.drain);
  AddJson(plan, &parse->cluster_plan.json);
  AddRouter(plan, &parse->cluster_plan.store);

  ClusterApplyFlags* flags = &parse->cluster_apply;
  CLI::App* apply = AddCommand(parse, group, flags, kClusterApplyText);
  AddDrain(apply, &flags->drain);
  apply->add_flag("--no-wait", flags->no_wait, "do not wait until the slots are there");
  AddProgress(apply, &flags->progress, &flags->quiet, "no progress");
  AddJson(apply, &flags->json);
  AddRouter(apply, &flags->store);

  CLI::App* cancel = AddCommand(parse, group, &parse->cluster_cancel, kClusterCancelText);
  AddRouter(cancel, &parse->cluster_cancel.store);
}

void AddVerify(Parse* parse) {
  VerifyFlags* flags = &parse->verify;
  CLI::App* command = AddCommand(parse, &parse->app, flags, kVerifyText);
  auto* data_dir =
      command->add_option("--data-dir", flags->store.data_dir, "the store's directory");
  data_dir->type_name("DIR")->required();
  command->add_option("--shard-id", flags->shard_id, "of which shard it is, default 0")
      ->type_name("N");
  AddTenant(command, &flags->store.tenant);
  AddMemoryBudget(command, data_dir, &flags->store);
  auto* full = command->add_flag("--full", flags->full,
                                 "compare everything: takes about as long "
                                 "as ingesting all records anew");
  auto* rebuild = command->add_flag("--rebuild-derived", flags->rebuild_derived,
                                    "first make anew what follows from the records");
  command
      ->add_flag("--read-only", flags->store.read_only, "also while a shard has the directory open")
      ->excludes(full)
      ->excludes(rebuild);
  AddProgress(command, &flags->progress, &flags->quiet, "no progress");
  AddJson(command, &flags->json);
}

void AddCommands(Parse* parse) {
  parse->app.set_version_flag("--version", std::string("unirust ") + ProgramVersion(),
                              "print the version and exit");
  parse->app.set_help_flag("--help,-h", "print this text and exit");
  parse->app.require_subcommand(1);
  parse->app.get_formatter()->column_width(30);
  parse->app.footer(
      "Try:\n"
      "  unirust ingest --data-dir D --ontology ontology.json records.jsonl\n"
      "  unirust stats --data-dir D\n"
      "  unirust serve --data-dir D\n"
      "\nEvery command has its own --help, with examples. Exit codes: 0 done, 1 failed, 2 usage,\n"
      "3 refused input, 4 unavailable, 5 data directory, 6 damaged data, 7 storage failure.");
  AddServe(parse);
  AddIngest(parse);
  AddQuery(parse);
  AddEntity(parse);
  AddConflicts(parse);
  AddScan(parse);
  AddExport(parse);
  AddOntology(parse);
  AddOthers(parse);
  AddRetention(parse);
  AddErase(parse);
  AddDigest(parse);
  AddCluster(parse);
  AddVerify(parse);
  AddBackups(parse);
  AddRepair(parse);
  const auto choose = [parse](Command command) { parse->command = std::move(command); };
  AddAccessCommands(&parse->app, choose);
  AddBenchCommands(&parse->app, choose);
}

// What is wrong with the first argument that nothing took; empty if there is none.
std::string Unexpected(const Parse& parse, const CLI::App& chosen) {
  const std::vector<std::string> remaining = parse.app.remaining(/*recurse=*/true);
  if (remaining.empty()) return "";
  const std::string argument = remaining.front().substr(0, remaining.front().find('='));
  std::vector<std::string> known;
  if (argument.starts_with("-")) {
    for (const CLI::Option* option : chosen.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    return "unknown flag '" + argument + "'" + config::DidYouMean(argument, known);
  }
  for (const CLI::App* command : chosen.get_subcommands({})) known.push_back(command->get_name());
  if (known.empty()) return "unexpected argument '" + remaining.front() + "'";
  return "unknown command '" + argument + "'" + config::DidYouMean(argument, known);
}

// Prints what is wrong with the command line.
int UsageError(const Parse& parse, std::string message) {
  std::string name = "unirust";
  const CLI::App* chosen = &parse.app;
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
    name += " " + chosen->get_name();
  }
  const std::string unexpected = Unexpected(parse, *chosen);
  if (!unexpected.empty()) message = unexpected;
  std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name.c_str(), message.c_str(), name.c_str());
  return kExitUsage;
}

// Fills in the default router where neither flag was given.
struct DefaultRouter {
  template <typename Flags>
  void operator()(Flags& flags) const {
    if constexpr (requires { flags.store.router; }) Set(&flags.store);
  }
  void operator()(OntologyCheckFlags&) const {}  // without a store, none is asked
  static void Set(StoreFlags* store) {
    if (store->data_dir.empty() && store->router.empty()) store->router = RouterFromEnvironment();
  }
};

}  // namespace

std::variant<Command, int> ParseCommandLine(int argc, const char* const* argv) {
  const auto parse = std::make_unique<Parse>();
  AddCommands(parse.get());
  try {
    parse->app.parse(argc, argv);
  } catch (const CLI::Success& answered) {  // --help, --version
    return parse->app.exit(answered);
  } catch (const CLI::ParseError& error) {
    return UsageError(*parse, error.what());
  }
  if (!parse->failure.empty()) return UsageError(*parse, parse->failure);
  const absl::Status armed = ArmFaultPoint();
  if (!armed.ok()) return UsageError(*parse, std::string(armed.message()));
  std::visit(DefaultRouter{}, *parse->command);
  return *parse->command;
}

}  // namespace unirust::cli
