#include "bench/report.h"

#include <algorithm>

namespace unirust::bench {

void Figures::AddLatencies(const std::string& name, std::vector<uint64_t> micros) {
  if (micros.empty()) return;
  std::sort(micros.begin(), micros.end());
  const auto at = [&](double part) {
    return static_cast<double>(
        micros[static_cast<size_t>(part * static_cast<double>(micros.size() - 1))]);
  };
  Add(name + "_p50_micros", at(0.5));
  Add(name + "_p99_micros", at(0.99));
  Add(name + "_max_micros", at(1));
}

std::optional<double> Figures::Find(const std::string& name) const {
  for (const Figure& figure : list_) {
    if (figure.name == name) return figure.value;
  }
  return std::nullopt;
}

}  // namespace unirust::bench
