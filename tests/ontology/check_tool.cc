// A program for the tests of the ontology.
//
//   ontology_check_tool < documents      one JSON document a line; prints, line by line, "ok " and
//   the parsed ontology
//                                        as one line of JSON, or the faults
//   ontology_check_tool --sample > FILE  writes the sample archive of the present version
//   (docs/ontology.md)
#include <algorithm>
#include <iostream>
#include <string>
#include <string_view>

#include "ontology/ontology.h"
#include "tests/ontology/sample_ontology.h"

int main(int argc, char** argv) {
  using namespace unirust::ontology;  // NOLINT: a test program
  if (argc > 1 && std::string_view(argv[1]) == "--sample") {
    std::cout << Archive(SampleOntologyV2());
    return std::cout.flush() ? 0 : 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto ontology = ParseOntology(line);
    std::string answer =
        ontology.ok() ? "ok " + ToJson(*ontology) : std::string(ontology.status().message());
    std::replace(answer.begin(), answer.end(), '\n', ' ');
    std::cout << answer << '\n';
  }
  return 0;
}
