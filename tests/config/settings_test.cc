#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/exit_codes.h"
#include "base/limits.h"
#include "config/programs.h"

namespace unirust::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ProgramText kText{.name = "test_program",
                        .description = "Does a test.",
                        .examples = "  test_program --listen 127.0.0.1:0\n"};

// Runs the command line of a shard and keeps what it printed.
class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::temp_directory_path() /
            ("unirust_settings_test." + std::to_string(::getpid()) + ".toml");
  }
  void TearDown() override {
    std::filesystem::remove(file_);
    for (const std::string& name : set_) ::unsetenv(name.c_str());
  }

  void SetEnvironment(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

  std::string WriteFile(const std::string& text) {
    std::ofstream(file_) << text;
    return file_.string();
  }

  std::optional<int> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "test_program");
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const auto exit_code =
        ParseCommandLine(kText, settings_, static_cast<int>(arguments.size()), arguments.data());
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return exit_code;
  }

  ShardSettings shard_;
  Settings settings_ = Declare(shard_);
  std::string out_;
  std::string error_;

 private:
  std::filesystem::path file_;
  std::vector<std::string> set_;
};

TEST_F(CommandLine, TakesFlagsOverEnvironmentOverFileOverDefault) {
  const std::string file =
      WriteFile("shard-id = 1\nlisten = 'file:1'\nbackup-dir = '/file'\nmemory-budget = '64MiB'\n");
  SetEnvironment("UNIRUST_CONFIG", file);
  SetEnvironment("UNIRUST_LISTEN", "environment:1");
  SetEnvironment("UNIRUST_SHARD_ID", "2");
  EXPECT_EQ(Parse({"--shard-id", "3"}), std::nullopt) << error_;
  EXPECT_EQ(shard_.shard_id, 3U);
  EXPECT_EQ(shard_.listen, "environment:1");
  EXPECT_EQ(shard_.store.backup_dir, "/file");
  EXPECT_EQ(shard_.store.memory_budget.bytes, 64U << 20U);
  EXPECT_EQ(shard_.store.import_dir, "");
}

TEST_F(CommandLine, ReadsEveryTypeFromToml) {
  RouterSettings router;
  Settings settings = Declare(router);
  const std::string file =
      WriteFile("shards = ['a:1', 'b:2']\ndeadline-ms = 5\nlog-level = 'error'\n"
                "log-format = 'json'\nslow-ms = 0\n");
  SetEnvironment("UNIRUST_CONFIG", file);
  ASSERT_TRUE(settings.AssignFromEnvironmentAndFile().ok());
  EXPECT_THAT(router.shards, ElementsAre("a:1", "b:2"));
  EXPECT_EQ(router.deadline_ms, 5U);
  EXPECT_EQ(router.observe.log_level, LogLevel::kError);
  EXPECT_EQ(router.observe.log_format, LogFormat::kJson);
  EXPECT_EQ(router.observe.slow_ms, 0U);
}

TEST_F(CommandLine, SplitsListsAtCommas) {
  RouterSettings router;
  Settings settings = Declare(router);
  SetEnvironment("UNIRUST_SHARDS", "a:1, b:2,,");
  ASSERT_TRUE(settings.AssignFromEnvironmentAndFile().ok());
  EXPECT_THAT(router.shards, ElementsAre("a:1", "b:2"));
}

