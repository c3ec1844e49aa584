// `ntriples`: RDF. Nodes are IRIs made of their names; what has a time (a descriptor, a golden
// value, an edge) is a blank node of its own. A list of values is an RDF container (rdf:_1, rdf:_2,
// ...), which keeps its order.
#include <cstdint>
#include <utility>

#include "cli/formats/escape.h"
#include "cli/formats/format.h"
#include "cli/objects.h"

namespace unirust::cli {
namespace {

constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

std::string Node(std::string_view kind, std::string_view name) {
  return "<urn:unirust:" + std::string(kind) + "/" + IriPath(name) + ">";
}

std::string Term(std::string_view name) {
  return "<urn:unirust:vocabulary#" + std::string(name) + ">";
}

std::string Rdf(std::string_view name) { return "<" + std::string(kRdf) + std::string(name) + ">"; }

std::string Long(int64_t value) {
  return "\"" + std::to_string(value) + "\"^^<http://www.w3.org/2001/XMLSchema#long>";
}

class NTriplesWriter : public MessageWriter {
 public:
  explicit NTriplesWriter(std::unique_ptr<Output> out) : out_(std::move(out)) {}

  absl::Status Finish() override { return out_->Close(); }

 private:
  absl::Status Add(const proto::GraphItem& item) override {
    if (item.has_record()) AddRecord(item.record());
    if (item.has_entity()) AddEntity(item.entity());
    if (item.has_conflict()) AddConflict(item);
    if (item.has_same_as()) AddSameAs(item.same_as());
    return out_->status();
  }

  void Triple(std::string_view subject, std::string_view predicate, std::string_view object) {
    std::string line(subject);
    line.append(" ").append(predicate).append(" ").append(object).append(" .\n");
    out_->Write(line);
  }

  void Literal(std::string_view subject, std::string_view term, std::string_view text) {
    Triple(subject, Term(term), NTriplesLiteral(text));
  }

  // A new blank node of an interval: "_:n7", with its class and times.
  template <typename Dated>
  std::string Interval(std::string_view type, const Dated& dated) {
    const std::string node = "_:n" + std::to_string(++blank_nodes_);
    Triple(node, Rdf("type"), Term(type));
    Triple(node, Term("start"), Long(dated.start()));
    Triple(node, Term("end"), Long(dated.end()));
    return node;
  }

  template <typename Descriptors>
  void AddDescriptors(const std::string& subject, std::string_view term, std::string_view type,
                      const Descriptors& descriptors) {
    for (const auto& descriptor : descriptors) {
      const std::string node = Interval(type, descriptor);
      Literal(node, "attribute", descriptor.attr());
      Literal(node, "value", descriptor.value());
      Triple(subject, Term(term), node);
    }
  }

  void AddValues(const std::string& subject,
                 const google::protobuf::RepeatedPtrField<std::string>& values) {
    for (int i = 0; i < values.size(); ++i) {
      Triple(subject, Rdf("_" + std::to_string(i + 1)), NTriplesLiteral(values[i]));
    }
  }

  void AddRecord(const proto::RecordSnapshot& record) {
    const proto::RecordIdentity& identity = record.identity();
    const std::string node = Node("record", NameOf(identity));
    Triple(node, Rdf("type"), Term("Record"));
    Literal(node, "entityType", identity.entity_type());
    Literal(node, "perspective", identity.perspective());
    Literal(node, "uid", identity.uid());
    AddDescriptors(node, "descriptor", "Descriptor", record.descriptors());
  }

  void AddEntity(const proto::GraphEntity& entity) {
    const std::string node = Node("entity", entity.id());
    Triple(node, Rdf("type"), Term("Entity"));
    Literal(node, "entityType", entity.entity_type());
    AddDescriptors(node, "golden", "GoldenValue", entity.golden());
    for (const std::string& record : entity.records()) {
      Triple(Node("record", record), Term("memberOf"), node);
    }
  }

  void AddConflict(const proto::GraphItem& item) {
    const proto::ConflictSummary& conflict = item.conflict();
    const std::string node = Interval("Conflict", conflict);
    Literal(node, "kind", conflict.kind());
    Literal(node, "cause", conflict.cause());
    Literal(node, "attribute", conflict.attribute());
    if (!conflict.key().empty()) Literal(node, "key", conflict.key());
    AddValues(node, conflict.values());
    for (const std::string& record : RecordNames(conflict)) {
      Triple(node, Term("record"), Node("record", record));
    }
    for (const std::string& entity : conflict.entities()) {
      Triple(node, Term("entity"), Node("entity", entity));
    }
    for (int i = 1; i < item.conflict_nodes_size(); ++i) {
      Triple(Node("record", item.conflict_nodes(0)), Term("conflictsWith"),
             Node("record", item.conflict_nodes(i)));
    }
  }

  void AddSameAs(const proto::GraphSameAs& edge) {
    const std::string source = Node("record", edge.source());
    const std::string target = Node("record", edge.target());
    Triple(source, Term("sameAs"), target);
    const std::string node = Interval("SameAs", edge);
    Triple(node, Term("source"), source);
    Triple(node, Term("target"), target);
    Literal(node, "key", edge.key());
    AddValues(node, edge.values());
  }

  std::unique_ptr<Output> out_;
  uint64_t blank_nodes_ = 0;
};

}  // namespace

std::unique_ptr<GraphWriter> NewNTriplesWriter(std::unique_ptr<Output> out) {
  return std::make_unique<NTriplesWriter>(std::move(out));
}

}  // namespace unirust::cli
