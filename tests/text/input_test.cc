#include "text/input.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/text/temp_file.h"

namespace unirust::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kMapping[] =
    R"({"entity_type": {"constant": "p"}, "perspective": {"constant": "c"}, "uid": "id", "attributes": {"a": "a"}})";

std::vector<std::string> Items(WriteReader* reader) {
  std::vector<std::string> items;
  Write write;
  uint64_t line = 0;
  while (true) {
    const absl::StatusOr<bool> more = reader->Next(&write, &line);
    if (more.ok() && !*more) return items;
    items.push_back(more.ok() ? std::to_string(line) + ": " + RecordName(write.identity)
                              : std::string(more.status().message()));
  }
}

std::vector<std::string> Items(const std::string& path, const std::string& mapping) {
  auto reader = WriteReader::Open(path, mapping);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return reader.ok() ? Items(reader->get()) : std::vector<std::string>{};
}

std::string Line(const std::string& uid) {
  return R"({"entity_type": "p", "perspective": "c", "uid": ")" + uid + R"(", "descriptors": []})";
}

// Standard input is `path` while this lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : saved_(dup(STDIN_FILENO)) {
    const int fd = open(path.c_str(), O_RDONLY);
    dup2(fd, STDIN_FILENO);
    close(fd);
  }
  ~StandardInput() {
    dup2(saved_, STDIN_FILENO);
    close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
};

TEST(WriteReader, ReadsJsonLinesAndGoesOnAfterBadOnes) {
  const TempFile file(Line("1") + "\r\n\n \t\n{bad\n" + Line("") + "\n" + Line("2"), ".jsonl");
  EXPECT_THAT(Items(file.path(), ""), ElementsAre("1: p/c/1", HasSubstr("line 4: not JSON"),
                                                  HasSubstr("line 5: uid: "), "6: p/c/2"));
}

TEST(WriteReader, ReadsCsvByItsName) {
  const TempFile mapping(kMapping);
  const TempFile file("id,a\n1,x\n2\n3,y\n", ".csv");
  EXPECT_THAT(Items(file.path(), mapping.path()),
              ElementsAre("line 3: 1 cells, the header has 2", "2: p/c/1", "4: p/c/3"));
}

TEST(WriteReader, ReadsJsonLinesWhateverTheMapping) {
  const TempFile mapping(kMapping);
  const TempFile file(Line("1"), ".txt");
  EXPECT_THAT(Items(file.path(), mapping.path()), ElementsAre("1: p/c/1"));
}

TEST(WriteReader, ReadsStandardInput) {
  const TempFile mapping(kMapping);
  const TempFile lines(Line("1"));
  const TempFile csv("id,a\n7,x\n");
  {
    const StandardInput input(lines.path());
    EXPECT_THAT(Items("-", ""), ElementsAre("1: p/c/1"));
  }
  const StandardInput input(csv.path());
  EXPECT_THAT(Items("-", mapping.path()), ElementsAre("2: p/c/7"));
}

TEST(WriteReader, TellsWhyItCannotOpen) {
  const TempFile bad_mapping("{}");
  const TempFile mapping(kMapping);
  const TempFile csv("uid\n", ".csv");
  EXPECT_EQ(WriteReader::Open("/nonexistent.jsonl", "").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(WriteReader::Open(csv.path(), "/nonexistent").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(WriteReader::Open(csv.path(), "").status().message()),
              HasSubstr("needs a mapping"));
  EXPECT_THAT(std::string(WriteReader::Open(csv.path(), bad_mapping.path()).status().message()),
              HasSubstr(bad_mapping.path() + ": entity_type"));
  EXPECT_THAT(std::string(WriteReader::Open(csv.path(), mapping.path()).status().message()),
              HasSubstr(csv.path() + ": the header lacks"));
}

}  // namespace
}  // namespace unirust::text
