// The picture of a neighbourhood. Each entity is a card, its records are rows joined to it by a
// trunk (member_of); same_as edges are arcs on the right of a card, conflicts_with edges dashed
// arcs further out or curves between cards.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "cli/display.h"
#include "cli/formats/escape.h"
#include "cli/formats/neighbourhood.h"
#include "model/record.h"

namespace unirust::cli {
namespace {

constexpr int kCardWidth = 330;
constexpr int kGap = 90;  // between columns: room for the arcs
constexpr int kRowHeight = 26;
constexpr int kHeadHeight = 34;
constexpr int kMargin = 20;
constexpr size_t kColumns = 3;
constexpr size_t kLabelCharacters = 44;

struct Point {
  int x = 0;
  int y = 0;
};

std::string N(int number) { return std::to_string(number); }

std::string Text(int x, int y, std::string_view css, std::string_view text) {
  return "<text x=\"" + N(x) + "\" y=\"" + N(y) + "\" class=\"" + std::string(css) + "\">" +
         ShortText(text, kLabelCharacters) + "</text>";
}

// Places cards in the shortest column and remembers where each record's row ends on the right.
class Layout {
 public:
  explicit Layout(const Neighbourhood& graph) : graph_(graph) {
    bottom_.fill(kMargin);
    for (const auto& [id, entity] : graph.entities) Place(entity);
  }

  int width() const {
    return 2 * kMargin +
           static_cast<int>(std::min(kColumns, graph_.entities.size())) * (kCardWidth + kGap);
  }
  int height() const { return *std::max_element(bottom_.begin(), bottom_.end()) + kMargin; }
  const std::string& cards() const { return cards_; }

  // The right end of a record's row; null if the record is not on the page.
  const Point* Row(const std::string& record) const {
    const auto found = rows_.find(record);
    return found == rows_.end() ? nullptr : &found->second;
  }

 private:
  void Place(const proto::GraphEntity& entity) {
    const auto lowest = std::min_element(bottom_.begin(), bottom_.end());
    const int x = kMargin + static_cast<int>(lowest - bottom_.begin()) * (kCardWidth + kGap);
    const int y = *lowest;
    const int height = kHeadHeight + entity.records_size() * kRowHeight + 8;
    cards_ += "<g><rect class=\"card\" x=\"" + N(x) + "\" y=\"" + N(y) + "\" width=\"" +
              N(kCardWidth) + "\" height=\"" + N(height) + "\" rx=\"8\"/><circle class=\"entity\"" +
              " cx=\"" + N(x + 16) + "\" cy=\"" + N(y + 17) + "\" r=\"7\"/>" +
              Text(x + 30, y + 22, "name", entity.id()) + "<title>" + XmlText(entity.id()) +
              "</title></g>\n";
    for (int i = 0; i < entity.records_size(); ++i) {
      PlaceRecord(entity.records(i), x, y, y + kHeadHeight + i * kRowHeight);
    }
    *lowest = y + height + kMargin;
  }

  void PlaceRecord(const std::string& name, int card_x, int card_y, int y) {
    const absl::StatusOr<Identity> identity = ParseRecordName(name);
    const auto colour = graph_.colours.find(identity.ok() ? identity->perspective : "");
    const std::string fill = colour == graph_.colours.end() ? "#eee" : colour->second;
    const int middle = y + kRowHeight / 2;
    cards_ += "<path class=\"member\" d=\"M" + N(card_x + 16) + " " + N(card_y + 24) + "V" +
              N(middle) + "H" + N(card_x + 30) + "\"/><g><rect x=\"" + N(card_x + 30) + "\" y=\"" +
              N(y + 3) + "\" width=\"" + N(kCardWidth - 38) + "\" height=\"" + N(kRowHeight - 6) +
              "\" rx=\"5\" fill=\"" + fill + "\"/>" + Text(card_x + 38, middle + 4, "row", name) +
              "<title>" + XmlText(name) + "</title></g>\n";
    rows_[name] = {card_x + kCardWidth - 8, middle};
  }

  const Neighbourhood& graph_;
  std::array<int, kColumns> bottom_{};
  std::map<std::string, Point> rows_;
  std::string cards_;
};

// A curve between two rows: it leaves both to the right, further out the further they are apart.
std::string Curve(const Point& a, const Point& b, std::string_view css, int bulge,
                  const std::string& title) {
  const int out = std::max(a.x, b.x) + bulge + std::min(40, std::abs(a.y - b.y) / 8);
  return "<path class=\"" + std::string(css) + "\" d=\"M" + N(a.x) + " " + N(a.y) + "C" + N(out) +
         " " + N(a.y) + " " + N(out) + " " + N(b.y) + " " + N(b.x) + " " + N(b.y) + "\"><title>" +
         XmlText(title) + "</title></path>\n";
}

std::string ConflictCurves(const Layout& layout, const proto::GraphItem& item) {
  std::string svg;
  const proto::ConflictSummary& conflict = item.conflict();
  const std::string title = conflict.kind() + ": " + conflict.attribute() + " " +
                            Join(conflict.values(), ", ") + " " + IntervalText(conflict);
  for (int i = 1; i < item.conflict_nodes_size(); ++i) {
    const Point* source = layout.Row(item.conflict_nodes(0));
    const Point* target = layout.Row(item.conflict_nodes(i));
    if (source != nullptr && target != nullptr) {
      svg += Curve(*source, *target, "conflict", 45, title);
    }
  }
  return svg;
}

}  // namespace

std::string GraphSvg(const Neighbourhood& graph) {
  const Layout layout(graph);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + N(layout.width()) +
                    "\" height=\"" + N(layout.height()) + "\" role=\"img\">\n" + layout.cards();
  for (const proto::GraphSameAs& edge : graph.same_as) {
    const Point* source = layout.Row(edge.source());
    const Point* target = layout.Row(edge.target());
    if (source == nullptr || target == nullptr) continue;
    svg += Curve(*source, *target, "same", 20,
                 edge.key() + ": " + Join(edge.values(), ", ") + " " + IntervalText(edge));
  }
  for (const proto::GraphItem& item : graph.conflicts) svg += ConflictCurves(layout, item);
  return svg + "</svg>\n";
}

}  // namespace unirust::cli
