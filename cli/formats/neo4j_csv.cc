// `neo4j-csv`: nodes.csv and relationships.csv in one directory, for `neo4j-admin database import`.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "cli/formats/escape.h"
#include "cli/formats/format.h"
#include "cli/objects.h"

namespace unirust::cli {
namespace {

constexpr std::string_view kNodesHeader =
    ":ID,:LABEL,name,entity_type,perspective,uid,descriptors,golden\n";
constexpr std::string_view kRelationshipsHeader =
    ":START_ID,:END_ID,:TYPE,key,values,start:long,end:long,conflict_kind,cause,attribute\n";

// One line of quoted fields.
std::string Row(std::initializer_list<std::string_view> fields) {
  std::string row;
  for (const std::string_view field : fields) {
    if (!row.empty()) row += ',';
    row += CsvField(field);
  }
  return row += '\n';
}

class Neo4jCsvWriter : public MessageWriter {
 public:
  Neo4jCsvWriter(std::unique_ptr<Output> nodes, std::unique_ptr<Output> relationships)
      : nodes_(std::move(nodes)), relationships_(std::move(relationships)) {
    nodes_->Write(kNodesHeader);
    relationships_->Write(kRelationshipsHeader);
  }

  absl::Status Finish() override {
    UNIRUST_RETURN_IF_ERROR(nodes_->Close());
    return relationships_->Close();
  }

 private:
  absl::Status Add(const proto::GraphItem& item) override {
    if (item.has_record()) AddRecord(item.record());
    if (item.has_entity()) AddEntity(item.entity());
    if (item.has_conflict()) AddConflict(item);
    if (item.has_same_as()) AddSameAs(item.same_as());
    UNIRUST_RETURN_IF_ERROR(nodes_->status());
    return relationships_->status();
  }

  void AddRecord(const proto::RecordSnapshot& record) {
    const proto::RecordIdentity& identity = record.identity();
    const std::string name = NameOf(identity);
    nodes_->Write(
        Row({NodeId("record", name), "Record", name, identity.entity_type(), identity.perspective(),
             identity.uid(), DescriptorsJson(record.descriptors()), ""}));
  }

  void AddEntity(const proto::GraphEntity& entity) {
    const std::string id = NodeId("entity", entity.id());
    nodes_->Write(Row({id, "Entity", entity.id(), entity.entity_type(), "", "", "",
                       DescriptorsJson(entity.golden())}));
    for (const std::string& record : entity.records()) {
      relationships_->Write(
          Row({NodeId("record", record), id, "MEMBER_OF", "", "", "", "", "", "", ""}));
    }
  }

  void AddConflict(const proto::GraphItem& item) {
    const proto::ConflictSummary& conflict = item.conflict();
    for (int i = 1; i < item.conflict_nodes_size(); ++i) {
      relationships_->Write(
          Row({NodeId("record", item.conflict_nodes(0)), NodeId("record", item.conflict_nodes(i)),
               "CONFLICTS_WITH", conflict.key(), JsonStrings(conflict.values()),
               std::to_string(conflict.start()), std::to_string(conflict.end()), conflict.kind(),
               conflict.cause(), conflict.attribute()}));
    }
  }

  void AddSameAs(const proto::GraphSameAs& edge) {
    relationships_->Write(
        Row({NodeId("record", edge.source()), NodeId("record", edge.target()), "SAME_AS",
             edge.key(), JsonStrings(edge.values()), std::to_string(edge.start()),
             std::to_string(edge.end()), "", "", ""}));
  }

  std::unique_ptr<Output> nodes_;
  std::unique_ptr<Output> relationships_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GraphWriter>> NewNeo4jCsvWriter(const std::string& directory) {
  if (directory.empty() || directory == "-") {
    return absl::InvalidArgumentError("neo4j-csv writes two files: name a directory with --out");
  }
  if (mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) {
    return absl::NotFoundError("cannot create the directory " + directory + ": " +
                               std::strerror(errno));
  }
  UNIRUST_ASSIGN_OR_RETURN(auto nodes, Output::Open(directory + "/nodes.csv"));
  UNIRUST_ASSIGN_OR_RETURN(auto relationships, Output::Open(directory + "/relationships.csv"));
  return std::make_unique<Neo4jCsvWriter>(std::move(nodes), std::move(relationships));
}

}  // namespace unirust::cli
