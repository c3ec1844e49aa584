// What a View holds: one state of the store with the ontology that it was resolved under.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "resolve/entity_reader.h"
#include "resolve/graph.h"
#include "shard/config.h"
#include "shard/engine.h"
#include "shard/metrics.h"

namespace unirust::shard {

struct View::State {
  State(std::shared_ptr<const Config> in_force, store::Reader reader,
        interner::Interner& interner, Metrics& metrics)
      : config(std::move(in_force)),
        context{.reader = std::move(reader),
                .rules = &config->rules,
                .interner = &interner},
        open_views(metrics.open_views) {
    ++open_views;
  }
  ~State() { --open_views; }

  std::shared_ptr<const Config> config;
  resolve::ReadContext context;
  std::atomic<uint64_t>& open_views;

  // What stopped at the end of a page: the next page of that listing goes on without seeking and reading anew.
  struct Paused {
    std::vector<GraphPart> parts;
    std::unique_ptr<resolve::GraphPages> pages;
  };
  Mutex mutex;
  Paused paused ABSL_GUARDED_BY(mutex);
};

}  // namespace unirust::shard
