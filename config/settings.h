// Settings of a program, declared once: name, variable, help. From that one table come the flags,
// the environment variables, the keys of the TOML file, `--help` and docs/configuration.md.
//
//   std::string listen = "127.0.0.1:50061";
//   Settings settings;
//   settings.Add("listen", &listen, "address to serve on");   // --listen, UNIRUST_LISTEN, listen =
//   "..." if (auto exit_code = ParseCommandLine(text, settings, argc, argv)) return *exit_code;
//
// A setting takes its value from the first of: flag, environment (a variable that is set and not
// empty), TOML file
// (`--config FILE` or UNIRUST_CONFIG), default (the variable's value when it is added). Not
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/log.h"

namespace CLI {
class App;
}

namespace unirust::config {

// Written "1073741824", "512MiB" or "1GiB" (also KiB and TiB).
struct ByteSize {
  uint64_t bytes = 0;
};

// Written "90s", "30m", "6h" or "1d".
struct Duration {
  uint64_t seconds = 0;
};

using Variable = std::variant<std::string*, bool*, uint32_t*, ByteSize*, Duration*, ClockUnit*,
                              LogLevel*, LogFormat*, std::vector<std::string>*>;

struct Setting {
  std::string name;  // "data-dir": flag --data-dir, environment UNIRUST_DATA_DIR, TOML key data-dir
  Variable variable;         // a list is written with commas, in TOML also as an array
  std::string default_text;  // the default as a flag would be written; empty: none
  std::string help;          // one sentence without a full stop
  bool assigned = false;     // true once a source of higher rank than the default gave a value
};

class Settings {
 public:
  // `variable` must outlive the Settings and hold the default. Every table has `--config` already.
  Settings();
  void Add(std::string name, Variable variable, std::string help);

  // Parses `text` into the setting's variable. INVALID_ARGUMENT, naming `source` (e.g.
  // "--shard-id"), if the text is malformed; the variable is then unchanged.
  absl::Status Assign(Setting& setting, std::string_view text, std::string_view source);

  // Assigns from the environment, then from the TOML file, what has not been assigned yet.
  // INVALID_ARGUMENT, naming the variable or the file and key, on malformed values, on keys that do
  // not exist, and on a file that cannot be read.
  absl::Status AssignFromEnvironmentAndFile();

  std::vector<Setting>& table() { return table_; }
  const std::vector<Setting>& table() const { return table_; }

 private:
  absl::Status AssignFromFile(const std::string& path);

  // On the heap, since the table points to it and Settings may be moved.
  std::unique_ptr<std::string> config_file_;
  std::vector<Setting> table_;
};

// "UNIRUST_DATA_DIR" for "data-dir".
std::string EnvironmentName(std::string_view name);

// The table of docs/configuration.md: flag, environment, default, meaning; one line a setting.
std::string MarkdownTable(const Settings& settings);

// What was meant by an unknown name: ", did you mean --data-dir?", or empty if nothing in `known`
// comes close.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& known);

// What `--help` says besides the table.
struct ProgramText {
  std::string name;         // "unirust_shard"
  std::string description;  // first paragraph
  std::string examples;     // lines, indented by two spaces
};

// Fills the settings from all sources and answers --help and --version. Returns the exit code if
// the program should end now: 0 after help or version (on stdout), kExitUsage after a mistake (the
// message is on stderr by then).
std::optional<int> ParseCommandLine(const ProgramText& text, Settings& settings, int argc,
                                    const char* const* argv);

// For programs with commands of their own: declares the settings as flags of `app`. Call
// AssignFromEnvironmentAndFile after the parse. `settings` must outlive the parse of `app`;
// malformed values make it fail with CLI::ValidationError.
void AddFlags(Settings& settings, CLI::App& app);

}  // namespace unirust::config
