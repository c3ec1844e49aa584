#!/usr/bin/env python3
"""Compares ParseOntology with tests/oracle/oracle.py on good, faulty and randomly mutated ontologies.

    oracle_agreement_test.py PATH/TO/ontology_check_tool [--seed N] [--documents N]

Both must refuse the same documents, the store with every fault of the oracle's at the same place (it may find more),
and read the same content from the others.
"""
import argparse
import copy
import json
import math
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "oracle"))
sys.dont_write_bytecode = True
import generate  # noqa: E402
import oracle  # noqa: E402

FULL = {
    "identity_keys": [
        {"name": "tax", "attributes": ["tax"], "max_group": 5, "hold": True, "entity_types": ["person", "firm"]},
        {"name": "name+phone", "attributes": ["name", "phone"]},
    ],
    "strong_identifiers": ["tax", {"attribute": "passport", "scope": "global", "entity_types": ["person"]}],
    "constraints": [
        {"name": "one_email", "attribute": "email", "kind": "unique_within_perspective"},
        {"name": "one_phone", "attribute": "phone", "entity_types": ["firm"]},
    ],
    "attributes": {"email": {"multi_valued": True}, "phone": {"ignored_values": ["", "n/a"]}, "\u00e9": {}},
    "perspective_weights": {"crm": 1, "erp": 0.1, "web": -3e10},
    "golden": {"default": ["priority", "latest"], "attributes": {"name": [], "role": ["majority", "smallest"]}},
}
SPARE_VALUES = [
    None, True, False, 0, 1, -1, 2.0, 1.5, -0.0, "", "x", "tax", "global", "unique", "latest", [], [""], ["x"],
    ["x", "x"], ["latest"], [["latest"]], [1], {}, {"x": 1}, {"name": "x"}, {"x": ["latest"]}, 2**63, -(2**63), 2**64,
    2**64 - 1, 10**30, -(10**30), 1e300, {"attribute": "tax"}, {"name": "tax", "attributes": ["a"]}, "\U0001f600",
]
SPARE_FIELDS = [
    "name", "attributes", "max_group", "hold", "entity_types", "attribute", "scope", "kind", "multi_valued",
    "ignored_values", "default", "golden", "x", "", "identity_keys", "constraints",
]
# Spellings of JSON that matter, as text.
TEXTS = [
    "", "{", "{}", "[]", "null", "{}{}", "{} x", "\ufeff{}", " \t{}", "{\"golden\":NaN}", "{\"golden\":{},}", "{'a':1}",
    '{"golden": 1, "golden": {}}', '{"golden": {}, "golden": 1}', '{"golden": {"default": [], "default": 1}}',
    '{"perspective_weights": {"a": 1E5, "b": 1e-400, "c": -0, "d": 123456789012345678901234567890}}',
    '{"perspective_weights": {"a": 1e400}}', '{"perspective_weights": {"a": -1e400}}',
    '{"perspective_weights": {"a": NaN}}', '{"perspective_weights": {"a": Infinity}}',
    '{"perspective_weights": {"a": 01}}', '{"perspective_weights": {"a": +1}}', '{"perspective_weights": {"a": .5}}',
    '{"perspective_weights": {"a": 9007199254740993, "b": 18446744073709551615, "c": 9223372036854775807}}',
    '{"perspective_weights": {"": 1}, "attributes": {"": {}}, "golden": {"attributes": {"": []}}}',
    '{"strong_identifiers": ["\\ud83d\\ude00", "\U0001f600"]}', '{"strong_identifiers": ["\\u0000", "\\u0001"]}',
    '{"strong_identifiers": ["a\tb"]}', '{"strong_identifiers": ["a\\tb", "a\\/b", "a\\x"]}',
    '{"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": 1e2}]}',
    '{"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": 99999999999999999999999}]}',
    '{"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": -99999999999999999999999}]}',
    '{"identity_keys": [{"name": "k", "attributes": ["a"], "max_group": -0}]}',
]


def places(node, path=()):
    """Every place in a document, as a path of keys and indexes."""
    yield path
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []
    for step, child in steps:
        yield from places(child, path + (step,))


