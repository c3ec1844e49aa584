#!/usr/bin/env python3
"""Compares the truth that a workload tells of itself with tests/oracle/oracle.py.

    oracle_test.py PATH/TO/unirust [--first-seed N] [--seeds N]

Live records, entities, conflicts by kind and records of the hot value must be the oracle's, in any order of arrival.
"""
import argparse
import collections
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "oracle"))
sys.dont_write_bytecode = True
import oracle  # noqa: E402

SIZES = [1, 2, 43, 44, 45, 220, 440, 700, 1099, 1100, 1101, 1500]


def generate(program, records, seed, directory):
    """(lines, ontology, truth)."""
    paths = [directory / "records.jsonl", directory / "ontology.json"]
    done = subprocess.run(
        [program, "bench", "generate", "--records", str(records), "--seed", str(seed), "--json",
         "--window", str((0, 300)[seed % 2]), "--out", paths[0], "--ontology", paths[1]],
        stdout=subprocess.PIPE, check=True)
    lines = paths[0].read_text(encoding="utf-8").splitlines()
    return lines, json.loads(paths[1].read_text(encoding="utf-8")), json.loads(done.stdout)


def is_admin(record):
    return any(d["attr"] == "role" and d["value"] == "admin" for d in record["descriptors"])


def judged(lines, ontology_json):
    """What the oracle says, in the terms of the truth."""
    oracle._pairs.clear()
    ontology = oracle.Ontology(ontology_json)
    objects = list(oracle.describe(oracle.live_records(lines, ontology), ontology))
    types = collections.Counter(o["type"] for o in objects)
    kinds = collections.Counter(o["kind"] for o in objects if o["type"] == "conflict")
    assert not types["generic"] and not kinds["constraint_violation"]
    return {
        "records": types["record"], "entities": types["entity"], "conflicts": types["conflict"],
        "direct": kinds["direct"], "indirect": kinds["indirect"],
        "admins": sum(1 for o in objects if o["type"] == "record" and is_admin(o)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=6)
    args = parser.parse_args()
    seen = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="unirust-test-") as directory:
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            for records in SIZES:
                lines, ontology, truth = generate(args.program, records, seed, Path(directory))
                random.Random(seed).shuffle(lines)
                found = judged(lines, ontology)
                expected = {name: truth[name] for name in found}
                if found != expected or len(lines) != truth["writes"]:
                    sys.exit(f"--records {records} --seed {seed}: {len(lines)} lines\n"
                             f"  the generator says {truth}\n  the oracle says    {found}")
                seen.update(truth)
    for name in ("direct", "indirect", "retracted", "rewritten", "admins"):
        if not seen[name]:
            sys.exit(f"no case of {name}: nothing was tested")


if __name__ == "__main__":
    main()
