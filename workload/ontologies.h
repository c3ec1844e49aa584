// The ontologies of the workloads but for that of people, which is Ontology() (generator.h): JSON.
#pragma once

namespace unirust::workload {

// Ontology(), with `account` as one more identity key, the last.
const char* HotKeysOntology();

const char* EventsOntology();

}  // namespace unirust::workload
