"""The judge: tests/oracle as a module. What the store must hold and answer, and random histories to feed it.

The oracle keeps comparisons of records in a module-wide cache, so every new set of records must begin with `judge`.
"""
import json
import random
import sys

from harness import REPO

sys.path.insert(0, str(REPO / "tests/oracle"))
import generate  # noqa: E402
import oracle  # noqa: E402

MIN_TIME, MAX_TIME = oracle.MIN_TIME, oracle.MAX_TIME
Refused = oracle.Refused


class Verdict:
    """What the oracle says of some lines under an ontology."""

    def __init__(self, lines, ontology_json):
        oracle._pairs.clear()
        self.ontology = oracle.Ontology(ontology_json)
        self.records = oracle.live_records(lines, self.ontology)
        self.partition, self.runs, _ = oracle.resolve(self.records, self.ontology)
        self.objects = list(oracle.describe(self.records, self.ontology))

    def canonical(self):
        """The bytes that `unirust export --format canonical` must print."""
        return b"".join(sorted(oracle.line(obj) for obj in self.objects))

    def of_type(self, name):
        return [obj for obj in self.objects if obj["type"] == name]

    def stats(self):
        """(records, entities, conflicts, graph nodes, graph edges)."""
        records, entities, conflicts = (len(self.of_type(t)) for t in ("record", "entity", "conflict"))
        spokes = sum(len(c["entities" if c["kind"] == "indirect" else "records"]) - 1 for c in self.of_type("conflict"))
        return records, entities, conflicts, records + entities, records + len(self.of_type("same_as")) + spokes

    def query(self, pairs, start, end):
        return oracle.query(self.partition.all(), self.ontology, pairs, start, end)

    def all_matches(self, pairs, start, end):
        """Every match as [(entity, start, end, golden)], sorted; the oracle's query of each entity alone."""
        out = []
        for block in self.partition.all():
            for m in oracle.query([block], self.ontology, pairs, start, end)["matches"]:
                out.append((m["entity"], m["start"], m["end"], m["golden"]))
        return sorted(out, key=lambda m: (m[0], m[1], m[2]))


def name_of(line):
    return oracle.Record({k: line[k] for k in ("entity_type", "perspective", "uid")}).name


class History:
    """A random ontology and writes, equal for equal arguments; `lines` are dicts."""

    def __init__(self, seed, profile=None, versioned=None):
        rng = random.Random(seed)
        self.seed = seed
        self.profile = profile or ("mixed", "tangled", "mixed", "wide", "tangled", "mixed")[seed % 6]
        self.versioned = seed % 3 == 0 if versioned is None else versioned
        identities, writes = (160, 200) if self.profile == "wide" else (30, 70)
        ontology, descriptors = generate.PROFILES[self.profile]
        self.ontology = ontology(rng)
        self.lines = generate.random_history(rng, descriptors, identities, writes, self.versioned)

    def text(self):
        return [json.dumps(line, ensure_ascii=False) for line in self.lines]
