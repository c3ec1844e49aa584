// The command line of the daemons. The only file that includes CLI11, whose header costs seconds to
// compile.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/version.h"
#include "config/settings.h"

namespace unirust::config {
namespace {

std::string Help(const Setting& setting) {
  return setting.help + " [" + EnvironmentName(setting.name) +
         (setting.default_text.empty() ? "]" : ", default " + setting.default_text + "]");
}

const char* Placeholder(const Variable& variable) {
  if (std::holds_alternative<uint32_t*>(variable)) return "NUMBER";
  if (std::holds_alternative<ByteSize*>(variable)) return "SIZE";
  if (std::holds_alternative<Duration*>(variable)) return "DURATION";
  if (std::holds_alternative<ClockUnit*>(variable)) return "UNIT";
  if (std::holds_alternative<LogLevel*>(variable)) return "LEVEL";
  if (std::holds_alternative<std::vector<std::string>*>(variable)) return "A,B,...";
  return "TEXT";
}

std::string Footer(const ProgramText& text) {
  return "\nExamples:\n" + text.examples +
         "\nEvery setting comes from the first of: flag, environment variable (in brackets), the "
         "TOML file\n"
         "named by --config or UNIRUST_CONFIG, default. Exit codes: 0 done, 2 usage or "
         "configuration,\n"
         "4 unavailable, 5 data directory, 6 damaged data, 7 storage failure; else 1.\n";
}

int UsageError(const ProgramText& text, const std::string& message) {
  std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", text.name.c_str(), message.c_str(),
               text.name.c_str());
  return kExitUsage;
}

// What to say about arguments that no flag took.
std::string UnknownArgument(const Settings& settings, const std::string& argument) {
  if (!argument.starts_with("-")) return "unexpected argument '" + argument + "'";
  std::vector<std::string> known{"--help", "--version"};
  for (const Setting& setting : settings.table()) known.push_back("--" + setting.name);
  const std::string flag = argument.substr(0, argument.find('='));
  return "unknown flag '" + flag + "'" + DidYouMean(flag, known);
}

}  // namespace

void AddFlags(Settings& settings, CLI::App& app) {
  for (size_t i = 0; i < settings.table().size(); ++i) {
    const Setting& setting = settings.table()[i];
    const std::string flag = "--" + setting.name;
    const auto assign = [&settings, i, flag](const std::string& value) {
      const absl::Status status = settings.Assign(settings.table()[i], value, flag);
      if (!status.ok()) throw CLI::ValidationError(std::string(status.message()));
    };
    if (std::holds_alternative<bool*>(setting.variable)) {
      app.add_flag_function(
          flag, [assign](int64_t count) { assign(count > 0 ? "true" : "false"); }, Help(setting));
    } else {
      app.add_option_function<std::string>(flag, assign, Help(setting))
          ->type_name(Placeholder(setting.variable));
    }
  }
}

std::optional<int> ParseCommandLine(const ProgramText& text, Settings& settings, int argc,
                                    const char* const* argv) {
  CLI::App app(text.description, text.name);
  app.set_version_flag("--version", text.name + " " + ProgramVersion(),
                       "print the version and exit");
  app.set_help_flag("--help,-h", "print this text and exit");
  app.footer(Footer(text));
  app.get_formatter()->column_width(28);
  app.allow_extras();
  AddFlags(settings, app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answered) {  // --help, --version
    return app.exit(answered);
  } catch (const CLI::ParseError& error) {
    return UsageError(text, error.what());
  }
  if (!app.remaining().empty())
    return UsageError(text, UnknownArgument(settings, app.remaining().front()));
  const absl::Status status = settings.AssignFromEnvironmentAndFile();
  if (!status.ok()) return UsageError(text, std::string(status.message()));
  const absl::Status armed = ArmFaultPoint();
  if (!armed.ok()) return UsageError(text, std::string(armed.message()));
  return std::nullopt;
}

}  // namespace unirust::config
