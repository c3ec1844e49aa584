#include "resolve/disputes.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <tuple>

namespace unirust::resolve {
namespace {

struct Voice {
  const StrongRow* row;
  size_t signature;
};

auto Place(const Voice& voice) { return std::tie(voice.row->identifier, voice.row->domain); }

// The rows of all signatures, ordered by identifier, domain and start.
std::vector<Voice> Voices(const Signatures& signatures) {
  std::vector<Voice> out;
  for (size_t i = 0; i < signatures.size(); ++i) {
    for (const StrongRow& row : *signatures[i]) out.push_back({&row, i});
  }
  std::stable_sort(out.begin(), out.end(), [](const Voice& a, const Voice& b) {
    return std::tie(a.row->identifier, a.row->domain, a.row->interval.start) <
           std::tie(b.row->identifier, b.row->domain, b.row->interval.start);
  });
  return out;
}

// Of rows ordered by start, each of one value: which of them overlap a row of another value. Of the rows that start
// earlier the two that end last, of different values, tell; of those that start later the next of another value.
void DisputeSingleValues(std::span<const Voice> rows, std::vector<bool>* disputed) {
  const auto value = [&](size_t i) -> std::string_view { return rows[i].row->values[0]; };
  const auto end = [&](size_t i) { return rows[i].row->interval.end; };
  const auto start = [&](size_t i) { return rows[i].row->interval.start; };
  constexpr size_t kNone = ~size_t{0};
  size_t last = kNone;         // ends last of all
  size_t last_other = kNone;   // ends last of those with another value than `last`
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t rival = last != kNone && value(last) == value(i) ? last_other : last;
    if (rival != kNone && end(rival) > start(i)) (*disputed)[i] = true;
    if (last == kNone || end(i) > end(last)) {
      if (last != kNone && value(last) != value(i)) last_other = last;
      last = i;
    } else if (value(last) != value(i) && (last_other == kNone || end(i) > end(last_other))) {
      last_other = i;
    }
  }
  size_t next_other = kNone;
  for (size_t i = rows.size(); i-- > 0;) {
    if (i + 1 < rows.size() && value(i + 1) != value(i)) next_other = i + 1;
    if (next_other != kNone && start(next_other) < end(i)) (*disputed)[i] = true;
  }
}

void DisputeValueSets(std::span<const Voice> rows, std::vector<bool>* disputed) {
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = i + 1; j < rows.size(); ++j) {
      if (rows[j].row->interval.start >= rows[i].row->interval.end) break;
      if (!ShareValue(*rows[i].row, *rows[j].row)) (*disputed)[i] = (*disputed)[j] = true;
    }
  }
}

// A row that holds a certain value, among others perhaps.
struct Holder {
  std::string_view value;
  Voice voice;
};

// The signatures that agree on one value around one time: which of them are connected so far.
class AgreeingParts {
 public:
  AgreeingParts(const Signatures& signatures,
                const std::vector<std::vector<uint16_t>>& disputes,
                std::vector<std::pair<size_t, size_t>>* links)
      : signatures_(signatures), disputes_(disputes), links_(links) {}

  // Voices come ordered by start.
  void Add(const Voice& voice) {
    std::vector<Voice> own = {voice};
    std::erase_if(parts_, [&](std::vector<Voice>& part) {
      if (!Joins(voice, &part)) return part.empty();
      if (own.size() < part.size()) own.swap(part);
      own.insert(own.end(), part.begin(), part.end());
      return true;
    });
    parts_.push_back(std::move(own));
  }

 private:
  // Draws a link to one of the part, if there is one. Forgets those on the way that have ended: nothing meets them any
  // more.
  bool Joins(const Voice& voice, std::vector<Voice>* part) {
    for (size_t i = part->size(); i-- > 0;) {
      const Voice other = (*part)[i];
      if (other.row->interval.end <= voice.row->interval.start) {
        (*part)[i] = part->back();
        part->pop_back();
      } else if (Links(voice, other)) {
        if (other.signature != voice.signature) {
          links_->emplace_back(other.signature, voice.signature);
        }
        return true;
      }
    }
    return false;
  }

  bool Links(const Voice& a, const Voice& b) const {
    if (disputes_[a.signature].empty() || disputes_[b.signature].empty()) return true;
    return !Clash(*signatures_[a.signature], *signatures_[b.signature]);
  }

  const Signatures& signatures_;
  const std::vector<std::vector<uint16_t>>& disputes_;
  std::vector<std::pair<size_t, size_t>>* links_;
  std::vector<std::vector<Voice>> parts_;
};

}  // namespace

std::vector<std::vector<uint16_t>> Disputes(const Signatures& signatures) {
  std::vector<std::vector<uint16_t>> out(signatures.size());
  const std::vector<Voice> voices = Voices(signatures);
  for (auto first = voices.begin(), last = first; first != voices.end(); first = last) {
    last = std::find_if(first, voices.end(),
                        [&](const Voice& voice) { return Place(voice) != Place(*first); });
    const std::span<const Voice> rows(first, last);
    std::vector<bool> disputed(rows.size(), false);
    const bool single = std::all_of(first, last, [](const Voice& voice) {
      return voice.row->values.size() == 1;
    });
    single ? DisputeSingleValues(rows, &disputed) : DisputeValueSets(rows, &disputed);
    for (size_t i = 0; i < rows.size(); ++i) {
      std::vector<uint16_t>& identifiers = out[rows[i].signature];
      if (!disputed[i]) continue;
      if (identifiers.empty() || identifiers.back() != rows[i].row->identifier) {
        identifiers.push_back(rows[i].row->identifier);
      }
    }
  }
  return out;
}

std::vector<std::pair<size_t, size_t>> Agreements(
    const Signatures& signatures, const std::vector<std::vector<uint16_t>>& disputes) {
  std::vector<Holder> holders;
  for (const Voice& voice : Voices(signatures)) {
    for (const std::string& value : voice.row->values) holders.push_back({value, voice});
  }
  std::stable_sort(holders.begin(), holders.end(), [](const Holder& a, const Holder& b) {
    return std::tuple_cat(Place(a.voice), std::tie(a.value)) <
           std::tuple_cat(Place(b.voice), std::tie(b.value));
  });
  std::vector<std::pair<size_t, size_t>> links;
  for (auto first = holders.begin(), last = first; first != holders.end(); first = last) {
    AgreeingParts parts(signatures, disputes, &links);
    for (; last != holders.end() && Place(last->voice) == Place(first->voice) &&
           last->value == first->value;
         ++last) {
      parts.Add(last->voice);
    }
  }
  return links;
}

std::optional<Signature> MergedIfClashFree(const Signatures& signatures) {
  if (signatures.size() == 2) {
    if (Clash(*signatures[0], *signatures[1])) return std::nullopt;
    return Merged(*signatures[0], *signatures[1]);
  }
  const auto disputes = Disputes(signatures);
  const bool clash = std::any_of(disputes.begin(), disputes.end(),
                                 [](const auto& identifiers) { return !identifiers.empty(); });
  if (clash) return std::nullopt;
  Signature all;
  for (const Signature* signature : signatures) {
    all.insert(all.end(), signature->begin(), signature->end());
  }
  Normalize(all);
  return all;
}

}  // namespace unirust::resolve
