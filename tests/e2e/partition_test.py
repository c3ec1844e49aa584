#!/usr/bin/python3
"""Parts of a store that cannot hear each other: each in a network namespace of its own, behind a link that loses every
packet for a while, in one direction or both. Skipped where namespaces may not be made.

    UNIRUST_PARTITIONS=60 UNIRUST_PARTITION_SEED=7 tests/e2e/partition_test.py
"""
import json
import os
import random
import subprocess
import threading
import time
import unittest

import grpc

import compare
import feed
from cluster import Cluster
from harness import E2eTest
from judge import History, Verdict

PARTITIONS = int(os.environ.get("UNIRUST_PARTITIONS", "4"))
SEED = int(os.environ.get("UNIRUST_PARTITION_SEED", "1"))
SECONDS_MAX = 14  # of a partition: a part counts as gone after kPartKeepaliveMs + kPartKeepaliveAnswerMsMax, or 10
WRITES = 200  # at least, from one partition to the next
NOWHERE = "02:00:00:00:00:99"  # nobody's address


def ip(*args):
    return subprocess.run(["ip", *map(str, args)], check=True, capture_output=True, text=True, timeout=30).stdout


class Link:
    """A namespace with one interface, and that interface's other end here."""

    def __init__(self, number):
        self.space = f"unirust-{os.getpid()}-{number}"
        self.name = f"ur{os.getpid() % 100_000}-{number}"
        self.here, self.there = (f"10.231.{number}.{n}" for n in (1, 2))
        self.prefix = ("ip", "netns", "exec", self.space)
        ip("netns", "add", self.space)
        try:
            ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.space)
            ip("address", "add", f"{self.here}/24", "dev", self.name)
            ip("link", "set", self.name, "up")
            ip("-n", self.space, "address", "add", f"{self.there}/24", "dev", "eth0")
            for name in ("lo", "eth0"):
                ip("-n", self.space, "link", "set", name, "up")
            self.heal()
        except BaseException:
            self.remove()
            raise

    def _address(self, *where, name):
        return json.loads(ip("-j", *where, "link", "show", name))[0]["address"]

    def cut(self, there=True, here=True):
        """What goes there, and what comes here, is lost."""
        away = ("-n", self.space)
        ip("neigh", "replace", self.there, "dev", self.name, "nud", "permanent", "lladdr",
           NOWHERE if there else self._address(*away, name="eth0"))
        ip(*away, "neigh", "replace", self.here, "dev", "eth0", "nud", "permanent", "lladdr",
           NOWHERE if here else self._address(name=self.name))

    def heal(self):
        self.cut(there=False, here=False)

    def remove(self):
        ip("netns", "del", self.space)  # with the interface, and so its other end


class DividedCluster(Cluster):
    def __init__(self, directory, links):
        self.links = links
        super().__init__(directory, len(links) + 1, "--insecure")

    def start_part(self, number, listen, env=None, prefix=()):
        link = self.links[number - 1]
        listen = listen if listen.startswith(link.there) else f"{link.there}:0"
        return super().start_part(number, listen, env, link.prefix)


class PartitionTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.links = []
        for number in (1, 2):
            try:
                self.links.append(Link(number))
            except (OSError, subprocess.CalledProcessError) as fault:
                self.skipTest(f"no network namespaces here: {getattr(fault, 'stderr', None) or fault}")
            self.addCleanup(self.links[-1].remove)
        self.cluster = DividedCluster(self.dir, self.links)
        self.addCleanup(self.cluster.kill)

    def write(self, lines, done):
        """Each batch until it is acknowledged."""
        for batch in feed.batches(lines, 3):
            if done.is_set():
                return
            self.cluster.until_answered(lambda: feed.ingest(self.cluster.client, batch))
            self.acknowledged += batch

    def watch(self, done):
        """Epochs never go back, and no part has one that home has not."""
        highest = 0
        while not done.is_set():
            parts = self.cluster.until_answered(lambda: self.cluster.client.call("GetParts")).parts
            # They were asked at the same time: what a part told then, home must have at the next question.
            if parts[0].epoch < highest:
                self.faults.append(f"home has epoch {parts[0].epoch}, and there was {highest}")
            highest = max(highest, *(part.epoch for part in parts if not part.fault))
            time.sleep(0.05)

    def test_nothing_acknowledged_is_lost(self):
        dice = random.Random(SEED)
        print(f"UNIRUST_PARTITION_SEED={SEED}")
        self.acknowledged, self.faults, done = [], [], threading.Event()
        history = History(SEED)
        self.cluster.client.call("SetOntology", json=json.dumps(history.ontology))
        lines = [line for seed in range(SEED, SEED + 20 * PARTITIONS) for line in History(seed, history.profile).lines]
        threads = [threading.Thread(target=self.write, args=(lines, done)),
                   threading.Thread(target=self.watch, args=(done,))]
        for thread in threads:
            thread.start()
        for number in range(PARTITIONS):
            link = dice.choice(self.links)
            there, here = dice.choice(((True, True), (True, False), (False, True)))
            before = len(self.acknowledged)
            link.cut(there, here)
            long = number % 2 == 1
            time.sleep(SECONDS_MAX if long else dice.uniform(0.1, 3))
            if long:
                self.unreadable()
            link.heal()
            while len(self.acknowledged) < before + WRITES:
                self.assertTrue(threads[0].is_alive(), "no more to write: take more histories")
                time.sleep(0.01)
        done.set()
        for thread in threads:
            thread.join()
        print(f"{len(self.acknowledged)} of {len(lines)} writes were acknowledged, {PARTITIONS} partitions")
        self.assertEqual(self.faults, [])
        self.cluster.until_readable()
        verdict = Verdict([json.dumps(line) for line in self.acknowledged], history.ontology)
        compare.same_lines("after", compare.export(self.cluster.router.address), verdict.canonical())

    def unreadable(self):
        """The part is given up: who asks for what it has is told so."""
        with self.assertRaises(grpc.RpcError) as fault:
            list(self.cluster.client.call("GetDigest"))
        self.assertEqual(fault.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIn("of the store", fault.exception.details())


if __name__ == "__main__":
    unittest.main()
