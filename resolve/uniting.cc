// Blocks along the links of a level (docs/resolution.md, 3, step 3).
#include <algorithm>
#include <utility>

#include "resolve/disputes.h"
#include "resolve/level_pass.h"

namespace unirust::resolve {

bool LevelPass::Unite() {
  FindFirsts();
  const std::vector<States> sets = ConnectedSets();
  bool settled_met = false;
  for (const States& set : sets) {
    for (NameState* element : set) {
      if (!InSettledPart(*element)) continue;
      ExplodePartOf(*element);
      settled_met = true;
    }
  }
  if (settled_met) return false;
  std::vector<bool> clash_free;
  bool disowned = false;
  for (const States& set : sets) {
    clash_free.push_back(AreClashFree(set));
    if (!clash_free.back()) disowned = ExplodeAdopted(set) || disowned;
  }
  if (disowned) return false;
  for (size_t i = 0; i < sets.size(); ++i) {
    if (clash_free[i]) {
      MergeElements(sets[i]);
    } else {
      Settle(sets[i]);
    }
  }
  for (size_t i = 0; i < grown_.size(); ++i) {
    if (!Is(*grown_[i], &Marks::exploded)) DissolveLonely(*grown_[i]);
  }
  return true;
}

// Of a set in which some clash: what heirs are in for the sake of those that they replaced may hang together no longer,
// so links decide. True if there was any.
bool LevelPass::ExplodeAdopted(const States& set) {
  const absl::flat_hash_set<const NameState*> elements(set.begin(), set.end());
  States adopted;
  for (const auto& [name, replaced] : adopters_) {
    NameState& own = Around(rows_.Name(name));
    if (!elements.contains(&own)) continue;
    for (const auto& [block, gone] : replaced) {
      if (!Is(*block, &Marks::exploded)) adopted.push_back(block);
    }
  }
  for (NameState* block : adopted) Explode(*block);
  return !adopted.empty();
}

// Elements that links or heirs connect, two at least in each set.
std::vector<LevelPass::States> LevelPass::ConnectedSets() {
  States elements;
  const auto index_of = [&](NameState& element) -> size_t {
    if (element.element < elements.size() && elements[element.element] == &element) {
      return element.element;
    }
    element.element = static_cast<uint32_t>(elements.size());
    elements.push_back(&element);
    return element.element;
  };
  std::vector<std::pair<size_t, size_t>> links;
  size_t begin = 0;
  for (const size_t end : knot_ends_) {
    const size_t first = index_of(Around(*knotted_[begin]));
    for (size_t i = begin + 1; i < end; ++i) {
      links.emplace_back(first, index_of(Around(*knotted_[i])));
    }
    begin = end;
  }
  for (const auto& [node, replaced] : adopters_) {
    for (const auto& [block, gone] : replaced) {
      if (Is(*block, &Marks::exploded)) continue;
      const size_t around = index_of(Around(rows_.Name(node)));
      links.emplace_back(around, index_of(*block));
    }
  }
  UnionFind connected(elements.size());
  for (const auto& [a, b] : links) connected.Unite(a, b);
  constexpr size_t kNoSet = ~size_t{0};
  std::vector<size_t> set_of(elements.size(), kNoSet);  // by root
  std::vector<size_t> sizes(elements.size(), 0);
  for (size_t i = 0; i < elements.size(); ++i) ++sizes[connected.Find(i)];
  std::vector<States> sets;
  for (size_t i = 0; i < elements.size(); ++i) {
    const size_t root = connected.Find(i);
    if (sizes[root] < 2) continue;
    if (set_of[root] == kNoSet) {
      set_of[root] = sets.size();
      sets.emplace_back().reserve(sizes[root]);
    }
    sets[set_of[root]].push_back(elements[i]);
  }
  return sets;
}

bool LevelPass::AreClashFree(std::span<NameState* const> elements) {
  if (elements.size() == 2) {
    return !Clash(rows_.SignatureNow(*elements[0]), rows_.SignatureNow(*elements[1]));
  }
  Signatures signatures;
  for (NameState* element : elements) signatures.push_back(&rows_.SignatureNow(*element));
  return MergedIfClashFree(signatures).has_value();
}

// Returns the block of all.
NameState& LevelPass::MergeElements(const States& elements) {
  NameState* target = nullptr;
  uint64_t most = 0;
  std::optional<FirstRecord> first;
  for (NameState* element : elements) {
    const bool is_block = IsBlockHere(*element);
    const uint64_t kids = is_block ? KidCount(rows_.Block(*element).now()) : 0;
    if (is_block && (most == 0 || kids > most)) {
      target = element;
      most = std::max(kids, uint64_t{1});
    }
    if (is_block && kids == 0) continue;  // its first record went with them
    const FirstRecord own = rows_.FirstNow(*element);
    first = first ? Smaller(*first, own) : own;
  }
  if (target == nullptr) {
    target = &rows_.Name(rows_.NewHandle());
    rows_.Block(*target).Edit().level = level_;
  }
  WorkingSet::Content more;
  for (NameState* element : elements) {
    if (element == target) continue;
    const WorkingSet::Content content = rows_.ContentNow(*element);
    more.records += content.records;
    Add(content.strong, &more.strong);
    MoveUnder(*element, *target);
  }
  rows_.ChangeContent(target->name, {}, more);
  rows_.Block(*target).Edit().first = *first;
  Grow(*target);
  return *target;
}

void LevelPass::MoveUnder(NameState& element, NameState& target) {
  Meet(element);
  const States kids = IsBlockHere(element) ? TakeApart(element) : States{&element};
  for (NameState* kid : kids) {
    kid->now.up_level = level_;
    kid->now.up = target.name;
    kid->marks.loose = 0;
    rows_.AddKid(target, *kid);
    Meet(*kid);
  }
}

// A block that is left with one node is that node.
void LevelPass::DissolveLonely(NameState& block) {
  if (KidCount(rows_.Block(block).now()) < 2) TakeApart(block);
}

}  // namespace unirust::resolve
