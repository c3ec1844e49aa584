#include "resolve/signature.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>

namespace unirust::resolve {
namespace {

auto Place(const StrongRow& row) { return std::tie(row.identifier, row.domain); }

}  // namespace

bool ShareValue(const StrongRow& a, const StrongRow& b) {
  for (size_t i = 0, j = 0; i < a.values.size() && j < b.values.size();) {
    const int order = a.values[i].compare(b.values[j]);
    if (order == 0) return true;
    if (order < 0) {
      ++i;
    } else {
      ++j;
    }
  }
  return false;
}

void Normalize(Signature& signature) {
  if (signature.size() < 2) return;
  std::sort(signature.begin(), signature.end(), [](const StrongRow& a, const StrongRow& b) {
    return std::tie(a.identifier, a.domain, a.values, a.interval) <
           std::tie(b.identifier, b.domain, b.values, b.interval);
  });
  size_t used = 0;
  for (size_t i = 0; i < signature.size(); ++i) {
    StrongRow* last = used > 0 ? &signature[used - 1] : nullptr;
    if (last != nullptr && Place(*last) == Place(signature[i]) &&
        last->values == signature[i].values &&
        signature[i].interval.start <= last->interval.end) {
      last->interval.end = std::max(last->interval.end, signature[i].interval.end);
    } else {
      if (used != i) signature[used] = std::move(signature[i]);
      ++used;
    }
  }
  signature.resize(used);
  std::sort(signature.begin(), signature.end());
}

Signature Merged(const Signature& a, const Signature& b) {
  if (a.empty() || a == b) return b;
  Signature out = a;
  out.insert(out.end(), b.begin(), b.end());
  Normalize(out);
  return out;
}

bool Clash(const Signature& a, const Signature& b) {
  auto b_from = b.begin();
  for (const StrongRow& row : a) {
    while (b_from != b.end() && Place(*b_from) < Place(row)) ++b_from;
    for (auto it = b_from; it != b.end() && Place(*it) == Place(row); ++it) {
      if (it->interval.start >= row.interval.end) break;  // sorted by start within a place
      if (Overlaps(it->interval, row.interval) && !ShareValue(row, *it)) return true;
    }
  }
  return false;
}

StrongCounts CountsOf(const Signature& record) {
  StrongCounts out;
  out.reserve(record.size());
  for (const StrongRow& row : record) out.push_back({row, 1});
  return out;
}

void Add(const StrongCounts& more, StrongCounts* counts) {
  StrongCounts out;
  out.reserve(counts->size() + more.size());
  auto next = counts->begin();
  for (const CountedStrongRow& counted : more) {
    while (next != counts->end() && next->row < counted.row) out.push_back(std::move(*next++));
    if (next != counts->end() && next->row == counted.row) {
      next->records += counted.records;
    } else {
      out.push_back(counted);
    }
  }
  out.insert(out.end(), std::make_move_iterator(next), std::make_move_iterator(counts->end()));
  *counts = std::move(out);
}

bool Subtract(const StrongCounts& less, StrongCounts* counts) {
  auto next = counts->begin();
  for (const CountedStrongRow& counted : less) {
    while (next != counts->end() && next->row < counted.row) ++next;
    if (next == counts->end() || next->row != counted.row || next->records < counted.records) {
      return false;
    }
    next->records -= counted.records;
  }
  std::erase_if(*counts, [](const CountedStrongRow& counted) { return counted.records == 0; });
  return true;
}

bool HasValueSets(const Signature& signature) {
  return std::any_of(signature.begin(), signature.end(),
                     [](const StrongRow& row) { return row.values.size() > 1; });
}

Signature SignatureOf(const StrongCounts& counts) {
  Signature out;
  out.reserve(counts.size());
  for (const CountedStrongRow& counted : counts) out.push_back(counted.row);
  Normalize(out);
  return out;
}

}  // namespace unirust::resolve