TEST_F(CommandLine, NamesTheClosestFlagWhenOneIsUnknown) {
  EXPECT_EQ(Parse({"--data-dri=x"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("unknown flag '--data-dri', did you mean --data-dir?"));
  EXPECT_THAT(error_, HasSubstr("Try 'test_program --help'"));
}

TEST_F(CommandLine, RefusesPositionalArguments) {
  EXPECT_EQ(Parse({"somewhere"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("unexpected argument 'somewhere'"));
}

TEST_F(CommandLine, RefusesMalformedValuesNamingTheSource) {
  EXPECT_EQ(Parse({"--shard-id", "4294967296"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("--shard-id: '4294967296' is not a number from 0 to 4294967295"));
  EXPECT_EQ(Parse({"--log-format", "xml"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("--log-format: 'xml' is not text or json"));
  SetEnvironment("UNIRUST_MEMORY_BUDGET", "512MB");
  EXPECT_EQ(Parse({}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("UNIRUST_MEMORY_BUDGET: '512MB' is not a size"));
  SetEnvironment("UNIRUST_MEMORY_BUDGET", "99999999TiB");
  EXPECT_EQ(Parse({}), kExitUsage);
}

TEST_F(CommandLine, RefusesUnknownKeysAndMalformedFiles) {
  const std::string file = WriteFile("lisen = 'x'\n");
  EXPECT_EQ(Parse({"--config", file.c_str()}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("unknown key 'lisen', did you mean listen?"));
  WriteFile("listen = \n");
  EXPECT_EQ(Parse({"--config", file.c_str()}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr(file + ":1: "));
  WriteFile("[listen]\nport = 1\n");
  EXPECT_EQ(Parse({"--config", file.c_str()}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("value of 'listen' is not a string"));
  EXPECT_EQ(Parse({"--config", "/nowhere/at/all.toml"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("cannot be read"));
}

TEST_F(CommandLine, TeachesWithHelpAndVersion) {
  EXPECT_EQ(Parse({"--help"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("UNIRUST_MEMORY_BUDGET, default 512MiB"));
  EXPECT_THAT(out_, HasSubstr("test_program --listen 127.0.0.1:0"));
  EXPECT_EQ(Parse({"--version"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("test_program 0."));
}

TEST(Settings, SuggestNothingWhenNothingIsClose) {
  EXPECT_EQ(DidYouMean("colour", {"--listen", "--data-dir"}), "");
}

TEST(StoreSettings, NeedExactlyOnePlaceForTheData) {
  StoreSettings store;
  EXPECT_FALSE(CheckStore(store).ok());
  store.data_dir = "d";
  EXPECT_TRUE(CheckStore(store).ok());
  store.ephemeral = true;
  EXPECT_FALSE(CheckStore(store).ok());
  store.data_dir.clear();
  EXPECT_TRUE(CheckStore(store).ok());
}

TEST_F(CommandLine, TakesDurationsWithAUnit) {
  for (const auto& [text, seconds] : std::map<std::string, uint64_t>{
           {"90s", 90}, {"30m", 1800}, {"6h", 21600}, {"1d", 86400}, {"366d", 366 * 86400}}) {
    SetEnvironment("UNIRUST_BACKUP_EVERY", text);
    EXPECT_EQ(Parse({}), std::nullopt) << error_;
    EXPECT_EQ(shard_.store.backup_every.seconds, seconds) << text;
    settings_ = Declare(shard_);
    EXPECT_THAT(MarkdownTable(settings_), HasSubstr("`" + text + "`"));
  }
  for (const char* text : {"90", "h", "1w", "-1s", "1.5h", "367d", "99999999999999999999s", "1 h"}) {
    EXPECT_EQ(Parse({"--backup-every", text}), kExitUsage) << text;
    EXPECT_THAT(error_, HasSubstr("is not a duration such as 90s"));
  }
}

TEST(StoreSettings, BackupsNeedAPlaceAndAreKept) {
  StoreSettings store;
  store.ephemeral = true;
  store.backup_every.seconds = 60;
  EXPECT_FALSE(CheckStore(store).ok());
  store.backup_dir = "b";
  EXPECT_TRUE(CheckStore(store).ok());
  store.backup_keep = 0;
  EXPECT_FALSE(CheckStore(store).ok());
}

TEST_F(CommandLine, TakesUnitsOfTheRetentionClock) {
  EXPECT_EQ(Parse({"--retention-clock", "milliseconds"}), std::nullopt) << error_;
  EXPECT_EQ(shard_.store.retention_clock, ClockUnit::kMilliseconds);
  EXPECT_EQ(Parse({"--retention-clock", "hours"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("'hours' is not none, days, seconds, milliseconds"));
}

TEST(StoreSettings, RetentionByTheClockTakesTime) {
  StoreSettings store;
  store.ephemeral = true;
  store.retention_every.seconds = 0;
  EXPECT_FALSE(CheckStore(store).ok());
}

TEST(StoreSettings, NeedEnoughMemory) {
  StoreSettings store;
  store.ephemeral = true;
  store.memory_budget.bytes = limits::kMemoryBudgetBytesMin;
  EXPECT_TRUE(CheckStore(store).ok());
  --store.memory_budget.bytes;
  EXPECT_FALSE(CheckStore(store).ok());
}

TEST(ConfigurationPage, HoldsTheTablesOfThePrograms) {
  std::ifstream file(UNIRUST_DOCS "/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  ShardSettings shard;
  RouterSettings router;
  ServeSettings serve;
  EXPECT_THAT(page.str(), HasSubstr("## unirust_shard\n\n" + MarkdownTable(Declare(shard))));
  EXPECT_THAT(page.str(), HasSubstr("## unirust_router\n\n" + MarkdownTable(Declare(router))));
  EXPECT_THAT(page.str(), HasSubstr("## unirust serve\n\n" + MarkdownTable(Declare(serve))));
}

}  // namespace
}  // namespace unirust::config
