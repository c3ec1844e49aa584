#!/usr/bin/python3
"""Backups of a store of several parts, each a process with a backup directory of its own: restored part by part they
are one state, whatever was written while they were made, and whoever was killed.

    UNIRUST_CLUSTER_SEED=7 tests/e2e/cluster_backup_test.py
"""
import contextlib
import json
import os
import shutil
import threading
import unittest

import grpc

import compare
import feed
import harness
from cluster import Cluster
from harness import E2eTest, start, unirust
from judge import History, Verdict

SEED = int(os.environ.get("UNIRUST_CLUSTER_SEED", "1"))
PARTS = 3


class ClusterBackupTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.directory, self.backups = self.dir / "store", self.dir / "backups"
        self.directory.mkdir()
        self.history = History(SEED, profile="mixed")

    def open(self):
        return Cluster(self.directory, PARTS, backups=self.backups)

    def listed(self, part=0):
        done = unirust("backups", self.backups / f"part{part}", "--json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def back_up(self, cluster, expect=harness.OK):
        done = unirust("backup", "--json", "--router", cluster.router.address, expect=expect)
        return json.loads(done.stdout) if expect == harness.OK else done.stderr

    def restore(self, backup):
        """All parts, from what belongs to a backup of home."""
        shutil.rmtree(self.directory)
        self.directory.mkdir()
        numbers = {0: backup["id"], **{part["part"]: part["backup"] for part in backup["parts"]}}
        for part, number in numbers.items():
            unirust("restore", "--from", self.backups / f"part{part}", "--backup", number,
                    "--data-dir", self.directory / f"part{part}")

    def expect_state_of(self, cluster, lines, least):
        """The store holds what some of the first lines say, `least` of them or more."""
        cluster.until_readable()
        found = compare.export(cluster.router.address)
        verdicts = (Verdict([json.dumps(line) for line in lines[:count]], self.history.ontology)
                    for count in range(least, len(lines) + 1))
        self.assertTrue(any(found == verdict.canonical() for verdict in verdicts))

    def test_writes_go_on_meanwhile(self):
        cluster = self.open()
        cluster.client.call("SetOntology", json=json.dumps(self.history.ontology))
        lines = self.history.lines * 3
        feed.ingest(cluster.client, lines[:20])
        written, done = [20], threading.Event()

        def write():
            while not done.is_set() and written[0] < len(lines):
                feed.ingest(cluster.client, lines[written[0]:written[0] + 1])
                written[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        made = []
        for _ in range(3):
            before = written[0]
            made.append((before, self.back_up(cluster), written[0] + 1))
        done.set()
        writer.join()
        self.assertGreater(written[0], 20)
        self.assertEqual([backup["parts"] for _, backup, _ in made],
                         [[{"part": part, "backup": n} for part in range(1, PARTS)] for n in range(1, 4)])
        table = unirust("backups", self.backups / "part0").stdout.decode()
        self.assertIn("1:3 2:3", table)
        cluster.stop()
        for before, backup, after in (made[2], made[0]):
            self.restore(backup)
            cluster = self.open()
            self.expect_state_of(cluster, lines[:after], before)
            feed.ingest(cluster.client, lines[:2])
            cluster.stop()

    def test_parts_of_different_backups_are_refused(self):
        cluster = self.open()
        for first in (0, 20):
            for line in self.history.lines[first:first + 20]:
                feed.ingest(cluster.client, [line])
            self.back_up(cluster)
        cluster.stop()
        old, new = self.listed()
        for home, others, why in ((new, old, b"it lacks epochs"), (old, new, b"the home part is older")):
            self.restore({**home, "parts": others["parts"]})
            with contextlib.ExitStack() as running:
                parts = [running.enter_context(start("unirust_shard", "--part", "--shard-id", part, "--data-dir",
                                                     self.directory / f"part{part}", "--listen", harness.LOCAL))
                         for part in range(1, PARTS)]
                done = harness.run("unirust_shard", "--parts", ",".join(part.address for part in parts), "--data-dir",
                                   self.directory / "part0", "--listen", harness.LOCAL, expect=harness.DATA_LOSS)
            self.assertIn(why, done.stderr)

    def test_a_part_that_dies(self):
        cluster = self.open()
        cluster.client.call("SetOntology", json=json.dumps(self.history.ontology))
        feed.ingest(cluster.client, self.history.lines[:20])
        first = self.back_up(cluster)
        feed.ingest(cluster.client, self.history.lines[20:30])
        for number, point in ((1, "backup.begun"), (2, "backup.made"), (0, "backup.begun")):
            with self.subTest(number=number, point=point):
                cluster.program(number).stop()
                cluster.restart(number, env={"UNIRUST_ABORT_AT": point})
                cluster.until_readable()
                self.back_up(cluster, expect=harness.UNAVAILABLE)
                cluster.kill_and_restart(number)
                cluster.until_readable()
                self.assertEqual([backup["id"] for backup in self.listed()], [first["id"]])
                self.assertIn(1, [backup["id"] for backup in self.listed(1)])
        last = self.back_up(cluster)
        for part in range(1, PARTS):
            named = [one["backup"] for backup in self.listed() for one in backup["parts"] if one["part"] == part]
            self.assertEqual([backup["id"] for backup in self.listed(part)], named, "nothing else stays")
        cluster.stop()
        for backup, lines in ((last, 30), (first, 20)):
            self.restore(backup)
            cluster = self.open()
            self.expect_state_of(cluster, self.history.lines[:lines], lines)
            cluster.stop()

    def test_checkpoints(self):
        cluster = self.open()
        cluster.client.call("SetOntology", json=json.dumps(self.history.ontology))
        feed.ingest(cluster.client, self.history.lines[:20])
        done = unirust("checkpoint", "monday", "--router", cluster.router.address)
        paths = [str(self.backups / f"part{part}" / "monday") for part in range(PARTS)]
        self.assertEqual(done.stdout.decode().splitlines(), paths)
        feed.ingest(cluster.client, self.history.lines[20:])
        cluster.stop()
        for part, path in enumerate(paths):
            shutil.rmtree(self.directory / f"part{part}")
            shutil.copytree(path, self.directory / f"part{part}")
        cluster = self.open()
        self.expect_state_of(cluster, self.history.lines[:20], 20)
        cluster.stop()

    def test_a_part_without_a_place(self):
        cluster = Cluster(self.directory, 2, backups=self.backups)
        cluster.parts[0].stop()
        address, cluster.backups = cluster.parts[0].address, None
        cluster.parts[0] = cluster.start_part(1, address)
        cluster.until_readable()
        self.assertIn(b"part 1 of the store", self.back_up(cluster, expect=harness.FAILURE))
        with self.assertRaises(grpc.RpcError) as fault:
            cluster.client.call("Checkpoint", path="a")
        self.assertEqual(fault.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn("--backup-dir", fault.exception.details())
        cluster.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
