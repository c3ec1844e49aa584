// A child process: what dies in it is seen, and its threads and files end with it.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "base/log.h"

namespace unirust::faults {

struct Ended {
  int status = 0;    // of waitpid
  std::string said;  // what it wrote to the file
  bool WithCode(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
};

inline constexpr unsigned kSecondsMax = 120;  // for what a child does between two calls of GoesOn

// In a child.
inline void GoesOn() { alarm(kSecondsMax); }

// Runs the body in a child that ends with code 0 when it returns.
inline Ended InChild(const std::function<void(std::FILE*)>& body) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    ::close(ends[0]);
    GoesOn();
    SetLogLevel(LogLevel::kError);
    std::FILE* const out = fdopen(ends[1], "w");
    body(out);
    std::fflush(out);
    _exit(0);
  }
  ::close(ends[1]);
  Ended ended;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    ended.said.append(buffer.data(), static_cast<size_t>(count));
  }
  ::close(ends[0]);
  EXPECT_EQ(waitpid(child, &ended.status, 0), child);
  return ended;
}

inline uint64_t SettingOf(const char* name, uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

// Thousands of openings, each with a dozen syncs: in memory where the system has a place for it.
inline std::string FastParent() {
  return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ::testing::TempDir();
}

}  // namespace unirust::faults
