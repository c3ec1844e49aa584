#include "resolve/links.h"

#include <algorithm>
#include <map>

#include "resolve/disputes.h"

namespace unirust::resolve {
namespace {

// Nodes of one signature: they agree, never clash, and are disputed all or none. The empty signature neither clashes
// nor agrees with anything.
struct Classes {
  std::vector<size_t> class_of;    // node -> class; kNone where the node holds no piece
  std::vector<size_t> first_node;  // class -> some node
  Signatures signature;
};
constexpr size_t kNone = ~size_t{0};

Classes Classify(const std::vector<NodePiece>& pieces,
                 const std::vector<const Signature*>& signatures) {
  const auto less = [](const Signature* a, const Signature* b) { return *a < *b; };
  std::map<const Signature*, size_t, decltype(less)> known(less);
  Classes out;
  out.class_of.assign(signatures.size(), kNone);
  for (const NodePiece& piece : pieces) {
    size_t& slot = out.class_of[piece.node];
    if (slot != kNone) continue;
    const auto [it, inserted] = known.emplace(signatures[piece.node], out.first_node.size());
    slot = it->second;
    if (inserted) {
      out.first_node.push_back(piece.node);
      out.signature.push_back(signatures[piece.node]);
    }
  }
  return out;
}

}  // namespace

std::vector<GainedRun> GainedRuns(std::span<const store::Piece> before,
                                  std::span<const store::Piece> now) {
  std::vector<GainedRun> out;
  auto next_old = before.begin();
  for (const auto& [first, last] : Chains(now)) {
    GainedRun run;
    Instant old_reach = kMinTime;
    for (const store::Piece& piece : now.subspan(first, last - first)) {
      if (next_old == before.end() || *next_old != piece) {
        run.added.push_back(piece);
        continue;
      }
      ++next_old;
      if (run.old.empty() || piece.interval.start >= old_reach) {
        run.old.push_back(piece);
        old_reach = piece.interval.end;
      } else {
        old_reach = std::max(old_reach, piece.interval.end);
      }
    }
    if (!run.added.empty()) out.push_back(std::move(run));
  }
  return out;
}

std::vector<std::pair<size_t, size_t>> RunLinks(const std::vector<NodePiece>& pieces,
                                                const std::vector<const Signature*>& signatures,
                                                bool hold) {
  const Classes classes = Classify(pieces, signatures);
  const auto disputes = Disputes(classes.signature);
  std::vector<std::pair<size_t, size_t>> links = Agreements(classes.signature, disputes);
  for (auto& [a, b] : links) {
    a = classes.first_node[a];
    b = classes.first_node[b];
  }
  const auto disputed = [&](size_t c) { return !disputes[c].empty(); };
  for (size_t node = 0; node < signatures.size(); ++node) {
    const size_t c = classes.class_of[node];
    if (c != kNone && classes.first_node[c] != node && !signatures[node]->empty()) {
      links.emplace_back(classes.first_node[c], node);
    }
  }
  const bool mixed = std::any_of(disputes.begin(), disputes.end(),
                                 [](const auto& identifiers) { return !identifiers.empty(); });
  if (mixed && hold) return links;
  std::vector<NodePiece> quiet;
  for (const NodePiece& piece : pieces) {
    if (!disputed(classes.class_of[piece.node])) quiet.push_back(piece);
  }
  for (const auto& [first, last] : Chains(std::span<const NodePiece>(quiet))) {
    for (size_t i = first + 1; i < last; ++i) {
      if (quiet[i].node != quiet[i - 1].node) links.emplace_back(quiet[i - 1].node, quiet[i].node);
    }
  }
  return links;
}

}  // namespace unirust::resolve
