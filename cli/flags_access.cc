// The command line of `unirust token` and `unirust audit`.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/flag_parts.h"

namespace unirust::cli {
namespace {

void AddToken(CLI::App* app, const std::function<void(Command)>& choose) {
  const auto flags = std::make_shared<TokenFlags>();
  CLI::App* command = NewCommand(app, kTokenText);
  command->callback([flags, choose] { choose(*flags); });
  command->add_option("--name", flags->name, "of the principal who will have it")
      ->type_name("NAME")
      ->required();
  command->add_option("--roles", flags->roles, "reader, writer, steward, admin: one or several")
      ->type_name("ROLE,...")
      ->delimiter(',')
      ->required();
  command
      ->add_option("--tenants", flags->tenants,
                   "names, or '*' for every one; default: the default tenant only")
      ->type_name("NAME,...")
      ->delimiter(',');
  command->add_option("--expires", flags->expires, "first day without access (UTC); default: never")
      ->type_name("YYYY-MM-DD");
  command->add_option("--out", flags->out, "new file for the token, which only its owner can read")
      ->type_name("FILE")
      ->required();
}

void AddAudit(CLI::App* app, const std::function<void(Command)>& choose) {
  CLI::App* group = NewCommand(app, kAuditText);
  group->require_subcommand(1);
  const auto flags = std::make_shared<AuditVerifyFlags>();
  CLI::App* verify = NewCommand(group, kAuditVerifyText);
  verify->callback([flags, choose] { choose(*flags); });
  verify->add_option("DIR", flags->dir, "the --audit-dir of a daemon")->type_name("")->required();
  verify->add_option("--hash", flags->hash, "that an earlier run printed; a line has it")
      ->type_name("HASH");
  AddJson(verify, &flags->json);
}

}  // namespace

void AddAccessCommands(CLI::App* app, const std::function<void(Command)>& choose) {
  AddToken(app, choose);
  AddAudit(app, choose);
}

}  // namespace unirust::cli
