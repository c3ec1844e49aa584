#!/usr/bin/python3
"""kill -9 at random instants during ingest: nothing acknowledged is lost, nothing is half applied.

The judge keeps its own journal of what it sent and what was acknowledged. Each request is a list of writes plus one
marker record of its own, and all writes carry versions of their own, so that the state is a function of the set of
applied requests: after a restart the markers tell which requests applied, all acknowledged ones must be among them,
and the canonical export must equal the oracle's over exactly their lines. A half applied request shows as a difference.

    UNIRUST_CRASH_CYCLES=1000 UNIRUST_CRASH_SEED=7 tests/e2e/crash_test.py
"""
import itertools
import json
import os
import random
import threading
import time
import unittest

import grpc

import compare
import feed
from harness import SLOWNESS, E2eTest, Store
from judge import History, Verdict

CYCLES = int(os.environ.get("UNIRUST_CRASH_CYCLES", "100"))
SEED = int(os.environ.get("UNIRUST_CRASH_SEED", "1"))
CYCLES_PER_STORE = 10  # then a fresh directory, so that the oracle stays fast
WRITERS = 3
MARKER = "marker"


class Journal:
    """What was sent and what was acknowledged. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.acknowledged = {}, set()  # request number -> lines

    def send(self, number, lines):
        with self.lock:
            self.sent[number] = lines

    def acknowledge(self, number):
        with self.lock:
            self.acknowledged.add(number)

    def settle(self, applied):
        """Forgets the requests that did not apply: they never will."""
        with self.lock:
            self.sent = {n: lines for n, lines in self.sent.items() if n in applied}


class Requests:
    """An endless supply of random requests over one set of identities. Thread-safe."""

    def __init__(self, seed, bulky):
        self.rng = random.Random(seed)
        self.history = History(seed, profile=("mixed", "tangled")[seed % 2], versioned=True)
        self.bulky = bulky  # values that make memtables flush and files compact
        self.lock = threading.Lock()
        self.numbers, self.versions = itertools.count(1), itertools.count(1)
        self.round, self.lines = itertools.count(seed * 1000), []

    def next(self):
        with self.lock:
            number = next(self.numbers)
            size = self.rng.choice([1, 1, 3, 10, 40])
            while len(self.lines) < size:
                more = History(next(self.round), self.history.profile, versioned=True).lines
                self.lines += [line for n, line in enumerate(more) if line not in more[:n]]
            lines, self.lines = self.lines[:size], self.lines[size:]
            lines = [{**line, "version": next(self.versions)} for line in lines]
            self.rng.shuffle(lines)
            blob = [{"attr": "blob", "value": str(number) * 800}] if self.bulky else []
            lines.append({"entity_type": MARKER, "perspective": "judge", "uid": f"r{number}", "version": 1,
                          "descriptors": [{"attr": "request", "value": str(number)}, *blob]})
            return number, lines


def write_until_killed(client, requests, journal):
    """Unary requests, one after another, until the connection breaks."""
    while True:
        number, lines = requests.next()
        journal.send(number, lines)
        try:
            feed.ingest(client, lines)
        except grpc.RpcError as fault:
            if fault.code() in feed.LOST:
                return
            raise
        except ValueError:  # the channel was closed
            return
        journal.acknowledge(number)


class CrashTest(E2eTest):
    def crash(self, store, requests, journal, rng):
        """Writes from several threads and kills the store at a random instant."""
        faults = []

        def body():
            try:
                write_until_killed(store.client, requests, journal)
            except Exception as fault:
                faults.append(fault)

        threads = [threading.Thread(target=body) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0, 0.25) * SLOWNESS)  # the random instant is the point here
        victim = store.programs[0]
        victim.kill()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])

    def judge(self, store, journal, ontology):
        """All acknowledged requests are there, and the export is the oracle's over the requests that applied."""
        applied = set()
        for chunk in store.client.call("ScanRecords", entity_type=MARKER):
            applied |= {int(r.identity.uid[1:]) for r in chunk.records}
        self.assertEqual(journal.acknowledged - applied, set(), "acknowledged requests are lost")
        self.assertEqual(applied - set(journal.sent), set(), "requests appear that were never sent, or late")
        lines = [json.dumps(line) for n in sorted(applied) for line in journal.sent[n]]
        verdict = Verdict(lines, ontology)
        compare.same_lines(f"over {len(applied)} applied requests", compare.export(store.address), verdict.canonical())
        compare.stats(store.client, verdict)
        unacknowledged = len(applied - journal.acknowledged)
        journal.settle(applied)
        journal.acknowledged |= applied
        return unacknowledged

    def cycles(self, group, count):
        """One directory, `count` kills. (Requests applied, those of them that were not acknowledged.)"""
        rng = random.Random(SEED * 1000 + group)
        requests, journal = Requests(SEED * 1000 + group, bulky=group % 3 == 2), Journal()
        ontology = requests.history.ontology
        data, extra = self.dir / f"data{group}", 0
        store = Store(("serve", "router")[group % 2], data, "--memory-budget", "64MiB")
        try:
            store.client.call("SetOntology", json=json.dumps(ontology))
            for _ in range(count):
                self.crash(store, requests, journal, rng)
                store.kill()
                store.start()
                extra += self.judge(store, journal, ontology)
            store.stop()
        except Exception:
            print(f"group {group} of seed {SEED}\n{store.stderr()}")
            raise
        finally:
            store.kill()
        return len(journal.sent), extra

    def test_nothing_acknowledged_is_lost_and_nothing_half_applied(self):
        done = 0
        for group in itertools.count():
            count = min(CYCLES_PER_STORE, CYCLES - done)
            if count <= 0:
                break
            sent, extra = self.cycles(group, count)
            done += count
            print(f"{done} of {CYCLES} kills; {sent} requests applied, {extra} of them unacknowledged", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
