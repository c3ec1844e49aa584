// `dot`: a picture for Graphviz. Labels are short; the data is in the other formats.
#include <utility>

#include "cli/display.h"
#include "cli/formats/escape.h"
#include "cli/formats/format.h"
#include "cli/objects.h"
#include "model/time.h"

namespace unirust::cli {
namespace {

constexpr std::string_view kHead = R"(digraph unirust {
  charset="UTF-8";
  node [fontname="sans-serif", fontsize=10];
  edge [fontname="sans-serif", fontsize=8];
)";

std::string Node(std::string_view kind, std::string_view name, std::string_view shape) {
  return "  " + DotId(NodeId(kind, name)) + " [label=" + DotLabel(name) +
         ", shape=" + std::string(shape) + "];\n";
}

// An edge from a record; `target` is a node id.
std::string Edge(std::string_view source, const std::string& target, std::string_view label,
                 std::string_view style) {
  return "  " + DotId(NodeId("record", source)) + " -> " + DotId(target) +
         " [label=" + DotLabel(label) + ", " + std::string(style) + "];\n";
}

// "\n[start, end)", empty for an unbounded interval.
template <typename Dated>
std::string WhenText(const Dated& dated) {
  return dated.start() == kMinTime && dated.end() == kMaxTime ? "" : "\n" + IntervalText(dated);
}

class DotWriter : public MessageWriter {
 public:
  explicit DotWriter(std::unique_ptr<Output> out) : out_(std::move(out)) { out_->Write(kHead); }

  absl::Status Finish() override {
    out_->Write("}\n");
    return out_->Close();
  }

 private:
  absl::Status Add(const proto::GraphItem& item) override {
    if (item.has_record()) {
      out_->Write(Node("record", NameOf(item.record().identity()), "box"));
    }
    if (item.has_entity()) AddEntity(item.entity());
    if (item.has_conflict()) AddConflict(item);
    if (item.has_same_as()) AddSameAs(item.same_as());
    return out_->status();
  }

  void AddEntity(const proto::GraphEntity& entity) {
    out_->Write(Node("entity", entity.id(), "ellipse"));
    for (const std::string& record : entity.records()) {
      out_->Write(Edge(record, NodeId("entity", entity.id()), "", "color=gray"));
    }
  }

  void AddConflict(const proto::GraphItem& item) {
    const proto::ConflictSummary& conflict = item.conflict();
    const std::string label =
        conflict.attribute() + ": " + Join(conflict.values(), ", ") + WhenText(conflict);
    for (int i = 1; i < item.conflict_nodes_size(); ++i) {
      out_->Write(Edge(item.conflict_nodes(0), NodeId("record", item.conflict_nodes(i)), label,
                       "color=red, style=dashed"));
    }
  }

  void AddSameAs(const proto::GraphSameAs& edge) {
    out_->Write(Edge(edge.source(), NodeId("record", edge.target()),
                     edge.key() + ": " + Join(edge.values(), ", ") + WhenText(edge),
                     "dir=none, color=darkgreen"));
  }

  std::unique_ptr<Output> out_;
};

}  // namespace

std::unique_ptr<GraphWriter> NewDotWriter(std::unique_ptr<Output> out) {
  return std::make_unique<DotWriter>(std::move(out));
}

}  // namespace unirust::cli
