// Every format is read back by a program that is not ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/formats/format.h"
#include "cli/formats/names.h"
#include "tests/cli/foreign.h"
#include "tests/cli/nasty_graph.h"

namespace unirust::cli {
namespace {

using testing::HasSubstr;

class FormatsTest : public testing::Test {
 protected:
  FormatsTest() { std::filesystem::create_directory(directory_); }
  ~FormatsTest() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string Export(const std::string& format, const std::vector<proto::GraphItem>& items) const {
    const std::string path = Path(format);
    const auto writer = NewGraphWriter(format, path);
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (const proto::GraphItem& item : items) {
      const absl::Status status = (*writer)->Add(item.SerializeAsString());
      EXPECT_TRUE(status.ok()) << status;
    }
    const absl::Status status = (*writer)->Finish();
    EXPECT_TRUE(status.ok()) << status;
    return path;
  }

  // The output of a foreign program, which must succeed.
  static std::string Foreign(const std::string& command) {
    int exit_code = 0;
    const std::string output = RunShell(command, &exit_code);
    EXPECT_EQ(exit_code, 0) << command << "\n" << output;
    return output;
  }

  static std::string ReadBack(const std::string& reader, const std::string& path) {
    return Foreign(std::string("python3 ") + UNIRUST_TEST_DIR + "/read_back.py " + reader + " " +
                   path);
  }

  static size_t Count(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
    return count;
  }

