// CPU time of running processes, by /proc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace unirust::bench {

// One "name=pid" each, e.g. "shard=123".
using Processes = std::map<std::string, int>;

// False if an entry is not of that form.
bool ParseProcesses(const std::vector<std::string>& entries, Processes* processes);

// Microseconds of user and system time so far, by name; 0 for a process that is gone.
std::map<std::string, uint64_t> CpuMicros(const Processes& processes);

}  // namespace unirust::bench
