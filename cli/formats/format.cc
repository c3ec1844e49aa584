#include "cli/formats/format.h"

#include <utility>

#include "base/status_macros.h"
#include "cli/formats/names.h"

namespace unirust::cli {
namespace {

struct Format {
  std::string_view name;
  std::unique_ptr<GraphWriter> (*create)(std::unique_ptr<Output>);  // null: writes a directory
};

constexpr Format kFormats[] = {
    {"canonical", NewCanonicalWriter},
    {"jsonl", NewJsonLinesWriter},
    {"graphml", NewGraphMlWriter},
    {"dot", NewDotWriter},
    {"neo4j-csv", nullptr},
    {"ntriples", NewNTriplesWriter},
    {"html", NewHtmlWriter},
};

}  // namespace

const std::vector<std::string>& GraphFormats() {
  static const auto* const kNames = [] {
    auto* names = new std::vector<std::string>;
    for (const Format& format : kFormats) names->emplace_back(format.name);
    return names;
  }();
  return *kNames;
}

absl::Status MessageWriter::Add(std::string_view item) {
  if (!item_.ParseFromArray(item.data(), static_cast<int>(item.size()))) {
    return absl::InternalError("an item of the graph does not decode");
  }
  return Add(item_);
}

absl::StatusOr<std::unique_ptr<GraphWriter>> NewGraphWriter(std::string_view format,
                                                            const std::string& path) {
  for (const Format& known : kFormats) {
    if (known.name != format) continue;
    if (known.create == nullptr) return NewNeo4jCsvWriter(path);
    UNIRUST_ASSIGN_OR_RETURN(auto out, Output::Open(path));
    return known.create(std::move(out));
  }
  return absl::InvalidArgumentError("unknown format " + std::string(format));
}

}  // namespace unirust::cli
