#!/usr/bin/env python3
"""Compares JsonLinesReader with tests/oracle/oracle.py on good, faulty and randomly mutated lines.

    oracle_agreement_test.py PATH/TO/json_lines_check_tool [--seed N] [--lines N]

Both must refuse the same lines and read the same record, version and op from the others. docs/ingest-formats.md lists
the odd JSON that only the oracle accepts.
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

ID = '"entity_type": "p", "perspective": "c/%", "uid": "1"'
SPARE_VALUES = [
    None, True, False, 0, 1, -1, 1.0, 1.5, 1e300, "", "x", "upsert", "delete", [], {}, [[]], [{}], [1], "5",
    [{"attr": "a", "value": "b"}], {"attr": "a", "value": "b"}, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1,
    "\0", "\U0001f600", "\x7f\u2028",
]
SPARE_FIELDS = [
    "entity_type", "perspective", "uid", "version", "op", "descriptors", "attr", "value", "start", "end", "x", "",
]
# Members of a line, and members of its one descriptor, as text.
MEMBERS = [
    "", '"descriptors": []', '"descriptors": [], "version": 1e3', '"descriptors": [], "version": -0',
    '"descriptors": [], "version": 01', '"descriptors": [], "version": 9223372036854775807',
    '"descriptors": [], "version": 9223372036854775808', '"descriptors": [], "version": -9223372036854775808',
    '"descriptors": [], "version": 99999999999999999999999', '"descriptors": [], "version": NaN',
    '"descriptors": [], "version": 1, "version": null', '"descriptors": [], "version": null, "version": 1',
    '"descriptors": 1, "descriptors": []', '"descriptors": [], "uid": "2"', '"descriptors": [], "uid": 2',
    '"op": "delete"', '"op": "delete", "descriptors": 5', '"op": "delete", "descriptors": [{"attr": "", "value": ""}]',
    '"op": "delete", "descriptors": [{"attr": "a", "value": "", "start": 3, "end": 2}]', '"op": "DELETE"', '"op": null',
    '"op": ["delete"]', '"op": "upsert"', '"op": "\\u0064elete"', '"descriptors": [], "x": 1', '"descriptors": [],',
    '"descriptors": [null]', '"descriptors": [[]]', '"descriptors": {}', '"descriptors": "[]"',
    '"descriptors": [], "uid": "\\ud800"', '"descriptors": [], "uid": "\\udc00"',
    '"descriptors": [], "uid": "\\udc00\\ud800"',
    '"descriptors": [], "uid": "\\ud83d\\ude00"', '"descriptors": [], "uid": "\\u0000"',
    '"descriptors": [], "uid": "\t"',
    '"descriptors": [], "u\\u0069d": "escaped name"', '"descriptors": [], "uid": "a\\/b\\\\%"', '"descriptors": []}',
]
DESCRIPTORS = [
    "", '"attr": "a"', '"value": "v"', '"attr": "", "value": "v"', '"attr": "a", "value": ""',
    '"attr": "a", "value": null',
    '"attr": "a", "value": 5', '"attr": "a", "value": "v", "start": 5, "end": 5', '"attr": "a", "value": "v", "end": 5',
    '"attr": "a", "value": "v", "end": -9223372036854775808', '"attr": "a", "value": "v", "start": 9223372036854775807',
    '"attr": "a", "value": "v", "start": null', '"attr": "a", "value": "v", "start": "5"',
    '"attr": "a", "value": "v", "x": 1',
    '"attr": "a", "value": "v", "x": {"y": [1, 2.5e3, null]}', '"attr": "a", "value": "v", "start": 5.0',
    '"attr": "a", "value": "v", "end": 1, "end": 9, "start": 5', '"attr": 1, "value": "v", "attr": "a"',
    '"attr": "a", "value": "\\ud800"', '"attr": "\\udfff", "value": "v"', '"attr": "a", "value": "v", "start": true',
]
TEXTS = [
    "[]", "null", "5", '"x"', "{", "}", "{}", "{}{}", "{} x", "\ufeff{}", f"{{{ID}, \"descriptors\": []}} ,",
    f"\t {{{ID}, \"descriptors\": []}} \r", "nul", "{'uid': 1}", "[" * 200,
]


def lines(rng, count):
    yield from TEXTS
    yield from (f"{{{ID}{', ' if m else ''}{m}}}" for m in MEMBERS)
    yield from (f'{{{ID}, "descriptors": [{{{d}}}]}}' for d in DESCRIPTORS)
    for number in range(count):
        _, descriptors = rng.choice(list(generate.PROFILES.values()))
        line = rng.choice(generate.random_history(rng, descriptors, 3, 8, number % 2 == 0))
        for _ in range(rng.choice([0, 1, 1, 2])):
            line = mutate(rng, copy.deepcopy(line))
        yield json.dumps(line, ensure_ascii=rng.random() < 0.5)


def mutate(rng, line):
    """One random change to the line or to one of its descriptors."""
    target = line
    descriptors = line.get("descriptors")
    if isinstance(descriptors, list) and descriptors and rng.random() < 0.6:
        at = rng.randrange(len(descriptors))
        if rng.random() < 0.1 or not isinstance(descriptors[at], dict):
            descriptors[at] = rng.choice(SPARE_VALUES)
            return line
        target = descriptors[at]
    if target and rng.random() < 0.3:
        del target[rng.choice(list(target))]
    else:
        field = rng.choice(list(target) or SPARE_FIELDS) if rng.random() < 0.7 else rng.choice(SPARE_FIELDS)
        target[field] = rng.choice(SPARE_VALUES)
    return line


def finite(digits):
    """Python reads NaN and 1e400; the store refuses them everywhere, the oracle only where they matter."""
    if not math.isfinite(float(digits)):
        raise ValueError(digits)
    return float(digits)


def bounded(digits):
    """The same for integers that do not fit into 64 bits."""
    if not -(2**63) <= int(digits) < 2**64:
        raise ValueError(digits)
    return int(digits)


def oracle_answer(text):
    """What the oracle reads from a line, in the form of the tool's answer, or None if it refuses the line."""
    try:
        obj = json.loads(text, parse_float=finite, parse_int=bounded, parse_constant=finite)
        oracle.live_records([text], oracle.Ontology({}))
    except (oracle.Refused, ValueError):
        return None
    record = oracle.Record(obj)
    spans = sorted(record.spans.items(), key=lambda i: (i[0][0].encode(), i[0][1].encode()))
    return {
        "id": record.name,
        "descriptors": [{"attr": a, "value": v, "start": s, "end": e} for (a, v), xs in spans for s, e in xs],
        "retract": obj.get("op") == "delete",
        "version": obj.get("version"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=2000)
    args = parser.parse_args()
    texts = list(lines(random.Random(args.seed), args.lines))
    document = "".join(t + "\n" for t in texts).encode()
    run = subprocess.run([args.tool], input=document, stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode().split("\n")[:-1]
    if len(answers) != len(texts):
        sys.exit(f"{len(answers)} answers to {len(texts)} lines")
    accepted = differences = 0
    for text, answer in zip(texts, answers):
        expected = oracle_answer(text)
        accepted += expected is not None
        wanted = "ok " + json.dumps(expected, sort_keys=True, ensure_ascii=False)
        if (answer != wanted) if expected is not None else answer.startswith("ok "):
            differences += 1
            print(f"line:   {text}\noracle: {wanted if expected is not None else 'refused'}\ntool:   {answer}\n")
    print(f"seed {args.seed}: {len(texts)} lines, {accepted} accepted, {differences} differences")
    if differences or not 0.1 * len(texts) < accepted < 0.9 * len(texts):
        sys.exit(1)


if __name__ == "__main__":
    main()
