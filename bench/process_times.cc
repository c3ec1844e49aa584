#include "bench/process_times.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace unirust::bench {
namespace {

// Of a process or thread, whose directory it is; `*name` is what it calls itself.
uint64_t CpuMicrosAt(const std::string& directory, std::string* name) {
  std::ifstream file(directory + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_begin = text.find('(');
  const size_t name_end = text.rfind(')');  // the name may hold anything
  if (name_begin == std::string::npos || name_end == std::string::npos) return 0;
  *name = text.substr(name_begin + 1, name_end - name_begin - 1);
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
    if (error != std::errc() || stop != end || ResidentBytes(pid).now == 0) return false;
    const std::string name = entry.substr(0, equals);
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!plain || name == "client" || name == "all") return false;
    (*processes)[name] = pid;
  }
  return true;
}

std::map<std::string, uint64_t> CpuMicros(const Processes& processes) {
  std::map<std::string, uint64_t> micros;
  std::string own_name;
  for (const auto& [name, pid] : processes) {
    micros[name] = CpuMicrosAt("/proc/" + std::to_string(pid), &own_name);
  }
  return micros;
}

std::map<std::string, uint64_t> ThreadCpuMicros(int pid) {
  std::map<std::string, uint64_t> micros;
  std::error_code error;  // a thread may end while it is looked at
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::string name;
  for (std::filesystem::directory_iterator task(tasks, error), end; !error && task != end;
       task.increment(error)) {
    const uint64_t own = CpuMicrosAt(task->path().string(), &name);
    micros[name] += own;
  }
  return micros;
}

Resident ResidentBytes(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  Resident resident;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string key;
    uint64_t kibibytes = 0;
    fields >> key >> kibibytes;
    if (key == "VmRSS:") resident.now = kibibytes << 10U;
    if (key == "VmHWM:") resident.peak = kibibytes << 10U;
  }
  return resident;
}

}  // namespace unirust::bench
