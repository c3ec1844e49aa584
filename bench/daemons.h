// A shard and a router of their own processes, for a measurement. They are the programs beside the
// running one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/process_times.h"

namespace unirust::bench {

struct DaemonOptions {
  std::string data_dir;  // of the shard; created if it is not there
  std::string memory_budget = "512MiB";
};

class Daemons {
 public:
  // Waits until both are ready. NOT_FOUND if a program is not there, FAILED_PRECONDITION if one
  // ends instead; it has said why on standard error.
  static absl::StatusOr<std::unique_ptr<Daemons>> Start(const DaemonOptions& options);
  // Ends them in an orderly way, and waits for that.
  ~Daemons();
  Daemons(const Daemons&) = delete;
  Daemons& operator=(const Daemons&) = delete;

  const std::string& address() const { return address_; }  // of the router
  const Processes& processes() const { return processes_; }

 private:
  struct Program {
    pid_t pid = 0;
    int output = -1;  // stays open: it is the program's standard output
  };

  Daemons() = default;
  absl::StatusOr<std::string> Run(const std::string& name, std::vector<std::string> arguments);

  std::string address_;
  Processes processes_;
  std::vector<Program> programs_;
};

}  // namespace unirust::bench
