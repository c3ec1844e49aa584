// What `--help` says about each command besides its flags.
#pragma once

namespace unirust::cli {

struct CommandText {
  const char* name;
  const char* summary;   // one line, also in the list of commands
  const char* details;   // lines; may be empty
  const char* examples;  // lines, indented by two spaces
};

inline constexpr CommandText kServeText{
    "serve",
    "serve a store from this one process",
    "A router and its shard together. Prints a ready line with the address; ends cleanly on\n"
    "SIGTERM or Ctrl-C. Every setting comes from the first of: flag, environment variable (in\n"
    "brackets), the TOML file named by --config or UNIRUST_CONFIG, default;\n"
    "docs/configuration.md lists them.",
    "  unirust serve --data-dir /var/lib/unirust --ontology ontology.json\n"
    "  unirust serve --ephemeral --listen 127.0.0.1:0    # a temporary store on a free port",
};

inline constexpr CommandText kIngestText{
    "ingest",
    "write records from files",
    "JSON Lines, or CSV with a mapping (docs/ingest-formats.md). A record is acknowledged\n"
    "when it is durable and resolved; writing the same again changes nothing. Exit code 3 if\n"
    "lines were refused: they are listed on standard error with file and line.",
    "  unirust ingest --data-dir D --ontology ontology.json crm.jsonl erp.jsonl\n"
    "  unirust ingest --mapping crm-mapping.json customers.csv\n"
    "  zcat big.jsonl.gz | unirust ingest -\n"
    "  unirust ingest --keep-going --resume-file big.state big.jsonl    # run again to go on",
};

inline constexpr CommandText kQueryText{
    "query",
    "find the entities that hold all the given values at one time",
    "Two entities of one type that match at one time are a conflict, unless --all is given.",
    "  unirust query email=ada@example.org\n"
    "  unirust query city=Paris role=buyer --from 20200101 --to 20210101\n"
    "  unirust query --all --json country=FR",
};

inline constexpr CommandText kEntityText{
    "entity",
    "show an entity: its golden record over time and its records",
    "It is found by the name of any of its records, type/perspective/uid; '%' and '/' inside\n"
    "a part are written %25 and %2F.",
    "  unirust entity person/crm/42\n"
    "  unirust entity person/crm/42 --as-of 20240101\n"
    "  unirust entity file/nas/a%2Fb",
};

inline constexpr CommandText kConflictsText{
    "conflicts",
    "list what sources disagree on",
    "direct: several values at one time; constraint_violation: a constraint of the ontology\n"
    "does not hold; indirect: evidence that joins entities which provably differ.",
    "  unirust conflicts --kind direct --attribute email\n"
    "  unirust conflicts --from 20240101 --to 20250101 --json\n"
    "  unirust conflicts --limit 50             # prints the cursor of the next 50",
};

inline constexpr CommandText kScanText{
    "scan",
    "list records as their sources tell them, with their entities",
    "",
    "  unirust scan --perspective crm --limit 20\n"
    "  unirust scan email=ada@example.org\n"
    "  unirust scan --type person --from 20240101 --to 20250101 --json",
};

inline constexpr CommandText kExportText{
    "export",
    "export the graph: records, entities and the edges between them",
    "docs/graph-export.md describes the formats.",
    "  unirust export --format canonical > all.jsonl       # sorted: equal stores, equal bytes\n"
    "  unirust export --format graphml --out graph.graphml\n"
    "  unirust export --format neo4j-csv --out import/      # nodes.csv, relationships.csv\n"
    "  unirust export --format html --entity person/crm/42 --out ada.html\n"
    "  unirust export --format jsonl --only entity,conflict",
};

inline constexpr CommandText kDigestText{
    "digest",
    "one number for what a store holds: equal stores, equal digests",
    "Of the records and of which entity holds each, however they arrived and however many parts\n"
    "the store has; not of ontology and versions. Reads everything, as an export does.",
    "  unirust digest\n"
    "  unirust digest --data-dir RESTORED --json\n"
    "  unirust digest --slots                               # where two stores differ",
};

inline constexpr CommandText kClusterStatusText{
    "status",
    "show the parts of the store: slots, epochs, versions, what moves, and which do not answer",
    "Fails if a part does not answer. docs/cluster.md explains parts and epochs.",
    "  unirust cluster status\n"
    "  unirust cluster status --router router:50060 --json",
};

inline constexpr CommandText kClusterPlanText{
    "plan",
    "show which slots would move so that all parts have equally many",
    "Changes nothing. As few slots as possible move; drained parts have none in the end.",
    "  unirust cluster plan\n"
    "  unirust cluster plan --drain 2",
};

inline constexpr CommandText kClusterApplyText{
    "apply",
    "move slots so that all parts have equally many",
    "Reads and writes go on meanwhile. Waits until the slots are there; if it is ended before,\n"
    "the moves go on (`unirust cluster status`), also after a crash.",
    "  unirust cluster apply\n"
    "  unirust cluster apply --drain 2                     # before part 2 is taken away\n"
    "  unirust cluster apply --no-wait",
};

inline constexpr CommandText kClusterCancelText{
    "cancel",
    "let slots that have not moved yet stay where they are",
    "A slot is either here or there: what was moved before stays where it is now.",
    "  unirust cluster cancel",
};

inline constexpr CommandText kStatsText{
    "stats",
    "count records, entities, conflicts and edges",
    "",
    "  unirust stats\n"
    "  unirust stats --data-dir D --json",
};

inline constexpr CommandText kOntologyShowText{
    "show",
    "print the ontology in force",
    "",
    "  unirust ontology show > ontology.json",
};

inline constexpr CommandText kOntologyApplyText{
    "apply",
    "switch to an ontology and resolve all records anew",
    "No record is lost. Refused as a whole if the ontology has faults or a stored record\n"
    "breaks a limit under it.",
    "  unirust ontology apply ontology.json",
};

inline constexpr CommandText kOntologyCheckText{
    "check",
    "check an ontology and list every fault",
    "With --router or --data-dir also whether the stored records fit it. Changes nothing.",
    "  unirust ontology check ontology.json\n"
    "  unirust ontology check --data-dir D ontology.json",
};

inline constexpr CommandText kRetentionShowText{
    "show",
    "print the declared instant and what is due first",
    "",
    "  unirust retention show\n"
    "  unirust retention show --data-dir D --json",
};

inline constexpr CommandText kRetentionAdvanceText{
    "advance",
    "declare an instant, and let expire what is expired then",
    "For good: what expired does not come back, and no earlier instant can be declared. It goes\n"
    "in many commits between those of others; after an interruption the same command goes on.",
    "  unirust retention advance --now 1767225600\n"
    "  unirust retention advance --data-dir D --now 202601",
};

inline constexpr CommandText kEraseText{
    "erase",
    "remove records for good, and tell where copies of them are",
    "Erased records are in no answer any more; then prints where copies are. With --purge all\n"
    "files of the store are made anew, so that none has anything of them: as long as reading\n"
    "and writing it takes. Backups and checkpoints keep what they have until they are deleted.\n"
    "Without RECORD nothing is erased.",
    "  unirust erase person/crm/42 person/web/anna\n"
    "  unirust erase --purge\n"
    "  unirust erase --data-dir D --backup-dir /backups --json",
};

inline constexpr CommandText kVerifyText{
    "verify",
    "compare what is stored with what it must be",
    "Checksums of all files and a sample of records; with --full everything: each record, index\n"
    "entry and name against each other, and all that is derived against a fresh resolution, made\n"
    "beside it. Prints each fault; exit code 6 if there are any. Nothing is repaired by guessing:\n"
    "--rebuild-derived makes indexes, entities and conflicts anew from the records.",
    "  unirust verify --data-dir D\n"
    "  unirust verify --data-dir D --full\n"
    "  unirust verify --data-dir D --rebuild-derived --full",
};

inline constexpr CommandText kCheckpointText{
    "checkpoint",
    "take a consistent copy of the store while it runs",
    "The copy goes below the backup directory of the daemon, or with --data-dir of\n"
    "--backup-dir.",
    "  unirust checkpoint before-upgrade\n"
    "  unirust checkpoint --data-dir D --backup-dir /backups",
};

inline constexpr CommandText kGenerateText{
    "generate",
    "make synthetic records, and say what a store must find in them",
    "People, firms and devices of several sources, as JSON Lines: about 2.2 records an entity,\n"
    "values that change, 1 % contested, 1 % written twice, 0.1 % retracted; or another workload\n"
    "of docs/scale.md. The same for the same flags on every machine. The numbers at the end\n"
    "(with --out on standard output, else on standard error) are those that `unirust stats`\n"
    "shows after the ingest; other workloads than `people` have none.",
    "  unirust bench generate --records 1000000 --ontology ontology.json --out records.jsonl\n"
    "  unirust bench generate --records 20000 | unirust ingest --data-dir D --ontology "
    "ontology.json -\n"
    "  unirust bench generate --records 10000000 --seed 7 --window 0 --json --out records.jsonl",
};

inline constexpr CommandText kBackupText{
    "backup",
    "make an incremental backup of the store while it runs",
    "It goes below the backup directory of the daemon, next to the earlier ones, or with\n"
    "--data-dir of --backup-dir. A daemon with --backup-every makes them by itself. Each part of\n"
    "a store of several has a --backup-dir of its own, and is backed up with it.",
    "  unirust backup\n"
    "  unirust backup --data-dir D --backup-dir /backups --backup-keep 30",
};

inline constexpr CommandText kBackupsText{
    "backups",
    "list the backups below a backup directory, oldest first",
    "",
    "  unirust backups /backups",
};

inline constexpr CommandText kRepairText{
    "repair",
    "make a store of what is left of a damaged one, where there is no backup",
    "Tells which acknowledged commits a directory has lost that is refused with exit code 6, and\n"
    "what of its files is left out; ends with 6 if it has. With --into it makes a new directory\n"
    "with the store as it was after the last commit before the damage, if --accept-data-loss says\n"
    "so. The damaged directory is not changed.",
    "  unirust repair --data-dir D\n"
    "  unirust repair --data-dir D --into NEW --accept-data-loss",
};

inline constexpr CommandText kTokenText{
    "token",
    "make a token, and the entry for the file of --access",
    "The token goes into a file of its own; the entry, which has only its hash, is printed. A\n"
    "daemon reads its --access file again when it has changed.",
    "  unirust token --name crm-loader --roles reader,writer --out crm.token >> access.toml\n"
    "  unirust ingest --token-file crm.token records.jsonl",
};

inline constexpr CommandText kAuditText{
    "audit",
    "look at the audit log of a daemon",
    "",
    "  unirust audit verify /var/log/unirust-audit",
};

inline constexpr CommandText kAuditVerifyText{
    "verify",
    "check that no line was changed, removed or put in",
    "Each line has a hash of itself and of the line before. Keep the last hash that is printed\n"
    "somewhere else: with --hash a later run proves everything up to it.",
    "  unirust audit verify /var/log/unirust-audit\n"
    "  unirust audit verify /var/log/unirust-audit --hash 5f2b...",
};

inline constexpr CommandText kRestoreText{
    "restore",
    "make the data directory of a new store from a backup",
    "Every file is checked and the store is opened once before the directory gets its name:\n"
    "it is there whole or not at all. Of a store of several parts restore all, the others with\n"
    "the --backup that the one of home names (`unirust backups`, column parts).",
    "  unirust restore --from /backups --data-dir /var/lib/unirust\n"
    "  unirust restore --from /backups --backup 7 --data-dir /tmp/last-week",
};

}  // namespace unirust::cli
