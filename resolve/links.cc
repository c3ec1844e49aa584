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

// Who is disputed in one run, by classes.
class RunView {
 public:
  RunView(const std::vector<NodePiece>& pieces, const std::vector<const Signature*>& signatures)
      : classes_(Classify(pieces, signatures)), disputes_(Disputes(classes_.signature)) {}

  // Enough to connect those who agree; without one of the nodes the others may fall apart.
  NodeLinks Agreements(const std::vector<const Signature*>& signatures) const {
    NodeLinks links = resolve::Agreements(classes_.signature, disputes_);
    for (auto& [a, b] : links) {
      a = classes_.first_node[a];
      b = classes_.first_node[b];
    }
    for (size_t node = 0; node < signatures.size(); ++node) {
      const size_t c = classes_.class_of[node];
      if (c != kNone && classes_.first_node[c] != node && !signatures[node]->empty()) {
        links.emplace_back(classes_.first_node[c], node);
      }
    }
    return links;
  }

  // What time chains link: each of the nodes among which links are wanted with the next one of its chain. Null: all.
  NodeLinks Chained(const std::vector<NodePiece>& pieces, bool hold,
                    const std::vector<bool>* among) const {
    const bool mixed = std::any_of(disputes_.begin(), disputes_.end(),
                                   [](const auto& identifiers) { return !identifiers.empty(); });
    if (mixed && hold) return {};
    std::vector<NodePiece> quiet;
    for (const NodePiece& piece : pieces) {
      if (disputes_[classes_.class_of[piece.node]].empty()) quiet.push_back(piece);
    }
    NodeLinks links;
    for (const auto& [first, last] : Chains(std::span<const NodePiece>(quiet))) {
      size_t before = kNone;
      for (size_t i = first; i < last; ++i) {
        const size_t node = quiet[i].node;
        if (among != nullptr && !(*among)[node]) continue;
        if (before != kNone && before != node) links.emplace_back(before, node);
        before = node;
      }
    }
    return links;
  }

 private:
  const Classes classes_;
  const std::vector<std::vector<uint16_t>> disputes_;  // class -> identifiers on which it clashes
};

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

NodeLinks RunLinks(const std::vector<NodePiece>& pieces,
                   const std::vector<const Signature*>& signatures, bool hold) {
  const RunView run(pieces, signatures);
  NodeLinks links = run.Agreements(signatures);
  const NodeLinks chained = run.Chained(pieces, hold, nullptr);
  links.insert(links.end(), chained.begin(), chained.end());
  return links;
}

NodeLinks RunLinksAmong(const std::vector<NodePiece>& pieces,
                        const std::vector<const Signature*>& signatures, bool hold,
                        const std::vector<bool>& among) {
  std::vector<NodePiece> own;
  for (const NodePiece& piece : pieces) {
    if (among[piece.node]) own.push_back(piece);
  }
  NodeLinks links = RunView(own, signatures).Agreements(signatures);
  const NodeLinks chained = RunView(pieces, signatures).Chained(pieces, hold, &among);
  links.insert(links.end(), chained.begin(), chained.end());
  return links;
}

}  // namespace unirust::resolve
