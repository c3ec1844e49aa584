// `graphml`: nodes and edges with typed attributes, for yEd, Gephi, networkx and the like.
#include <utility>

#include "cli/formats/escape.h"
#include "cli/formats/format.h"
#include "cli/objects.h"

namespace unirust::cli {
namespace {

constexpr std::string_view kHead = R"(<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="kind" for="node" attr.name="kind" attr.type="string"/>
<key id="name" for="node" attr.name="name" attr.type="string"/>
<key id="entity_type" for="node" attr.name="entity_type" attr.type="string"/>
<key id="perspective" for="node" attr.name="perspective" attr.type="string"/>
<key id="uid" for="node" attr.name="uid" attr.type="string"/>
<key id="descriptors" for="node" attr.name="descriptors" attr.type="string"/>
<key id="golden" for="node" attr.name="golden" attr.type="string"/>
<key id="type" for="edge" attr.name="type" attr.type="string"/>
<key id="key" for="edge" attr.name="key" attr.type="string"/>
<key id="values" for="edge" attr.name="values" attr.type="string"/>
<key id="start" for="edge" attr.name="start" attr.type="long"/>
<key id="end" for="edge" attr.name="end" attr.type="long"/>
<key id="conflict_kind" for="edge" attr.name="conflict_kind" attr.type="string"/>
<key id="cause" for="edge" attr.name="cause" attr.type="string"/>
<key id="attribute" for="edge" attr.name="attribute" attr.type="string"/>
<graph id="unirust" edgedefault="directed">
)";

std::string Data(std::string_view key, std::string_view value) {
  return "<data key=\"" + std::string(key) + "\">" + XmlText(value) + "</data>";
}

std::string OpenNode(std::string_view kind, std::string_view name, std::string_view entity_type) {
  return "<node id=\"" + XmlText(NodeId(kind, name)) + "\">" + Data("kind", kind) +
         Data("name", name) + Data("entity_type", entity_type);
}

// An edge from a record; `target` is a node id.
std::string OpenEdge(std::string_view source, const std::string& target, std::string_view type) {
  return "<edge source=\"" + XmlText(NodeId("record", source)) + "\" target=\"" + XmlText(target) +
         "\">" + Data("type", type);
}

template <typename Dated>
std::string IntervalData(const Dated& dated) {
  return Data("start", std::to_string(dated.start())) + Data("end", std::to_string(dated.end()));
}

class GraphMlWriter : public MessageWriter {
 public:
  explicit GraphMlWriter(std::unique_ptr<Output> out) : out_(std::move(out)) { out_->Write(kHead); }

  absl::Status Finish() override {
    out_->Write("</graph>\n</graphml>\n");
    return out_->Close();
  }

 private:
  absl::Status Add(const proto::GraphItem& item) override {
    if (item.has_record()) AddRecord(item.record());
    if (item.has_entity()) AddEntity(item.entity());
    if (item.has_conflict()) AddConflict(item);
    if (item.has_same_as()) AddSameAs(item.same_as());
    return out_->status();
  }

  void AddRecord(const proto::RecordSnapshot& record) {
    const proto::RecordIdentity& identity = record.identity();
    out_->Write(OpenNode("record", NameOf(identity), identity.entity_type()) +
                Data("perspective", identity.perspective()) + Data("uid", identity.uid()) +
                Data("descriptors", DescriptorsJson(record.descriptors())) + "</node>\n");
  }

  void AddEntity(const proto::GraphEntity& entity) {
    out_->Write(OpenNode("entity", entity.id(), entity.entity_type()) +
                Data("golden", DescriptorsJson(entity.golden())) + "</node>\n");
    for (const std::string& record : entity.records()) {
      out_->Write(OpenEdge(record, NodeId("entity", entity.id()), "member_of") + "</edge>\n");
    }
  }

  void AddConflict(const proto::GraphItem& item) {
    const proto::ConflictSummary& conflict = item.conflict();
    for (int i = 1; i < item.conflict_nodes_size(); ++i) {
      out_->Write(OpenEdge(item.conflict_nodes(0), NodeId("record", item.conflict_nodes(i)),
                           "conflicts_with") +
                  Data("key", conflict.key()) + Data("values", JsonStrings(conflict.values())) +
                  IntervalData(conflict) + Data("conflict_kind", conflict.kind()) +
                  Data("cause", conflict.cause()) + Data("attribute", conflict.attribute()) +
                  "</edge>\n");
    }
  }

  void AddSameAs(const proto::GraphSameAs& edge) {
    out_->Write(OpenEdge(edge.source(), NodeId("record", edge.target()), "same_as") +
                Data("key", edge.key()) + Data("values", JsonStrings(edge.values())) +
                IntervalData(edge) + "</edge>\n");
  }

  std::unique_ptr<Output> out_;
};

}  // namespace

std::unique_ptr<GraphWriter> NewGraphMlWriter(std::unique_ptr<Output> out) {
  return std::make_unique<GraphMlWriter>(std::move(out));
}

}  // namespace unirust::cli
