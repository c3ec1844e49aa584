#!/usr/bin/python3
"""Retention through the real programs: the oracle over what remains, the wall clock, the command line. Kills
during an advance are in crash_test.py.

    UNIRUST_FIRST_SEED=17 UNIRUST_RETENTION_SEEDS=1 tests/e2e/retention_test.py      # one history again
"""
import json
import os
import random
import time
import unittest

import compare
import feed
from harness import DATA_DIR, FAILURE, INPUT, SLOWNESS, USAGE, E2eTest, Store, unirust
from judge import MAX_TIME, History, Verdict
from retention_rules import remains

SEEDS = int(os.environ.get("UNIRUST_RETENTION_SEEDS", "40"))
FIRST_SEED = int(os.environ.get("UNIRUST_FIRST_SEED", "0"))


def random_rules(rng, lines):
    types, perspectives = (sorted({line[k] for line in lines}) for k in ("entity_type", "perspective"))
    rules = []
    for n in range(rng.choice([1, 1, 2, 3])):
        rule = {"ended_before": rng.choice([0, 1, 5, 20, MAX_TIME])}
        if rng.random() < 0.5:
            rule["entity_types"] = rng.sample(types, rng.randint(1, len(types)))
        if rng.random() < 0.5:
            rule["perspectives"] = rng.sample(perspectives, rng.randint(1, len(perspectives)))
        if rng.random() < 0.5:
            rule["name"] = f"rule {n}"
        rules.append(rule)
    return rules


def ends(lines):
    """Instants around which something expires."""
    found = {d["end"] for line in lines for d in line.get("descriptors", []) if d.get("end", MAX_TIME) != MAX_TIME}
    return sorted(found) or [0]


class OracleTest(E2eTest):
    """After every advance the export is the oracle's over the remaining descriptors, without the rules."""

    def check(self, seed, store):
        rng, history, client = random.Random(seed), History(seed), store.client
        lines, fed, declared = history.lines, [], None
        client.call("Reset")
        rules = []
        step = max(1, len(lines) // 4)
        for begin in range(0, len(lines), step):
            part = lines[begin:begin + step]
            if begin == 0 or rng.random() < 0.3:
                fed = [remains(line, rules, declared) for line in fed]
                rules, declared = random_rules(rng, lines), None
                client.call("SetOntology", json=json.dumps({**history.ontology, "retention": rules}))
            feed.ingest_unary(client, part, rng.choice([1, 7, 100]))
            fed += part
            if rng.random() < 0.8:
                now = min(rng.choice(ends(lines)) + rng.choice([0, 1, 2, 6, 21]), MAX_TIME)
                if declared is None or now >= declared:
                    declared = client.call("AdvanceRetention", now=now).shards[0].declared
                    compare.equal("declared", declared, now)
            if rng.random() < 0.2:
                store.restart()
                client = store.client
            self.judge(store, history, [remains(line, rules, declared) for line in fed], seed)

    def judge(self, store, history, lines, seed):
        verdict = Verdict([json.dumps(line, ensure_ascii=False) for line in lines], history.ontology)
        compare.same_lines("what remains", compare.export(store.address), verdict.canonical())
        compare.everything(store.client, verdict, lines, seed)

    def test_random_histories(self):
        store = {way: self.store(way, "--allow-reset", data_dir=self.dir / way) for way in ("router", "serve")}
        for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
            with self.subTest(seed=seed):
                self.check(seed, store[("router", "serve")[seed % 2]])


class ClockTest(E2eTest):
    def test_the_wall_clock_lets_expire(self):
        """What ended long ago goes once the daemon runs with a clock, and nothing of the future."""
        data, today = self.dir / "data", int(time.time()) // 86400
        lines = [{"entity_type": "p", "perspective": "crm", "uid": "1",
                  "descriptors": [{"attr": "a", "value": "old", "end": today - 100},
                                  {"attr": "a", "value": "new", "end": today + 100}]}]
        ontology = self.write("o.json", json.dumps({"retention": [{"ended_before": 30}]}))
        records = self.write("r.jsonl", json.dumps(lines[0]) + "\n")
        unirust("ingest", "--data-dir", data, "--ontology", ontology, records)
        store = self.store("serve", "--retention-clock", "days", "--retention-every", "1s", data_dir=data)
        deadline = time.monotonic() + 30 * SLOWNESS
        while not store.client.call("GetRetention").shards[0].HasField("declared"):
            self.assertLess(time.monotonic(), deadline, store.stderr())
            time.sleep(0.01)  # between two questions
        status = store.client.call("GetRetention").shards[0]
        self.assertIn(status.declared, (today, today + 1))
        self.assertEqual(status.earliest_due, today + 130)
        record = next(iter(store.client.call("ScanRecords"))).records[0]
        self.assertEqual([d.value for d in record.descriptors], ["new"])


class CommandTest(E2eTest):
    def test_show_and_advance(self):
        data = self.dir / "data"
        ontology = self.write("o.json", json.dumps({"retention": [{"ended_before": 30}]}))
        records = self.write("r.jsonl", json.dumps(
            {"entity_type": "p", "perspective": "crm", "uid": "1",
             "descriptors": [{"attr": "a", "value": "x", "end": 10}, {"attr": "a", "value": "y", "end": 20}]}) + "\n")
        unirust("retention", "show", "--data-dir", data, expect=DATA_DIR)
        unirust("ingest", "--data-dir", data, "--ontology", ontology, records)
        shown = unirust("retention", "show", "--data-dir", data).stdout.decode()
        self.assertRegex(shown, r"0\s+none\s+40")
        self.assertIn("1 descriptors of 1 records expired",
                      unirust("retention", "advance", "--now", "45", "--data-dir", data).stdout.decode())
        shown = json.loads(unirust("retention", "show", "--json", "--data-dir", data, "--read-only").stdout)
        self.assertEqual(shown, {"type": "retention", "shard": 0, "declared": 45, "earliest_due": 50})
        with Store("router", data) as store:
            at = ["--router", store.address]
            done = json.loads(unirust("retention", "advance", "--now", "51", "--json", *at).stdout)
            self.assertEqual(done, {"type": "retention_advance", "records": 1, "descriptors": 1,
                                    "shards": [{"shard": 0, "declared": 51}]})
            refused = unirust("retention", "advance", "--now", "50", *at, expect=INPUT)
            self.assertIn(b"50 is before 51", refused.stderr)
            unirust("retention", "advance", "--now", "x", *at, expect=USAGE)
            unirust("retention", "advance", *at, expect=USAGE)
            unirust("ontology", "apply", self.write("none.json", "{}"), *at)
            refused = unirust("retention", "advance", "--now", "90", *at, expect=FAILURE)
            self.assertIn(b"no rules of retention", refused.stderr)

    def test_ontology_check_lists_faults_of_rules(self):
        bad = self.write("bad.json", json.dumps({"retention": [{"ended_before": -1}, {"perspectives": ["crm"]}]}))
        refused = unirust("ontology", "check", bad, expect=INPUT).stderr.decode()
        self.assertIn("retention[0]: ended_before: an integer from 0", refused)
        self.assertIn("retention[1]: ended_before is missing", refused)


if __name__ == "__main__":
    unittest.main(verbosity=2)
