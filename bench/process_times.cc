#include "bench/process_times.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace unirust::bench {
namespace {

uint64_t CpuMicrosOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_end = text.rfind(')');  // the program's name may hold anything
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state is field 3; user time is field 14
  uint64_t user = 0;
  uint64_t system = 0;
  fields >> user >> system;
  return (user + system) * 1000000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
}

}  // namespace

bool ParseProcesses(const std::vector<std::string>& entries, Processes* processes) {
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) return false;
    const char* end = entry.data() + entry.size();
    int pid = 0;
    const auto [stop, error] = std::from_chars(entry.data() + equals + 1, end, pid);
    if (error != std::errc() || stop != end) return false;
    (*processes)[entry.substr(0, equals)] = pid;
  }
  return true;
}

std::map<std::string, uint64_t> CpuMicros(const Processes& processes) {
  std::map<std::string, uint64_t> micros;
  for (const auto& [name, pid] : processes) micros[name] = CpuMicrosOf(pid);
  return micros;
}

}  // namespace unirust::bench
