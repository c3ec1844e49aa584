"""Compares every read of a store with what the oracle says. Each function raises Mismatch where they differ."""
import difflib
import random

import grpc

import judge
from harness import unirust
from judge import MAX_TIME, MIN_TIME


class Mismatch(AssertionError):
    pass


def equal(what, found, expected):
    if found != expected:
        raise Mismatch(f"{what}\n  found    {found!r:.1500}\n  expected {expected!r:.1500}")


def same_lines(what, found, expected):
    """Two canonical exports, byte for byte."""
    if found != expected:
        rows = difflib.unified_diff(
            expected.decode().split("\n"), found.decode(errors="replace").split("\n"), "oracle", "store", "", "", 0)
        shown = "\n".join(row[:400] for row in list(rows)[:24])
        raise Mismatch(f"{what}: the export differs from the oracle\n{shown}")


def export(where):
    """Canonical export of a daemon (address) or of a data directory (Path)."""
    at = ["--router", where] if isinstance(where, str) else ["--data-dir", where]
    return unirust("export", *at, "--format", "canonical").stdout


def golden_of(message):
    return [{"attr": g.attr, "value": g.value, "start": g.start, "end": g.end} for g in message.golden]


def match_of(message):
    return {"entity": message.cluster_key, "start": message.start, "end": message.end, "golden": golden_of(message)}


def record_name(entity_type, perspective, uid):
    return judge.name_of({"entity_type": entity_type, "perspective": perspective, "uid": uid})


def snapshot_name(snapshot):
    return record_name(snapshot.identity.entity_type, snapshot.identity.perspective, snapshot.identity.uid)


def stats(client, verdict):
    s = client.call("GetStats")
    equal("GetStats", (s.record_count, s.cluster_count, s.conflict_count, s.graph_node_count, s.graph_edge_count),
          verdict.stats())


def entities(client, verdict):
    """GetEntity by the name of every record."""
    addresses = {}
    for entity in verdict.of_type("entity"):
        for name in entity["records"]:
            answer = client.call("GetEntity", name=name)
            found = {
                "type": "entity", "id": answer.cluster_key, "entity_type": answer.entity_type,
                "records": [snapshot_name(r) for r in answer.records], "golden": golden_of(answer)}
            equal(f"GetEntity {name!r}", found, entity)
            equal(f"GetEntity {name!r}: cluster_id", answer.cluster_id, answer.records[0].record_id)
        addresses[entity["id"]] = (answer.shard_id, answer.cluster_id)
    return addresses


def gone(client, name):
    """A name without a live record is NOT_FOUND."""
    try:
        answer = client.call("GetEntity", name=name)
    except grpc.RpcError as fault:
        equal(f"GetEntity {name!r}", fault.code(), grpc.StatusCode.NOT_FOUND)
        return
    raise Mismatch(f"GetEntity {name!r} of a retracted record: {answer}")


def random_query(rng, lines):
    """Pairs that some record holds, mostly one or two, and an interval."""
    held = [(d["attr"], d["value"]) for line in lines for d in line.get("descriptors", [])]
    pairs = [rng.choice(held) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))] if held else [("none", "none")]
    if rng.random() < 0.4:
        return pairs, MIN_TIME, MAX_TIME
    start = rng.choice([MIN_TIME, rng.randint(-1, 11)])
    return pairs, start, rng.choice([MAX_TIME, max(start, 0) + rng.randint(1, 8)])


def queries(client, verdict, lines, rng, count):
    for _ in range(count):
        pairs, start, end = random_query(rng, lines)
        wire = {"descriptors": [{"attr": a, "value": v} for a, v in pairs], "start": start, "end": end}
        what = f"{pairs} in [{start}, {end})"
        _query(client, verdict, pairs, wire, what)
        chunks = client.call("FindEntities", page_size=rng.choice([1, 2, 0]), **wire)
        found = sorted((match_of(m) for c in chunks for m in c.matches), key=lambda m: (m["entity"], m["start"]))
        expected = [dict(zip(("entity", "start", "end", "golden"), m)) for m in verdict.all_matches(pairs, start, end)]
        equal(f"FindEntities {what}", found, expected)


