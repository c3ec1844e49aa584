// What a measurement found, for people and programs.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace unirust::bench {

struct Figure {
  std::string name;  // with its unit, as docs/performance.md explains it: "records_per_second"
  double value = 0;
  int decimals = 0;
};

// Figures in the order in which they are to be read.
class Figures {
 public:
  // What is no number is left out: a rate over no time.
  void Add(std::string name, double value, int decimals = 0) {
    if (std::isfinite(value)) list_.push_back({std::move(name), value, decimals});
  }
  // Of microseconds, in any order: NAME_p50_micros, NAME_p99_micros and NAME_max_micros; none if
  // there are none.
  void AddLatencies(const std::string& name, std::vector<uint64_t> micros);

  const std::vector<Figure>& list() const { return list_; }
  std::optional<double> Find(const std::string& name) const;

 private:
  std::vector<Figure> list_;
};

struct Report {
  Figures figures;
  std::vector<Figures> slices;  // of an ingest, one behind another
};

}  // namespace unirust::bench
