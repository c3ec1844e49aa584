// The formats of `unirust export` behind one interface. A writer is fed graph items as ExportGraph streams them and
// keeps none of them (canonical: at most its sort buffer; html: a neighbourhood of limited size).
//
//   UNIRUST_ASSIGN_OR_RETURN(auto writer, NewGraphWriter("graphml", path));
//   UNIRUST_RETURN_IF_ERROR(writer->Add(item));  // the bytes of a GraphItem
//   UNIRUST_RETURN_IF_ERROR(writer->Finish());
//
// docs/graph-export.md describes each format. Writers are not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/output.h"
#include "proto/unirust.pb.h"

namespace unirust::cli {

class GraphWriter {
 public:
  virtual ~GraphWriter() = default;

  // Takes the bytes of a GraphItem. Stops the export if it is not OK: the output cannot be written, or the graph does
  // not fit the format. INTERNAL if the bytes do not decode.
  virtual absl::Status Add(std::string_view item) = 0;

  // Completes the output, which only now appears under its name.
  virtual absl::Status Finish() = 0;
};

// Of the formats that want items as messages.
class MessageWriter : public GraphWriter {
 public:
  absl::Status Add(std::string_view item) final;

 private:
  virtual absl::Status Add(const proto::GraphItem& item) = 0;

  proto::GraphItem item_;
};

// `format` is one of GraphFormats(). A writer to `path`: a file, or a directory for neo4j-csv.
// Empty: standard output, which neo4j-csv refuses.
absl::StatusOr<std::unique_ptr<GraphWriter>> NewGraphWriter(std::string_view format,
                                                            const std::string& path);

// One constructor per format; each owns its output.
std::unique_ptr<GraphWriter> NewCanonicalWriter(std::unique_ptr<Output> out);
std::unique_ptr<GraphWriter> NewJsonLinesWriter(std::unique_ptr<Output> out);
std::unique_ptr<GraphWriter> NewGraphMlWriter(std::unique_ptr<Output> out);
std::unique_ptr<GraphWriter> NewDotWriter(std::unique_ptr<Output> out);
std::unique_ptr<GraphWriter> NewNTriplesWriter(std::unique_ptr<Output> out);
std::unique_ptr<GraphWriter> NewHtmlWriter(std::unique_ptr<Output> out);
absl::StatusOr<std::unique_ptr<GraphWriter>> NewNeo4jCsvWriter(const std::string& directory);

}  // namespace unirust::cli
