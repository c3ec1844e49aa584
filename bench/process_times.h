// CPU time and memory of running processes, by /proc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace unirust::bench {

// Of each its number, e.g. "shard": 123.
using Processes = std::map<std::string, int>;

// One "name=pid" each, e.g. "shard=123". False if an entry is not of that form, if its process is not running, or if
// its name is not made of a-z, 0-9 and _, or is "client" or "all".
bool ParseProcesses(const std::vector<std::string>& entries, Processes* processes);

// Microseconds of user and system time so far, by name; 0 for a process that is gone.
std::map<std::string, uint64_t> CpuMicros(const Processes& processes);

// Microseconds of a process's threads so far, those of one name together; of an ended thread
// nothing.
std::map<std::string, uint64_t> ThreadCpuMicros(int pid);

// Resident memory in bytes, now and at most so far; 0 for a process that is gone.
struct Resident {
  uint64_t now = 0;
  uint64_t peak = 0;
};
Resident ResidentBytes(int pid);

}  // namespace unirust::bench