def _query(client, verdict, pairs, wire, what):
    answer = client.call("QueryEntities", **wire)
    expected = verdict.query(pairs, wire["start"], wire["end"])
    equal(f"QueryEntities {what}: outcome", answer.WhichOneof("outcome"), expected["outcome"])
    if expected["outcome"] == "matches":
        equal(f"QueryEntities {what}", [match_of(m) for m in answer.matches.matches], expected["matches"])
        return
    found, start, end = answer.conflict, expected["start"], expected["end"]
    both = {m[0]: m for m in verdict.all_matches(pairs, start, end)}
    clusters = [dict(zip(("entity", "start", "end", "golden"), both[name])) for name in expected["entities"]]
    equal(f"QueryEntities {what}", (found.start, found.end, [match_of(m) for m in found.clusters]),
          (start, end, clusters))
    held = {(d.descriptor.attr, d.descriptor.value, d.start, d.end) for d in found.descriptors}
    equal(f"QueryEntities {what}: descriptors", held, {(a, v, start, end) for a, v in pairs})


def conflict_of(message):
    """ConflictSummary as the oracle writes it."""
    out = {
        "type": "conflict", "kind": message.kind, "cause": message.cause, "attribute": message.attribute,
        "start": message.start, "end": message.end, "values": list(message.values),
        "records": [record_name(message.entity_type, r.perspective, r.uid) for r in message.records],
        "record_count": message.record_count}
    if message.kind == "indirect":
        out.update(key=message.key, entities=list(message.entities), entity_count=message.entity_count)
    return out


def _conflict_order(entry):
    return (entry["kind"], entry["attribute"].encode(), entry["start"], entry["end"], entry["cause"].encode())


def _same_conflicts(what, found, expected):
    found = [conflict_of(c) for c in found]
    equal(f"{what}: order", [_conflict_order(c) for c in found], sorted(_conflict_order(c) for c in found))
    equal(what, sorted(map(repr, found)), sorted(map(repr, expected)))


def conflicts(client, verdict, rng):
    """ListConflicts and StreamConflicts, whole and filtered."""
    wanted = [conflict_of_oracle(c) for c in verdict.of_type("conflict")]
    _same_conflicts("ListConflicts", client.call("ListConflicts").conflicts, wanted)
    chunks = client.call("StreamConflicts", page_size=rng.choice([1, 3, 0]))
    _same_conflicts("StreamConflicts", [c for chunk in chunks for c in chunk.conflicts], wanted)
    if not wanted:
        return
    sample = rng.choice(wanted)
    start = rng.choice([sample["start"], 3])
    end = start + 2 if start < MAX_TIME - 2 else MAX_TIME
    answer = client.call("ListConflicts", attribute=sample["attribute"], start=start, end=end)
    _same_conflicts(
        f"ListConflicts of {sample['attribute']} in [{start}, {end})", answer.conflicts,
        [c for c in wanted if c["attribute"] == sample["attribute"] and c["start"] < end and start < c["end"]])


def conflict_of_oracle(entry):
    """The oracle's entry with its fields in the order of conflict_of."""
    order = ("type", "kind", "cause", "attribute", "start", "end", "values", "records", "record_count", "key",
             "entities", "entity_count")
    return {k: entry[k] for k in order if k in entry}


def scan(client, verdict, rng):
    """ScanRecords in small pages gives every live record once, with its entity."""
    owner = {name: e["id"] for e in verdict.of_type("entity") for name in e["records"]}
    found = {}
    for chunk in client.call("ScanRecords", page_size=rng.choice([1, 7, 0])):
        for r in chunk.records:
            name = snapshot_name(r)
            equal(f"ScanRecords: {name!r} twice", name in found, False)
            spans = [{"attr": d.attr, "value": d.value, "start": d.start, "end": d.end} for d in r.descriptors]
            found[name] = (spans, r.cluster_key)
    equal("ScanRecords", found, {r["id"]: (r["descriptors"], owner[r["id"]]) for r in verdict.of_type("record")})


def everything(client, verdict, lines, seed, query_count=6):
    """All reads but the export."""
    rng = random.Random(seed)
    stats(client, verdict)
    addresses = entities(client, verdict)
    live = {r["id"] for r in verdict.of_type("record")}
    for name in sorted({judge.name_of(line) for line in lines} - live)[:5]:
        gone(client, name)
    queries(client, verdict, lines, rng, query_count)
    conflicts(client, verdict, rng)
    scan(client, verdict, rng)
    return addresses
