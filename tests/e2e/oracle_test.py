#!/usr/bin/python3
"""The store equals the oracle: random histories fed in every way, and the real data sets.

    UNIRUST_SEEDS=5000 tests/e2e/oracle_test.py          # more histories than the default 300
    UNIRUST_FIRST_SEED=17 UNIRUST_SEEDS=1 tests/e2e/oracle_test.py      # one of them again

What is done with a seed follows from the seed alone (Plan), so a failure can be repeated.
"""
import concurrent.futures
import contextlib
import json
import multiprocessing
import os
import random
import time
import traceback
import unittest

import compare
import feed
from harness import E2eTest, Store, shared_data, temp_dir, unirust
from judge import History, Verdict, name_of

SEEDS = int(os.environ.get("UNIRUST_SEEDS", "300"))
FIRST_SEED = int(os.environ.get("UNIRUST_FIRST_SEED", "0"))
CHUNK = 25
WAYS = ("router", "serve", "embedded", "router", "serve")
BATCHES = (1, 7, 1000, 3, 25)


class Plan:
    """What is done with one seed."""

    def __init__(self, seed):
        self.seed = seed
        self.history = History(seed)
        rng = random.Random(seed)
        self.way = WAYS[seed % len(WAYS)]
        self.batch = BATCHES[seed // 5 % len(BATCHES)]
        self.stream = seed % 2 == 1
        self.restart = seed % 7 == 0
        self.other_ontology = seed % 4 == 1
        self.retract_all = seed % 6 == 2
        self.lines = list(self.history.lines)
        if self.history.versioned:
            self.lines += rng.sample(self.lines, len(self.lines) // 4)
            rng.shuffle(self.lines)
        self.writers = 4 if self.history.versioned and seed % 2 == 0 else 1
        self.half = len(self.lines) // 2

    def __str__(self):
        said = [f"seed {self.seed}", self.history.profile, self.way, f"batches of {self.batch}"]
        said += [word for word in ("stream", "restart", "other_ontology", "retract_all") if getattr(self, word)]
        return ", ".join(said + [f"{self.writers} writers"])


def text(lines):
    return [json.dumps(line, ensure_ascii=False) for line in lines]


def feed_store(plan, store, lines):
    """The last assignments, where one writer sent the lines."""
    if plan.writers > 1:
        feed.ingest_concurrently(store.client, lines, plan.batch, plan.writers)
        return []
    send = feed.ingest_stream if plan.stream else feed.ingest_unary
    return send(store.client, lines, plan.batch)


def check_assignments(assignments, lines, verdict):
    """Answers of the last request: the entity each record is in now."""
    owner = {name: e["id"] for e in verdict.of_type("entity") for name in e["records"]}
    last = lines[len(lines) - len(assignments):]
    compare.equal("index", [a.index for a in assignments], list(range(len(assignments))))
    found = [a.cluster_key for a in assignments]
    compare.equal("assignments", found, [owner.get(name_of(line), "") for line in last])


def check_daemon(plan, store):
    history, client = plan.history, store.client
    client.call("Reset")
    first = History(plan.seed + 1000, history.profile).ontology if plan.other_ontology else history.ontology
    client.call("SetOntology", json=json.dumps(first))
    feed_store(plan, store, plan.lines[:plan.half])
    if plan.restart:
        store.restart()
    if plan.restart or plan.other_ontology:
        verdict = Verdict(text(plan.lines[:plan.half]), first)
        compare.same_lines("half way", compare.export(store.address), verdict.canonical())
    store.client.call("SetOntology", json=json.dumps(history.ontology))
    if plan.other_ontology:
        verdict = Verdict(text(plan.lines[:plan.half]), history.ontology)
        compare.same_lines("after the change of ontology", compare.export(store.address), verdict.canonical())
    assignments = feed_store(plan, store, plan.lines[plan.half:])
    verdict = Verdict(text(plan.lines), history.ontology)
    compare.same_lines("at the end", compare.export(store.address), verdict.canonical())
    check_assignments(assignments, plan.lines, verdict)
    compare.everything(store.client, verdict, plan.lines, plan.seed)
    if plan.retract_all:
        retract_all(store, plan.lines, plan.batch)


def retract_all(store, lines, batch):
    """Insert and delete are exact inverses: nothing is left."""
    identities = {tuple(line[k] for k in ("entity_type", "perspective", "uid")) for line in lines}
    deletes = [dict(zip(("entity_type", "perspective", "uid"), i), op="delete") for i in sorted(identities)]
    feed.ingest_unary(store.client, deletes, batch)
    compare.equal("export after retracting everything", compare.export(store.address), b"")
    s = store.client.call("GetStats")
    compare.equal("stats after retracting everything", (s.record_count, s.cluster_count, s.conflict_count,
                                                        s.graph_node_count, s.graph_edge_count), (0, 0, 0, 0, 0))


def check_embedded(plan):
    history = plan.history
    with temp_dir() as path:
        (path / "ontology.json").write_text(json.dumps(history.ontology))
        for name, part in (("a", plan.lines[:plan.half]), ("b", plan.lines[plan.half:])):
            (path / name).write_text("".join(line + "\n" for line in text(part)))
        data = path / "data"
        files = [[path / "a"], [path / "b"]] if plan.restart else [[path / "a", path / "b"]]
        for some in files:
            unirust("ingest", "--data-dir", data, "--ontology", path / "ontology.json", "--batch", plan.batch, *some)
        verdict = Verdict(text(plan.lines), history.ontology)
        compare.same_lines("embedded", compare.export(data), verdict.canonical())


def check_seeds(seeds):
    """[(plan, fault)] of the seeds that failed. One worker's share: its stores live as long as this call."""
    faults = []
    with contextlib.ExitStack() as stack:
        stores = {}
        for seed in seeds:
            plan = Plan(seed)
            try:
                if plan.way == "embedded":
                    check_embedded(plan)
                    continue
                if plan.way not in stores:
                    path = stack.enter_context(temp_dir())
                    stores[plan.way] = stack.enter_context(Store(plan.way, path / "data", "--allow-reset"))
                check_daemon(plan, stores[plan.way])
            except Exception as fault:
                logs = stores[plan.way].stderr() if plan.way in stores else ""
                shown = str(fault) if isinstance(fault, compare.Mismatch) else traceback.format_exc()
                faults.append((str(plan), f"{shown}\n{logs}"))
                if plan.way in stores:
                    stores.pop(plan.way).kill()
    return faults


class OracleTest(E2eTest):
    def test_random_histories_give_the_oracles_export(self):
        seeds = range(FIRST_SEED, FIRST_SEED + SEEDS)
        shares = [seeds[n:n + CHUNK] for n in range(0, len(seeds), CHUNK)]
        context = multiprocessing.get_context("spawn")  # gRPC does not survive a fork
        began, done, faults = time.monotonic(), 0, []
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count() or 2, mp_context=context) as pool:
            futures = {pool.submit(check_seeds, share): len(share) for share in shares}
            for future in concurrent.futures.as_completed(futures):
                faults += future.result()
                done += futures[future]
                print(f"{done} of {SEEDS} seeds, {len(faults)} failed, {time.monotonic() - began:.0f} s", flush=True)
        shown = "\n\n".join(f"{plan}\n{fault}" for plan, fault in faults[:10])
        self.assertEqual(len(faults), 0, f"{len(faults)} seeds differ from the oracle\n\n{shown}")


class DataSetTest(E2eTest):
    """The real sets, embedded and through the daemons."""

    def check(self, name):
        path = shared_data(name)
        lines = (path / "records.jsonl").read_text(encoding="utf-8").split("\n")
        ontology = json.loads((path / "ontology.json").read_text())
        expected = Verdict(lines, ontology).canonical()
        data = self.dir / "embedded"
        unirust("ingest", "--data-dir", data, "--ontology", path / "ontology.json", path / "records.jsonl")
        compare.same_lines(f"{name} embedded", compare.export(data), expected)
        store = self.store("router")
        store.client.call("SetOntology", json=json.dumps(ontology))
        shuffled = [json.loads(line) for line in lines if line]
        random.Random(1).shuffle(shuffled)
        half = len(shuffled) // 2
        feed.ingest_concurrently(store.client, shuffled[:half], 100, 4)
        store.restart()
        feed.ingest_stream(store.client, shuffled[half:], 1000)
        compare.same_lines(f"{name} through the router", compare.export(store.address), expected)

    def test_congress(self):
        self.check("congress")

    def test_airlines(self):
        self.check("airlines")


class LargeShapesTest(E2eTest):
    """Hundreds of records under one key value: kept row by row (docs/resolution.md, 7 to 9)."""

    ONTOLOGY = {"identity_keys": [{"name": "by_email", "attributes": ["email"]},
                                  {"name": "by_phone", "attributes": ["phone"]}],
                "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
                "constraints": [{"name": "one_role", "attribute": "role", "kind": "unique_within_perspective"}]}

    @staticmethod
    def line(rng, number, clashing):
        def said(attr, value, start=None):
            out = {"attr": attr, "value": value}
            return out if start is None else {**out, "start": start, "end": start + rng.randrange(1, 60)}

        all_of_it = [said("email", "info@x.org", rng.choice([None, rng.randrange(400), rng.randrange(400)])),
                     said("serial", str(number)), said("city", f"c{rng.randrange(3)}")]
        if rng.random() < 0.3:
            all_of_it.append(said("phone", str(rng.randrange(40))))
        if rng.random() < 0.1:
            all_of_it.append(said("role", rng.choice("ab"), rng.choice([0, 60, 120])))
        if rng.random() < clashing:
            all_of_it.append(said("tax", rng.choice("12") if clashing < 0.5 else str(rng.randrange(300))))
        return {"entity_type": "person", "perspective": rng.choice("qpr"), "uid": str(number), "descriptors": all_of_it}

    def test_one_entity_gives_the_oracles_export(self):
        self.check(clashing=0)

    def test_a_contested_value_gives_the_oracles_export(self):
        self.check(clashing=0.02)

    def test_a_value_of_many_who_clash_gives_the_oracles_export(self):
        self.check(clashing=0.7)

    def check(self, clashing):
        rng = random.Random(1)
        store = self.store("router")
        store.client.call("SetOntology", json=json.dumps(self.ONTOLOGY))
        lines = [self.line(rng, n, clashing) for n in range(350)]
        feed.ingest_concurrently(store.client, lines, 10, 4)
        sent = list(lines)
        for step in range(4):
            verdict = Verdict(text(sent), self.ONTOLOGY)
            compare.same_lines(f"step {step}", compare.export(store.address), verdict.canonical())
            if step == 1:
                store.restart()
            more = [self.line(rng, n, clashing) for n in range(350 + 40 * step, 390 + 40 * step)]
            gone = [{**{k: line[k] for k in ("entity_type", "perspective", "uid")}, "op": "delete"}
                    for line in rng.sample(lines, 50)]
            feed.ingest_stream(store.client, more + gone, 1 + 4 * step)
            sent += more + gone


if __name__ == "__main__":
    unittest.main(verbosity=2)
