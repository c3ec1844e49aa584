// The timeline of one entity: a row for each golden value, and below it a row for each claim of
// that attribute.
#include <algorithm>
#include <set>
#include <tuple>

#include "cli/display.h"
#include "cli/formats/escape.h"
#include "cli/formats/neighbourhood.h"
#include "model/time.h"

namespace unirust::cli {
namespace {

constexpr int kLabelWidth = 300;
constexpr int kAxisWidthMin = 560;
constexpr int kSegmentWidthMin = 30;
constexpr int kRowHeight = 20;
constexpr int kHeadHeight = 60;  // room for the slanted tick labels
constexpr size_t kLabelCharacters = 42;
constexpr std::string_view kGoldenColour = "#f0c419";

std::string N(int number) { return std::to_string(number); }

// One row: a value of an attribute and when it holds. Golden rows come before claims, claims by
// record.
struct Row {
  std::string attribute;
  bool claim = false;
  std::string record;  // claims only
  std::string perspective;
  std::string value;
  std::vector<Interval> intervals;

  auto Key() const { return std::tie(attribute, claim, record, value); }
};

template <typename Descriptor>
void AddRow(Row row, const Descriptor& descriptor, std::vector<Row>* rows) {
  row.attribute = descriptor.attr();
  row.value = descriptor.value();
  row.intervals = {{descriptor.start(), descriptor.end()}};
  rows->push_back(std::move(row));
}

// Sorted, with the intervals of one value in one row.
std::vector<Row> Rows(const Neighbourhood& graph, const proto::GraphEntity& entity) {
  std::vector<Row> rows;
  for (const proto::GoldenDescriptor& golden : entity.golden()) AddRow({}, golden, &rows);
  for (const std::string& name : entity.records()) {
    const auto record = graph.records.find(name);
    if (record == graph.records.end()) continue;
    Row row;
    row.claim = true;
    row.record = name;
    row.perspective = record->second.identity().perspective();
    for (const auto& descriptor : record->second.descriptors()) AddRow(row, descriptor, &rows);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.Key() < b.Key(); });
  std::vector<Row> joined;
  for (Row& row : rows) {
    if (!joined.empty() && joined.back().Key() == row.Key()) {
      joined.back().intervals.push_back(row.intervals.front());
    } else {
      joined.push_back(std::move(row));
    }
  }
  return joined;
}

// Where the finite boundaries stand: evenly, in order. Unbounded ends are the edges of the picture.
class Axis {
 public:
  explicit Axis(const std::vector<Row>& rows) {
    std::set<Instant> distinct;
    for (const Row& row : rows) {
      for (const Interval& interval : row.intervals) {
        if (interval.start != kMinTime) distinct.insert(interval.start);
        if (interval.end != kMaxTime) distinct.insert(interval.end);
      }
    }
    boundaries_.assign(distinct.begin(), distinct.end());
    const int segments = static_cast<int>(boundaries_.size()) + 1;
    segment_width_ = std::max(kSegmentWidthMin, kAxisWidthMin / segments);
    width_ = segments * segment_width_;
  }

  int width() const { return width_; }
  const std::vector<Instant>& boundaries() const { return boundaries_; }
  int Position(Instant instant) const {
    if (instant == kMinTime) return kLabelWidth;
    if (instant == kMaxTime) return kLabelWidth + width_;
    const auto found = std::lower_bound(boundaries_.begin(), boundaries_.end(), instant);
    return kLabelWidth + (static_cast<int>(found - boundaries_.begin()) + 1) * segment_width_;
  }

 private:
  std::vector<Instant> boundaries_;
  int segment_width_ = 0;
  int width_ = 0;
};

std::string Ticks(const Axis& axis, int height) {
  std::string svg;
  for (const Instant boundary : axis.boundaries()) {
    const std::string x = N(axis.Position(boundary));
    const std::string y = N(kHeadHeight - 8);
    svg += "<path class=\"tick\" d=\"M" + x + " " + y + "V" + N(height) + "\"/><text x=\"" + x +
           "\" y=\"" + y + "\" class=\"time\" transform=\"rotate(-40 " + x + " " + y + ")\">" +
           std::to_string(boundary) + "</text>\n";
  }
  return svg;
}

std::string Bar(const Axis& axis, const Row& row, const Interval& interval, int y,
                const std::string& colour) {
  const int from = axis.Position(interval.start);
  const int width = std::max(1, axis.Position(interval.end) - from);
  const std::string when = IntervalText(interval.start, interval.end);
  return "<g><rect x=\"" + N(from) + "\" y=\"" + N(y + 2) + "\" width=\"" + N(width) +
         "\" height=\"" + N(kRowHeight - 4) + "\" rx=\"3\" fill=\"" + colour + "\"/><text x=\"" +
         N(from + 4) + "\" y=\"" + N(y + 14) + "\" class=\"value\">" +
         ShortText(row.value, static_cast<size_t>(std::max(1, width / 7))) + "</text><title>" +
         XmlText(row.attribute + " = " + row.value + " " + when + (row.claim ? "\n" : "") +
                 row.record) +
         "</title></g>";
}

std::string RowSvg(const Neighbourhood& graph, const Axis& axis, const Row& row, int y) {
  const std::string colour =
      row.claim ? graph.colours.at(row.perspective) : std::string(kGoldenColour);
  std::string svg = "<text x=\"" + N(row.claim ? 24 : 8) + "\" y=\"" + N(y + 14) + "\" class=\"" +
                    (row.claim ? "claim" : "golden") + "\">" +
                    ShortText(row.claim ? row.record : row.attribute, kLabelCharacters) + "</text>";
  for (const Interval& interval : row.intervals) svg += Bar(axis, row, interval, y, colour);
  return svg + "\n";
}

}  // namespace

std::string TimelineSvg(const Neighbourhood& graph, const proto::GraphEntity& entity) {
  const std::vector<Row> rows = Rows(graph, entity);
  const Axis axis(rows);
  std::string body;
  std::string attribute;
  int y = kHeadHeight;
  for (const Row& row : rows) {
    if (row.attribute != attribute) {
      attribute = row.attribute;
      y += 6;
      // An attribute on which the records always disagree has no golden row that would name it.
      if (row.claim) {
        body += "<text x=\"8\" y=\"" + N(y + 14) + "\" class=\"golden\">" +
                ShortText(attribute, kLabelCharacters) + " (no golden value)</text>\n";
        y += kRowHeight;
      }
    }
    body += RowSvg(graph, axis, row, y);
    y += kRowHeight;
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + N(kLabelWidth + axis.width() + 20) +
         "\" height=\"" + N(y + 10) + "\" role=\"img\">\n" + Ticks(axis, y) + body + "</svg>\n";
}

}  // namespace unirust::cli
