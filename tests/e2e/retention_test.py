#!/usr/bin/python3
"""Retention through the real programs: the oracle over what remains, kill -9 during an advance, the wall clock, the
command line.

    UNIRUST_FIRST_SEED=17 UNIRUST_RETENTION_SEEDS=1 tests/e2e/retention_test.py      # one history again
"""
import json
import os
import random
import threading
import time
import unittest

import grpc

import compare
import feed
from harness import DATA_DIR, FAILURE, INPUT, SLOWNESS, USAGE, E2eTest, Store, unirust
from judge import MAX_TIME, MIN_TIME, History, Verdict

SEEDS = int(os.environ.get("UNIRUST_RETENTION_SEEDS", "40"))
FIRST_SEED = int(os.environ.get("UNIRUST_FIRST_SEED", "0"))
KILLS = int(os.environ.get("UNIRUST_RETENTION_KILLS", "10"))


def coalesced(descriptors):
    """One attribute and value after the other, overlapping and adjacent intervals joined."""
    times = {}
    for d in descriptors:
        times.setdefault((d["attr"], d["value"]), []).append((d.get("start", MIN_TIME), d.get("end", MAX_TIME)))
    out = []
    for (attr, value), intervals in times.items():
        joined = []
        for start, end in sorted(intervals):
            if joined and start <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        out += [{"attr": attr, "value": value, "start": start, "end": end} for start, end in joined]
    return out


def remains(line, rules, now):
    """The line without what is expired at `now` (None: nothing is)."""
    def expired(d):
        return d["end"] != MAX_TIME and any(
            now > d["end"] + rule["ended_before"] for rule in rules
            if line["entity_type"] in rule.get("entity_types", [line["entity_type"]])
            and line["perspective"] in rule.get("perspectives", [line["perspective"]]))

    if now is None or line.get("op") == "delete":
        return line
    return {**line, "descriptors": [d for d in coalesced(line.get("descriptors", [])) if not expired(d)]}


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


def long_history(count):
    """Records of which each has a descriptor that is due at an instant of its own, and entities of three."""
    return [{"entity_type": "person", "perspective": ("crm", "web")[n % 2], "uid": f"{n}", "version": n,
             "descriptors": [{"attr": "email", "value": f"e{n // 3}", "start": 0, "end": 1 + n},
                             {"attr": "name", "value": f"n{n}"}]} for n in range(count)]


class CrashTest(E2eTest):
    RULES = [{"perspectives": ["crm"], "ended_before": 10}]
    ONTOLOGY = {"identity_keys": [{"name": "email", "attributes": ["email"]}]}
    COUNT = 8000

    def records(self, store):
        """Descriptors by uid."""
        found = {}
        for chunk in store.client.call("ScanRecords"):
            for r in chunk.records:
                found[r.identity.uid] = [(d.attr, d.value, d.start, d.end) for d in r.descriptors]
        return found

    def judge(self, store, lines):
        """The state is that of the declared instant, of every line or, of those unacknowledged, without it."""
        status = store.client.call("GetRetention").shards[0]
        declared = status.declared if status.HasField("declared") else None
        found, expected, due = self.records(store), {}, []
        for line in lines:
            if line["uid"] in found:
                left = remains(line, self.RULES, declared)
                expected[line["uid"]] = sorted((d["attr"], d["value"], d.get("start", MIN_TIME), d.get("end", MAX_TIME))
                                               for d in left["descriptors"])
                due += [d["end"] + 10 for d in left["descriptors"]
                        if d.get("end", MAX_TIME) != MAX_TIME and line["perspective"] == "crm"]
        compare.equal(f"at {declared}", found, expected)
        compare.equal("earliest due", status.earliest_due if status.HasField("earliest_due") else None,
                      min(due, default=None))
        return declared

    def test_killed_while_it_advances(self):
        rng = random.Random(1)
        lines = long_history(self.COUNT)
        more = [{**line, "uid": f"more{line['uid']}"} for line in long_history(2000)]
        store = self.store("serve", "--memory-budget", "64MiB")
        store.client.call("SetOntology", json=json.dumps({**self.ONTOLOGY, "retention": self.RULES}))
        feed.ingest_unary(store.client, lines, 2000)
        now, between = self.COUNT + 11, 0
        acknowledged = []
        for _ in range(KILLS):
            def advance():
                try:
                    store.client.call("AdvanceRetention", now=now)
                except (grpc.RpcError, ValueError):
                    pass  # killed

            def write(batch):
                try:
                    feed.ingest(store.client, batch)
                    acknowledged.extend(batch)
                except (grpc.RpcError, ValueError):
                    pass

            batch, more = more[:50], more[50:]
            threads = [threading.Thread(target=advance), threading.Thread(target=write, args=(batch,))]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0, 0.05) * SLOWNESS)  # the random instant is the point here
            store.programs[0].kill()
            for thread in threads:
                thread.join()
            store.kill()
            store.start()
            lines += batch
            declared = self.judge(store, lines)
            between += declared is not None and declared < now
            found = self.records(store)
            self.assertEqual([line["uid"] for line in acknowledged if line["uid"] not in found], [])
        self.assertEqual(store.client.call("AdvanceRetention", now=now).shards[0].declared, now)
        self.assertEqual(self.judge(store, lines), now)
        print(f"{between} of {KILLS} kills between two commits of an advance")
        left = [line for line in lines if line["uid"] in found]
        self.same_as_fresh(store, [remains(line, self.RULES, now) for line in left])

    def same_as_fresh(self, store, lines):
        fresh = self.store("serve", data_dir=self.dir / "fresh")
        fresh.client.call("SetOntology", json=json.dumps(self.ONTOLOGY))
        feed.ingest_unary(fresh.client, lines, 2000)
        compare.same_lines("fresh", compare.export(store.address), compare.export(fresh.address))


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
