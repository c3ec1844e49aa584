#include "cli/table.h"

#include <algorithm>
#include <utility>

#include "cli/display.h"

namespace unirust::cli {
namespace {

constexpr size_t kBlockRows = 200;
constexpr size_t kPaddedWidthMax = 60;  // one long cell must not push the other rows apart

}  // namespace

Table::Table(std::vector<std::string> heading, Output* out)
    : heading_(std::move(heading)), out_(out) {
  for (const std::string& cell : heading_) widths_.push_back(DisplayWidth(cell));
}

void Table::Row(const std::vector<std::string>& cells) {
  std::vector<std::string> row;
  for (size_t i = 0; i < cells.size(); ++i) {
    row.push_back(Printable(cells[i]));
    widths_[i] = std::max(widths_[i], std::min(kPaddedWidthMax, DisplayWidth(row.back())));
  }
  block_.push_back(std::move(row));
  ++rows_;
  if (block_.size() == kBlockRows) PrintBlock();
}

void Table::Finish() { PrintBlock(); }

void Table::PrintBlock() {
  if (block_.empty()) return;
  if (!std::exchange(heading_printed_, true)) {
    PrintRow(heading_);
    std::vector<std::string> rule;
    for (const size_t width : widths_) rule.push_back(std::string(width, '-'));
    PrintRow(rule);
  }
  for (const auto& row : block_) PrintRow(row);
  block_.clear();
}

void Table::PrintRow(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 == cells.size()) break;
    const size_t width = DisplayWidth(cells[i]);
    line.append(width < widths_[i] ? widths_[i] - width : 0, ' ');
    line += "  ";
  }
  out_->Write(line + "\n");
}

}  // namespace unirust::cli
