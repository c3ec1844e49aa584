// What a View holds: one state of the store with the ontology that it was resolved under.
#pragma once

#include <memory>
#include <utility>

#include "resolve/entity_reader.h"
#include "shard/config.h"
#include "shard/engine.h"

namespace unirust::shard {

struct View::State {
  State(std::shared_ptr<const Config> in_force, store::Reader reader, interner::Interner& interner)
      : config(std::move(in_force)),
        context{.reader = std::move(reader), .rules = &config->rules, .interner = &interner} {}

  std::shared_ptr<const Config> config;
  resolve::ReadContext context;
};

}  // namespace unirust::shard
