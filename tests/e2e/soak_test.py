#!/usr/bin/python3
"""Mixed load with everything that happens to a store, in short (docs/reliability.md, Soak; scripts/soak takes an
hour)."""
import unittest

import soak
from harness import E2eTest


class SoakTest(E2eTest):
    def test_nothing_is_lost_and_nothing_grows(self):
        faults, done = soak.run(self.dir, minutes=0.7, seed=3, rounds=6, tell=lambda *_, **__: None,
                                writes_per_second=12, reads_per_second=20)
        self.assertEqual(faults, [])
        self.assertGreater(min(done.rewrites.acknowledged, done.load.reads, done.backups - soak.BACKUPS), 0)


class JudgeTest(unittest.TestCase):
    """It can tell."""

    SAMPLE = {"views": 0, "running": 0, "deleted": 0, "other": 30, "logs": 4, "sockets": 3, "memory": 70,
              "memory_most": 90, "backups": 3, "data": 10, "copies": 10}

    def life(self, samples, **grows):
        return [{**self.SAMPLE, **{what: self.SAMPLE[what] + n * step for what, step in grows.items()}}
                for n in range(samples)]

    def test_of_what_is_flat(self):
        self.assertEqual(soak.judge_life(self.life(12)) + soak.judge_disk(self.life(12)), [])

    def test_of_what_grows(self):
        for what, step in {"views": 1, "running": 1, "deleted": 1, "other": 1, "logs": 1, "sockets": 1, "memory": 8,
                           "memory_most": 20, "backups": 1}.items():
            with self.subTest(what=what):
                self.assertNotEqual(soak.judge_life(self.life(12, **{what: step})), [])
        for what in ("data", "copies"):
            with self.subTest(what=what):
                self.assertNotEqual(soak.judge_disk(self.life(12, **{what: 20})), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
