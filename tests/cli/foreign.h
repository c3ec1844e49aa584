// Programs that are not ours, run by tests that skip where one is not installed.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace unirust::cli {

inline bool IsInstalled(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

// Standard output and error of a shell command; `*exit_code` is 0 if it succeeded.
inline std::string RunShell(const std::string& command, int* exit_code) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    output.append(buffer, got);
  }
  *exit_code = pclose(pipe);
  return output;
}

}  // namespace unirust::cli

// Skips the test unless `program` is installed.
#define UNIRUST_NEEDS(program)                                             \
  if (!::unirust::cli::IsInstalled(program)) {                             \
    GTEST_SKIP() << program << " is not installed (scripts/install-deps)"; \
  }
