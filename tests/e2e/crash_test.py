#!/usr/bin/python3
"""Kills at random instants of every phase and at every fault point: nothing acknowledged is lost, nothing is half
applied (docs/testing.md, Kill campaigns; scripts/crash runs longer ones).

    UNIRUST_CRASH_CYCLES=1000 UNIRUST_CRASH_SEED=7 tests/e2e/crash_test.py
"""
import os
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import crash_campaign
import feed
import harness
from crash_judge import Judge, Lost
from crash_phases import PHASES
from harness import E2eTest
from journal import Journal, Pen
from sender import MARKER

CYCLES = int(os.environ.get("UNIRUST_CRASH_CYCLES", "200"))
SEED = int(os.environ.get("UNIRUST_CRASH_SEED", "1"))


class CampaignTest(unittest.TestCase):
    def test_nothing_acknowledged_is_lost_and_nothing_half_applied(self):
        tally = crash_campaign.campaign(PHASES, CYCLES, SEED, crash_campaign.JOBS)
        print(tally.table())
        self.assertEqual(tally.faults, [], f"seed {SEED}\n" + "\n".join(tally.faults))
        points = set(crash_campaign.fault_points()) - {"open.upgraded"}  # of an older format: formats_test.py
        self.assertEqual(set(tally.points), points, "points that nothing comes by")
        self.assertEqual({name for name, row in tally.rows.items() if row["kills"] == 0}, set())
        self.assertEqual(set(tally.rows), {phase.name for phase in PHASES})

    def test_a_point_that_is_not_reached_is_a_fault(self):
        phase = next(phase for phase in PHASES if phase.name == "creation")
        with harness.temp_dir() as left, unittest.mock.patch.dict(os.environ, TMPDIR=str(left)):
            tally = crash_campaign.campaign([phase], 1, SEED, 1, [(phase, ("commit.gathered", 0))], tell=lambda _: None)
        self.assertEqual(len(tally.faults), 1)
        self.assertIn("commit.gathered is never reached", tally.faults[0])


class JournalTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="unirust-test-")
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "journal"

    def test_says_what_was_written(self):
        pen, journal = Pen(self.path), Journal(self.path)
        self.assertEqual(journal.read().sent, {})
        long = {"attr": "x", "value": "1", "bytes": 10}
        pen.write(sent=1, what="ingest", lines=[{"uid": "a", "descriptors": [long]}])
        pen.write(sent=2, what="backup")
        pen.write(acknowledged=1, answer=None)
        pen.write(sent=3, what="backup")
        pen.write(acknowledged=3, answer=[7])
        self.assertEqual(journal.read().numbers("backup"), [2, 3])
        self.assertEqual(journal.open("backup"), [2])
        self.assertEqual((journal.acknowledged_before(2), journal.acknowledged_before(3)), (set(), {1}))
        self.assertEqual(journal.acknowledged, {1: None, 3: [7]})
        value = journal.lines(1)[0]["descriptors"][0]["value"]
        self.assertEqual((len(value), value), (10, Journal(self.path).read().lines(1)[0]["descriptors"][0]["value"]))

    def test_what_a_kill_cut_short_was_never_sent(self):
        Pen(self.path).write(sent=1, what="backup")
        with open(self.path, "ab") as file:
            file.write(b'{"sent": 2, "wh')
        journal = Journal(self.path)
        self.assertEqual(list(journal.read().sent), [1])
        Pen(self.path).write(acknowledged=1, answer=None)
        self.assertEqual((list(journal.read().sent), journal.acknowledged), ([1], {1: None}))


class JudgeTest(E2eTest):
    """The judge can tell."""

    def setUp(self):
        super().setUp()
        self.running = self.store()
        self.pen = Pen(self.dir / "journal")
        self.judge = Judge(self.dir / "journal")

    def send(self, number, uid, applied=True, acknowledged=True):
        lines = [{"entity_type": kind, "perspective": "judge", "uid": name, "version": number, "descriptors": []}
                 for kind, name in (("person", uid), (MARKER, f"r{number}"))]
        self.pen.write(sent=number, what="ingest", lines=lines)
        if applied:
            feed.ingest(self.running.client, lines if applied is True else lines[applied:])
        if acknowledged:
            self.pen.write(acknowledged=number, answer=None)

    def test_of_what_is_there(self):
        self.send(1, "a")
        self.send(2, "b", acknowledged=False)
        self.send(3, "c", applied=False, acknowledged=False)
        self.judge.check(self.running.address)
        self.assertEqual((self.judge.seen, self.judge.gone), ({1, 2}, {3}))

    def test_of_what_is_lost(self):
        self.send(1, "a", applied=False)
        with self.assertRaisesRegex(Lost, "acknowledged requests are lost: .1."):
            self.judge.check(self.running.address)

    def test_of_half_a_request(self):
        self.send(1, "a", applied=1)
        with self.assertRaisesRegex(AssertionError, "differs from the oracle"):
            self.judge.check(self.running.address)

    def test_of_what_comes_late(self):
        self.send(1, "a", applied=False, acknowledged=False)
        self.judge.check(self.running.address)
        self.send(1, "a")
        with self.assertRaisesRegex(Lost, "late .1."):
            self.judge.check(self.running.address)

    def test_of_what_was_never_sent(self):
        feed.ingest(self.running.client, [{"entity_type": "marker", "perspective": "judge", "uid": "r9",
                                                   "descriptors": []}])
        with self.assertRaisesRegex(Lost, "never sent .9."):
            self.judge.check(self.running.address)


if __name__ == "__main__":
    unittest.main(verbosity=2)
