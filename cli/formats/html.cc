// `html`: one self-contained page about a neighbourhood: the picture, the timeline of each entity
// and the conflicts. Static SVG, no script, nothing to load; well-formed XML as well, so that an
// XML parser can check it.
#include <utility>
#include <vector>

#include "cli/display.h"
#include "cli/formats/escape.h"
#include "cli/formats/format.h"
#include "cli/formats/neighbourhood.h"
#include "cli/objects.h"

namespace unirust::cli {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head>
<meta charset="UTF-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>unirust: entities</title>
<style>
body { font: 14px sans-serif; margin: 1.5em; color: #222; }
h1 { font-size: 1.3em; } h2 { font-size: 1.1em; } summary { cursor: pointer; font-weight: bold; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; }
td, th { border: 1px solid #ccc; padding: 3px 8px; text-align: left; vertical-align: top; }
.legend span { display: inline-block; padding: 2px 8px; margin-right: 6px; border-radius: 5px; }
svg text { font: 12px sans-serif; } svg .name, svg .golden { font-weight: bold; }
svg .claim, svg .time { fill: #666; font-size: 11px; } svg .value { font-size: 11px; }
svg path { fill: none; } .card { fill: #fafafa; stroke: #999; } .entity { fill: #f0c419; }
.member { stroke: #999; } .tick { stroke: #ddd; } .same { stroke: #2b8a3e; stroke-width: 1.5; }
.conflict { stroke: #c92a2a; stroke-width: 1.5; stroke-dasharray: 5 3; }
</style>
</head>
<body>
)";

std::string Legend(const Neighbourhood& graph) {
  std::string html = "<p class=\"legend\">";
  for (const auto& [perspective, colour] : graph.colours) {
    html += "<span style=\"background:" + colour + "\">" + XmlText(perspective) + "</span>";
  }
  return html +
         "<br/>Green: the evidence that holds records together (same_as). Red: conflicts_with. "
         "Point at anything for details.</p>\n";
}

std::string Timelines(const Neighbourhood& graph) {
  std::string html =
      "<h2>Over time</h2>\n<p>Golden values, and below each attribute what the records claim. Time "
      "is drawn in order, not to scale.</p>\n";
  for (const auto& [id, entity] : graph.entities) {
    html += "<details open=\"open\"><summary>" + XmlText(id) + "</summary><div class=\"scroll\">" +
            TimelineSvg(graph, entity) + "</div></details>\n";
  }
  return html;
}

// One line each.
template <typename List>
std::string Lines(const List& list) {
  std::vector<std::string> escaped;
  for (const std::string& text : list) escaped.push_back(XmlText(text));
  return Join(escaped, "<br/>");
}

std::string Conflicts(const Neighbourhood& graph) {
  if (graph.conflicts.empty()) return "<h2>No conflicts</h2>\n";
  std::string html =
      "<h2>Conflicts</h2>\n<table><tr><th>kind</th><th>cause</th><th>attribute</th><th>from</th>"
      "<th>to</th><th>values</th><th>records</th></tr>\n";
  for (const proto::GraphItem& item : graph.conflicts) {
    const proto::ConflictSummary& conflict = item.conflict();
    html += "<tr><td>" + XmlText(conflict.kind()) + "</td><td>" + XmlText(conflict.cause()) +
            "</td><td>" + XmlText(conflict.attribute()) + "</td><td>" + TimeText(conflict.start()) +
            "</td><td>" + TimeText(conflict.end()) + "</td><td>" + Lines(conflict.values()) +
            "</td><td>" + Lines(RecordNames(conflict)) + "</td></tr>\n";
  }
  return html + "</table>\n";
}

class HtmlWriter : public MessageWriter {
 public:
  explicit HtmlWriter(std::unique_ptr<Output> out) : out_(std::move(out)) {}

  absl::Status Finish() override {
    ChooseColours();
    out_->Write(kHead);
    out_->Write("<h1>" + std::to_string(graph_.entities.size()) + " entities, " +
                std::to_string(graph_.records.size()) + " records</h1>\n" + Legend(graph_) +
                "<div class=\"scroll\">" + GraphSvg(graph_) + "</div>\n");
    out_->Write(Timelines(graph_));
    out_->Write(Conflicts(graph_));
    out_->Write("</body>\n</html>\n");
    return out_->Close();
  }

 private:
  absl::Status Add(const proto::GraphItem& item) override {
    if (item.has_record()) {
      values_ += static_cast<size_t>(item.record().descriptors_size());
      graph_.records[NameOf(item.record().identity())] = item.record();
    }
    if (item.has_entity()) {
      values_ += static_cast<size_t>(item.entity().golden_size());
      graph_.entities[item.entity().id()] = item.entity();
    }
    if (item.has_conflict()) graph_.conflicts.push_back(item);
    if (item.has_same_as()) graph_.same_as.push_back(item.same_as());
    return CheckSize();
  }

  void ChooseColours() {
    for (const auto& [name, record] : graph_.records) {
      graph_.colours[record.identity().perspective()];
    }
    int hue = 210;
    for (auto& [perspective, colour] : graph_.colours) {
      colour = "hsl(" + std::to_string(hue % 360) + ",60%,82%)";
      hue += 67;
    }
  }

  absl::Status CheckSize() const {
    const size_t edges = graph_.conflicts.size() + graph_.same_as.size();
    if (graph_.records.size() + graph_.entities.size() <= kPageNodesMax && edges <= kPageEdgesMax &&
        values_ <= kPageValuesMax) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        "too much for one page, which shows at most " + std::to_string(kPageNodesMax) +
        " records and entities, " + std::to_string(kPageEdgesMax) + " edges and " +
        std::to_string(kPageValuesMax) +
        " values; name fewer entities with --entity, or choose a format for programs");
  }

  std::unique_ptr<Output> out_;
  Neighbourhood graph_;
  size_t values_ = 0;
};

}  // namespace

std::string ShortText(std::string_view text, size_t characters_max) {
  size_t characters = 0;
  size_t bytes = 0;
  for (; bytes < text.size(); ++bytes) {
    const bool first_byte = (static_cast<unsigned char>(text[bytes]) & 0xC0U) != 0x80U;
    if (first_byte && ++characters > characters_max) return XmlText(text.substr(0, bytes)) + "…";
  }
  return XmlText(text);
}

std::unique_ptr<GraphWriter> NewHtmlWriter(std::unique_ptr<Output> out) {
  return std::make_unique<HtmlWriter>(std::move(out));
}

}  // namespace unirust::cli