  const std::string directory_ = testing::TempDir() + "/formats-" + std::to_string(getpid());
};

size_t Edges() { return NastyTexts().size() - 1; }  // of each kind but member_of

// As Python's json prints what a parser saw: the texts whose characters XML can carry come back as
// they are, the others with U+FFFD.
void ExpectTexts(const std::string& seen) {
  EXPECT_THAT(seen, HasSubstr(R"(a \"quoted\" 'name')"));
  EXPECT_THAT(seen, HasSubstr(R"(<script>alert(1)</script> & &amp; ]]>)"));
  EXPECT_THAT(seen, HasSubstr(R"(back\\slash \\n \\N \\)"));
  EXPECT_THAT(seen, HasSubstr(R"({curly} | [square] $HOME `id` #)"));
  EXPECT_THAT(seen, HasSubstr(R"(Zo\u00eb \u6771\u4eac \ud83d\ude00)"));
  EXPECT_THAT(seen, HasSubstr(R"(control \ufffd\ufffd)"));
  EXPECT_THAT(seen, HasSubstr(R"(noncharacters \ufffd\ufffd)"));
  EXPECT_THAT(seen, HasSubstr(R"(zero\ufffdbyte)"));
}

TEST_F(FormatsTest, GraphMlIsXmlWithEveryNameIntact) {
  UNIRUST_NEEDS("xmllint");
  UNIRUST_NEEDS("python3");
  const std::string path = Export("graphml", NastyGraph());
  EXPECT_EQ(Foreign("xmllint --noout " + path), "");
  const std::string seen = ReadBack("graphml", path);
  ExpectTexts(seen);
  EXPECT_THAT(seen, HasSubstr(R"("uid": "two\nlines\r\nand\ttab")"));
  EXPECT_EQ(Count(seen, "\"kind\": \"record\""), NastyTexts().size());
  EXPECT_EQ(Count(seen, "\"kind\": \"entity\""), 1U);
  EXPECT_EQ(Count(seen, "\"type\": \"member_of\""), NastyTexts().size());
  EXPECT_EQ(Count(seen, "\"type\": \"same_as\""), Edges());
  EXPECT_EQ(Count(seen, "\"type\": \"conflicts_with\""), Edges());
  EXPECT_THAT(seen, HasSubstr(R"("start": "-9223372036854775808")"));
}

TEST_F(FormatsTest, GraphMlKeepsNodesApartThatDifferOnlyInForbiddenCharacters) {
  UNIRUST_NEEDS("python3");
  std::vector<proto::GraphItem> items(3);
  *items[0].mutable_record() = NastyRecord("a\x01");
  *items[1].mutable_record() = NastyRecord("a\x02");
  *items[2].mutable_record() = NastyRecord("a%01");
  const std::string seen = ReadBack("graphml", Export("graphml", items));
  for (const char* id : {"record:thing/source/a%01\"", "record:thing/source/a%02\"",
                         "record:thing/source/a%2501\""}) {
    EXPECT_EQ(Count(seen, id), 1U) << id;
  }
}

TEST_F(FormatsTest, DotIsDrawnWithEveryLabelIntact) {
  UNIRUST_NEEDS("dot");
  UNIRUST_NEEDS("python3");
  const std::string seen = ReadBack("dot", Export("dot", NastyGraph()));
  EXPECT_THAT(seen, HasSubstr(R"(thing/source/a \"quoted\" 'name')"));
  EXPECT_THAT(seen, HasSubstr(R"(<script>alert(1)<%2Fscript> & &amp; ]]>)"));
  EXPECT_THAT(seen, HasSubstr(R"(back\\slash \\n \\N \\)"));
  EXPECT_THAT(seen, HasSubstr(R"(["thing/source/two", "lines)"));
  EXPECT_THAT(seen, HasSubstr(R"(Zo\u00eb \u6771\u4eac \ud83d\ude00)"));
  EXPECT_THAT(seen, HasSubstr(R"(control \ufffd\ufffd)"));
  // Nodes that an edge names by another id would be drawn as further nodes.
  EXPECT_EQ(Count(seen, "\n"), (NastyTexts().size() + 1) + NastyTexts().size() + 2 * Edges());
}

TEST_F(FormatsTest, Neo4jCsvIsReadByAStrictReader) {
  UNIRUST_NEEDS("python3");
  const std::string directory = Export("neo4j-csv", NastyGraph());
  const std::string nodes = ReadBack("csv", directory + "/nodes.csv");
  ExpectTexts(nodes);
  EXPECT_THAT(nodes, HasSubstr(R"("uid": "two\nlines\r\nand\ttab")"));
  EXPECT_EQ(Count(nodes, "\":LABEL\": \"Record\""), NastyTexts().size());
  EXPECT_EQ(Count(nodes, "\":LABEL\": \"Entity\""), 1U);
  EXPECT_EQ(Count(nodes, "null"), 0U) << "a row with too few fields";
  const std::string relationships = ReadBack("csv", directory + "/relationships.csv");
  EXPECT_EQ(Count(relationships, "\":TYPE\": \"MEMBER_OF\""), NastyTexts().size());
  EXPECT_EQ(Count(relationships, "\":TYPE\": \"SAME_AS\""), Edges());
  EXPECT_EQ(Count(relationships, "\":TYPE\": \"CONFLICTS_WITH\""), Edges());
  EXPECT_EQ(Count(relationships, "null"), 0U) << "a row with too few fields";
  EXPECT_THAT(relationships, HasSubstr(R"("start:long": "-5")"));
}

TEST_F(FormatsTest, Neo4jCsvNeedsADirectory) {
  const auto writer = NewGraphWriter("neo4j-csv", "");
  EXPECT_TRUE(absl::IsInvalidArgument(writer.status()));
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("--out"));
}

TEST_F(FormatsTest, NTriplesAreRdf) {
  UNIRUST_NEEDS("rapper");
  const std::string path = Export("ntriples", NastyGraph());
  const std::string seen = Foreign("rapper -q -i ntriples -o ntriples " + path);
  size_t lines = 0;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) ++lines;
  EXPECT_EQ(Count(seen, "\n"), lines);
  EXPECT_THAT(seen, HasSubstr(R"("a \"quoted\" 'name'")"));
  EXPECT_THAT(seen, HasSubstr(R"("two\nlines\r\nand\ttab")"));
  EXPECT_THAT(seen, HasSubstr("<urn:unirust:record/thing/source/semi%3Bcolon%2C%20comma>"));
  EXPECT_EQ(Count(seen, "<urn:unirust:vocabulary#sameAs>"), Edges());
  EXPECT_EQ(Count(seen, "<urn:unirust:vocabulary#conflictsWith>"), Edges());
  EXPECT_EQ(Count(seen, "<urn:unirust:vocabulary#memberOf>"), NastyTexts().size());
}

TEST_F(FormatsTest, HtmlIsOneWellFormedPageThatLoadsNothing) {
  UNIRUST_NEEDS("xmllint");
  UNIRUST_NEEDS("python3");
  const std::string path = Export("html", NastyGraph());
  EXPECT_EQ(Foreign("xmllint --noout " + path), "");
  ExpectTexts(ReadBack("html", path));
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  for (const char* loader : {"<script", "src=", "href=", "url(", "@import"}) {
    EXPECT_EQ(Count(text.str(), loader), 0U) << loader;
  }
  EXPECT_EQ(Count(text.str(), "class=\"same\""), Edges());
  EXPECT_EQ(Count(text.str(), "class=\"conflict\""), Edges());
}

TEST_F(FormatsTest, HtmlIsTheSameEveryTime) {
  const auto page = [this] {
    std::ostringstream text;
    text << std::ifstream(Export("html", NastyGraph())).rdbuf();
    return text.str();
  };
  EXPECT_EQ(page(), page());
}

TEST_F(FormatsTest, HtmlRefusesMoreThanAPageCanShow) {
  const auto writer = NewGraphWriter("html", Path("page.html"));
  ASSERT_TRUE(writer.ok()) << writer.status();
  absl::Status status;
  int added = 0;
  while (status.ok() && added < 1000) {
    proto::GraphItem item;
    *item.mutable_record() = NastyRecord(std::to_string(++added));
    status = (*writer)->Add(item.SerializeAsString());
  }
  EXPECT_EQ(added, 301);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--entity"));
}

TEST_F(FormatsTest, EmptyGraphIsValidInEveryFormat) {
  UNIRUST_NEEDS("xmllint");
  UNIRUST_NEEDS("dot");
  for (const std::string& format : GraphFormats()) Export(format, {});
  EXPECT_EQ(Foreign("xmllint --noout " + Path("graphml") + " " + Path("html")), "");
  Foreign("dot -Tcanon " + Path("dot"));
  EXPECT_EQ(std::filesystem::file_size(Path("canonical")), 0U);
  EXPECT_EQ(std::filesystem::file_size(Path("ntriples")), 0U);
}

}  // namespace
}  // namespace unirust::cli
