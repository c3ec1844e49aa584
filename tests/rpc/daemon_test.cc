#include "rpc/daemon.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/thread.h"
#include "tests/base/turns.h"

namespace unirust::rpc {
namespace {

TEST(Daemon, ItsThreadsTakeShortTurnsAndNoTermination) {
  sigset_t blocked;
  uint64_t usual = 0;
  uint64_t turns = 0;
  Thread("daemon", [&] {
    usual = TurnNanos();
    BecomeDaemon();
    Thread("answering", [&] {
      turns = TurnNanos();
      pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    }).Join();
  }).Join();
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
  EXPECT_EQ(sigismember(&blocked, SIGINT), 1);
  if (usual == 0) GTEST_SKIP() << "needs Linux 6.12";
  EXPECT_LT(turns, usual);
}

}  // namespace
}  // namespace unirust::rpc
