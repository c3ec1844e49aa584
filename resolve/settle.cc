// Settling (semantics.md, 6.3): linked blocks of which some clash. The runs that hold a piece of
// theirs take their turns in canonical order; each merges what it connects without a clash. Works
// on one part, all in memory.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "resolve/disputes.h"
#include "resolve/level_pass.h"

namespace unirust::resolve {
namespace {

struct SettlingRun {
  const std::vector<std::string>* values = nullptr;
  std::vector<Piece> pieces;
};

// The part while it settles: which of its nodes are one block so far.
class SettlingPart {
 public:
  SettlingPart(const std::vector<NameState*>& nodes, WorkingSet& rows)
      : merged_(nodes.size()), nodes_(nodes) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      index_.emplace(nodes[i], i);
      signatures_.push_back(rows.SignatureNow(*nodes[i]));
    }
  }

  bool Has(const NameState& node) const { return index_.contains(&node); }
  size_t BlockOf(const NameState& node) { return merged_.Find(index_.at(&node)); }
  const Signature& SignatureOf(size_t block) const { return signatures_[block]; }

  // One block of all of `blocks` if no two of them clash.
  void Merge(const std::vector<size_t>& blocks) {
    Signatures signatures;
    for (const size_t block : blocks) signatures.push_back(&signatures_[block]);
    std::optional<Signature> all = MergedIfClashFree(signatures);
    if (!all) return;
    for (const size_t block : blocks) merged_.Unite(blocks[0], block);
    signatures_[merged_.Find(blocks[0])] = *std::move(all);
  }

  std::vector<std::vector<NameState*>> Blocks() {
    std::map<size_t, std::vector<NameState*>> by_root;
    for (size_t i = 0; i < nodes_.size(); ++i) by_root[merged_.Find(i)].push_back(nodes_[i]);
    std::vector<std::vector<NameState*>> out;
    for (auto& [root, nodes] : by_root) out.push_back(std::move(nodes));
    return out;
  }

 private:
  UnionFind merged_;
  const std::vector<NameState*>& nodes_;
  absl::flat_hash_map<const NameState*, size_t> index_;
  std::vector<Signature> signatures_;
};

// One run's turn: 6.1 with the part's blocks as merged so far and all other blocks as the earlier keys left them.
void TakeTurn(const SettlingRun& run, bool hold, uint16_t node_level, WorkingSet& rows,
              SettlingPart& part) {
  std::map<std::pair<bool, uint64_t>, size_t> local;  // (inside, block or node) -> index in this run
  std::vector<const Signature*> signatures;
  std::vector<size_t> inside_block;  // local index -> block of the part
  std::vector<NodePiece> pieces;
  constexpr size_t kOutside = ~size_t{0};
  for (const Piece& piece : run.pieces) {
    NameState& node = rows.BlockNow(rows.Name(store::NameOf(piece.record)), node_level);
    const bool inside = part.Has(node);
    const size_t block = inside ? part.BlockOf(node) : kOutside;
    const auto key = std::pair(inside, inside ? uint64_t{block} : node.name.value());
    const auto [it, inserted] = local.emplace(key, signatures.size());
    if (inserted) {
      signatures.push_back(inside ? &part.SignatureOf(block) : &rows.SignatureNow(node));
      inside_block.push_back(block);
    }
    pieces.push_back({piece.interval, it->second});
  }
  UnionFind connected(signatures.size());
  std::vector<bool> inside;
  for (const size_t block : inside_block) inside.push_back(block != kOutside);
  for (const auto& [a, b] : RunLinksAmong(pieces, signatures, hold, inside)) connected.Unite(a, b);
  std::map<size_t, std::vector<size_t>> sets;
  for (size_t i = 0; i < signatures.size(); ++i) {
    if (inside_block[i] != kOutside) sets[connected.Find(i)].push_back(inside_block[i]);
  }
  for (const auto& [root, blocks] : sets) {
    if (blocks.size() > 1) part.Merge(blocks);
  }
}

}  // namespace

void LevelPass::Settle(const States& elements) {
  States nodes;
  for (NameState* element : elements) {
    if (IsBlockHere(*element)) {
      const States kids = TakeApart(*element);
      nodes.insert(nodes.end(), kids.begin(), kids.end());
    } else {
      nodes.push_back(element);
    }
  }
  std::set<GroupState*> groups;
  for (const NameState* node : nodes) {
    for (const RecordId record : rows_.RecordsNow(node->name)) {
      for (GroupState* group : rows_.GroupsNow(record, key_index_)) groups.insert(group);
    }
  }
  std::vector<SettlingRun> runs;
  for (GroupState* group : groups) {
    AddToFinish(*group, &to_finish_);
    group->calm = false;
    group->whole = true;
    const std::span<const Piece> evidence = rows_.EvidenceNow(*group);
    for (const auto& [first, last] : Chains(evidence)) {
      runs.push_back({&group->values,
                      {evidence.begin() + static_cast<ptrdiff_t>(first),
                       evidence.begin() + static_cast<ptrdiff_t>(last)}});
    }
  }
  std::sort(runs.begin(), runs.end(), [](const SettlingRun& a, const SettlingRun& b) {
    return *a.values != *b.values ? *a.values < *b.values
                                  : a.pieces[0].interval.start < b.pieces[0].interval.start;
  });
  SettlingPart part(nodes, rows_);
  const bool hold = rows_.rules().keys()[key_index_].hold;
  for (const SettlingRun& run : runs) {
    TakeTurn(run, hold, key_index_, rows_, part);
  }
  KeepSettled(part.Blocks());
}

void LevelPass::KeepSettled(const std::vector<States>& blocks) {
  States all;
  for (const States& nodes : blocks) {
    for (NameState* node : nodes) Meet(*node);
    all.push_back(nodes.size() == 1 ? nodes[0] : &MergeElements(nodes));
  }
  if (all.size() < 2) return;
  const BlockName part = rows_.NewHandle();
  PartRow& row = rows_.Part(part).Edit();
  row.level = level_;
  for (NameState* block : all) {
    row.blocks.push_back(block->name);
    block->now.parts.push_back({level_, part});
  }
}

}  // namespace unirust::resolve
