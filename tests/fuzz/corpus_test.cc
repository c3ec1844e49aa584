// Every kept input of every fuzz target, without a fuzzer.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

namespace fs = std::filesystem;

std::string present;  // the input that runs

// A target that fails ends the process.
void SayInput(int signal) {
  present += '\n';
  if (write(STDERR_FILENO, present.data(), present.size()) < 0) _exit(1);
  std::signal(signal, SIG_DFL);
  raise(signal);
}

class CorpusTest : public ::testing::TestWithParam<Target> {};

TEST_P(CorpusTest, EveryInputKeepsTheProperties) {
  std::signal(SIGABRT, SayInput);
#ifndef __SANITIZE_ADDRESS__  // which reports this itself
  std::signal(SIGSEGV, SayInput);
#endif
  std::vector<fs::path> files;
  const fs::path folder = fs::path(UNIRUST_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  ASSERT_GT(files.size(), 10U);
  std::sort(files.begin(), files.end());
  for (const fs::path& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::string input((std::istreambuf_iterator<char>(file)), {});
    ASSERT_TRUE(file.good() || file.eof());
    present = path.string();
    GetParam().run(input);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, CorpusTest, ::testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace unirust::fuzz
