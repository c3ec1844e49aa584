#include "rpc/daemon.h"

#include <csignal>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "base/thread.h"

namespace unirust::rpc {
namespace {

sigset_t TerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void BecomeDaemon() {
  const sigset_t signals = TerminationSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  TakeShortTurns();
}

void ServeUntilTerminated(std::string_view program, Server& server,
                          const std::function<void()>& ending) {
  const std::string line = std::string(program) + " ready " + server.address() + "\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
  const sigset_t signals = TerminationSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  Log(LogLevel::kInfo, "signal " + std::to_string(signal) + ": draining");
  ending();
  server.Shutdown();
}

}  // namespace unirust::rpc
