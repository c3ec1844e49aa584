// Tables for people: columns as wide as their widest cell, a rule below the heading. Cells may hold
// any text; control characters are shown escaped. Long listings are printed in blocks, so that
// memory stays bounded and the first rows come at once; the columns of later blocks are at least as
// wide as those before.
//
//   Table table({"kind", "count"}, &out);
//   table.Row({"direct", "7"});
//   table.Finish();
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/output.h"

namespace unirust::cli {

class Table {
 public:
  // `out` must outlive the table.
  Table(std::vector<std::string> heading, Output* out);

  // As many cells as the heading has.
  void Row(const std::vector<std::string>& cells);

  // Prints what is left. Nothing at all if there were no rows.
  void Finish();

  size_t rows() const { return rows_; }

 private:
  void PrintBlock();
  void PrintRow(const std::vector<std::string>& cells);

  std::vector<std::string> heading_;
  Output* out_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> block_;
  size_t rows_ = 0;
  bool heading_printed_ = false;
};

}  // namespace unirust::cli
