#include "bench/daemons.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "base/exit_codes.h"
#include "base/status_macros.h"

namespace unirust::bench {
namespace {

// Up to the first newline; less if the other end is closed before.
std::string ReadLine(int fd) {
  std::string line;
  for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

// Starts a program whose standard output is `output`; it is killed when the calling thread ends,
// however that is. -1 if there can be no more processes.
pid_t Spawn(char** argv, int output) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent && dup2(output, STDOUT_FILENO) >= 0) execv(argv[0], argv);
  _exit(kExitFailure);
}

}  // namespace

absl::StatusOr<std::string> Daemons::Run(const std::string& name,
                                         std::vector<std::string> arguments) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string path = (self.parent_path() / name).string();
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(
        "there is no " + path +
        "; install the programs in one directory, or measure a running store with --router");
  }
  arguments.insert(arguments.begin(), path);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return absl::InternalError("cannot make a pipe");
  const Program program{.pid = Spawn(argv.data(), ends[1]), .output = ends[0]};
  close(ends[1]);
  if (program.pid < 0) {
    close(ends[0]);
    return absl::InternalError("cannot start " + path);
  }
  programs_.push_back(program);
  const std::string ready = ReadLine(program.output);  // "unirust_shard ready on 127.0.0.1:123"
  const size_t space = ready.rfind(' ');
  if (space == std::string::npos) {
    return absl::FailedPreconditionError(name + " ended before it was ready; it says why above");
  }
  processes_[name.substr(name.find('_') + 1)] = program.pid;
  return ready.substr(space + 1);
}

absl::StatusOr<std::unique_ptr<Daemons>> Daemons::Start(const DaemonOptions& options) {
  auto daemons = std::unique_ptr<Daemons>(new Daemons());
  UNIRUST_ASSIGN_OR_RETURN(
      const std::string shard,
      daemons->Run("unirust_shard",
                   {"--listen", "127.0.0.1:0", "--data-dir", options.data_dir, "--memory-budget",
                    options.memory_budget, "--log-level", "error"}));
  UNIRUST_ASSIGN_OR_RETURN(daemons->address_,
                           daemons->Run("unirust_router", {"--listen", "127.0.0.1:0", "--shards",
                                                           shard, "--log-level", "error"}));
  return daemons;
}

Daemons::~Daemons() {
  while (!programs_.empty()) {  // the router first
    const Program program = programs_.back();
    programs_.pop_back();
    kill(program.pid, SIGTERM);
    waitpid(program.pid, nullptr, 0);
    close(program.output);
  }
}

}  // namespace unirust::bench
