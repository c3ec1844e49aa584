// The ontology in force and its compiled form, as one immutable value that readers share.
#pragma once

#include <string>

#include "ontology/ontology.h"
#include "resolve/rules.h"

namespace unirust::shard {

struct Config {
  ontology::Ontology ontology;
  resolve::Rules rules;
};

}  // namespace unirust::shard