def mutate(rng, document):
    """One random change: a value replaced, removed or repeated, or a member added."""
    path = rng.choice(list(places(document)))
    if not path:
        return rng.choice(SPARE_VALUES) if rng.random() < 0.05 else {**document, rng.choice(SPARE_FIELDS): {}}
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    change = rng.randrange(4)
    if change == 0:
        parent[path[-1]] = copy.deepcopy(rng.choice(SPARE_VALUES))
    elif change == 1:
        del parent[path[-1]]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[path[-1]]))
    else:
        parent[rng.choice(SPARE_FIELDS)] = copy.deepcopy(rng.choice([parent[path[-1]], *SPARE_VALUES]))
    return document


def documents(rng, count):
    yield from TEXTS
    yield json.dumps(FULL)
    makers = [make for make, _ in generate.PROFILES.values()]
    for _ in range(count):
        document = copy.deepcopy(FULL if rng.random() < 0.6 else rng.choice(makers)(rng))
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            if isinstance(document, dict):
                document = mutate(rng, document)
        yield json.dumps(document, ensure_ascii=rng.random() < 0.5)


def place(fault):
    """(where, field) of a fault of either side: 'golden: default: 5' and 'golden: default: a list is needed, not 5'."""
    where, _, rest = fault.partition(": ")
    if "twice" in fault:
        return where.partition("[")[0], "twice"
    if rest.startswith("an object is needed"):
        return where, "object"
    if rest.startswith("unknown field"):
        return where, "unknown"
    if rest.endswith(" is missing"):
        return where, rest
    field = rest.partition(": ")[0]
    if where == "ontology" and field == "golden":  # the oracle finds this fault twice
        return "golden", "object"
    return where, field


def finite(digits):
    """Python reads NaN and 1e400; the oracle refuses them as weights, and elsewhere they are no good either."""
    if not math.isfinite(float(digits)):
        raise ValueError(digits)
    return float(digits)


def oracle_answer(text):
    """("ok", content) or ("refused", places of the faults)."""
    try:
        document = json.loads(text, parse_float=finite, parse_constant=finite)
        faults = list(oracle.ontology_faults(document))
    except ValueError:
        return "refused", {"not JSON"}
    return ("refused", {place(f) for f in faults}) if faults else ("ok", content(document))


def tool_answer(line):
    if line.startswith("ok "):
        return "ok", content(json.loads(line[3:]))
    if line.startswith("not JSON: "):
        return "refused", {"not JSON"}
    return "refused", {place(f) for f in line.split("; ")}


def content(document):
    """What an accepted document says, with every default written out."""
    o = oracle.Ontology(document)
    types = lambda rule: rule.get("entity_types", [])  # noqa: E731
    return {
        "keys": [
            (k["name"], k["attributes"], min(k.get("max_group", 2**64), 2**64 - 1) if "max_group" in k else None,
             k.get("hold", False), types(k))
            for k in o.keys
        ],
        "strong": [(s["attribute"], s.get("scope", "perspective"), types(s)) for s in o.strong],
        "constraints": [(c["name"], c["attribute"], c.get("kind", "unique"), types(c)) for c in o.constraints],
        "attributes": {
            a: (rule.get("multi_valued", False), rule.get("ignored_values", [])) for a, rule in o.attributes.items()
        },
        "weights": o.weights,
        "golden": (o.golden.get("default", []), o.golden.get("attributes", {})),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=1500)
    args = parser.parse_args()
    texts = list(documents(random.Random(args.seed), args.documents))
    document = "".join(t + "\n" for t in texts).encode()
    run = subprocess.run([args.tool], input=document, stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode().splitlines()
    if len(answers) != len(texts):
        sys.exit(f"{len(answers)} answers to {len(texts)} documents")
    accepted = differences = 0
    for text, answer in zip(texts, answers):
        expected, actual = oracle_answer(text), tool_answer(answer)
        accepted += expected[0] == "ok"
        same = expected[0] == actual[0]
        if not same or not (expected[1] <= actual[1] if expected[0] == "refused" else expected[1] == actual[1]):
            differences += 1
            print(f"document: {text}\noracle:   {expected}\ntool:     {actual}\nanswer:   {answer}\n")
    print(f"seed {args.seed}: {len(texts)} documents, {accepted} accepted, {differences} differences")
    if differences or not 0.1 * len(texts) < accepted < 0.9 * len(texts):
        sys.exit(1)


if __name__ == "__main__":
    main()
