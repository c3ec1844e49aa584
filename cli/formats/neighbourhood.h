// What the HTML page shows: a few entities with their records and edges, and the two pictures of
// them as SVG. The layout is a pure function of the items, in integers, so that the page is the
// same on every machine.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "proto/unirust.pb.h"

namespace unirust::cli {

inline constexpr size_t kPageNodesMax = 300;     // records and entities of one page
inline constexpr size_t kPageEdgesMax = 3000;    // same_as edges and conflicts
inline constexpr size_t kPageValuesMax = 20000;  // descriptors and golden values

struct Neighbourhood {
  std::map<std::string, proto::RecordSnapshot> records;  // by name
  std::map<std::string, proto::GraphEntity> entities;    // by id
  std::vector<proto::GraphItem> conflicts;               // with their conflict_nodes
  std::vector<proto::GraphSameAs> same_as;
  std::map<std::string, std::string> colours;  // of the perspectives, the same in both pictures
};

// Entities as cards, their records as rows of them, and the edges between the rows.
std::string GraphSvg(const Neighbourhood& graph);

// The golden values of one entity over time, each above the claims of its records. Time is drawn to
// order, not to scale: the distance between two boundaries means nothing, since the store does not
// know their unit.
std::string TimelineSvg(const Neighbourhood& graph, const proto::GraphEntity& entity);

// Escaped for XML, cut to `characters_max` with an ellipsis.
std::string ShortText(std::string_view text, size_t characters_max);

}  // namespace unirust::cli
