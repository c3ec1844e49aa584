#!/usr/bin/python3
"""`unirust bench generate`: what it says is what a store holds of its records, however they arrive."""
import collections
import json
import os
import unittest

import compare
import harness
import judge
from harness import E2eTest, unirust

RECORDS = 20000
SEEDS = {1: 1000, 2: 7, 3: 20000, 4: 333}  # seed: records in a batch
STATS = ("records", "entities", "conflicts")


class WorkloadTest(E2eTest):
    def generate(self, name, records, seed, *args):
        """(file, truth)"""
        path = self.dir / name
        done = unirust("bench", "generate", "--records", records, "--seed", seed, "--json", "--out", path,
                       "--ontology", self.dir / "ontology.json", *args)
        return path, json.loads(done.stdout)

    def ingest(self, at, path, *args):
        done = unirust("ingest", *at, "--ontology", self.dir / "ontology.json", "--json", *args, path)
        return json.loads(done.stdout)

    def agree(self, at, truth):
        stats = json.loads(unirust("stats", *at, "--json").stdout)
        self.assertEqual({name: stats[name] for name in STATS}, {name: truth[name] for name in STATS})
        kinds = collections.Counter(
            json.loads(row)["kind"] for row in unirust("conflicts", *at, "--json").stdout.splitlines())
        self.assertEqual(kinds, {kind: truth[kind] for kind in ("direct", "indirect")})
        admins = unirust("scan", *at, "--json", "role=admin").stdout.splitlines()
        self.assertEqual(len(admins), truth["admins"])

    def test_a_store_holds_what_the_generator_says(self):
        for seed, batch in SEEDS.items():
            with self.subTest(seed=seed, batch=batch):
                window = ("--window", 3000) if seed % 2 else ()
                path, truth = self.generate(f"{seed}.jsonl", RECORDS, seed, *window)
                at = ("--data-dir", self.dir / f"data{seed}")
                tally = self.ingest(at, path, "--batch", batch)
                self.assertEqual(tally["read"], truth["writes"])
                self.assertGreater(tally["stale"], 0)
                self.agree(at, truth)
                again = self.ingest(at, path)
                self.assertEqual((again["applied"], again["stale"]), (0, truth["rewritten"] + truth["retracted"]))
                self.agree(at, truth)

    def test_stores_of_other_workloads_hold_what_the_oracle_says(self):
        for name in ("hot-keys", "rewrites", "contested", "events"):
            for seed in (1, 2):
                with self.subTest(workload=name, seed=seed):
                    path, summary = self.generate("records.jsonl", 1500, seed, "--workload", name)
                    self.assertEqual((summary["workload"], summary["writes"] >= 1500), (name, True))
                    self.assertNotIn("entities", summary)
                    data = self.dir / f"{name}{seed}"
                    self.ingest(("--data-dir", data), path, "--batch", 100)
                    ontology = json.loads((self.dir / "ontology.json").read_text())
                    lines = path.read_text(encoding="utf-8").splitlines()
                    compare.same_lines(name, compare.export(data), judge.Verdict(lines, ontology).canonical())

    def test_a_daemon_holds_what_the_generator_says(self):
        path, truth = self.generate("records.jsonl", 5000, 9)
        at = ("--router", self.store("serve").address)
        self.ingest(at, path, "--batch", 100)
        self.agree(at, truth)

    def test_the_same_again_and_through_a_pipe(self):
        path, truth = self.generate("records.jsonl", 3000, 5)
        done = unirust("bench", "generate", "--records", 3000, "--seed", 5, "--json")
        self.assertEqual(done.stdout, path.read_bytes())
        piped = json.loads(done.stderr)
        self.assertEqual({**piped, "milliseconds": 0}, {**truth, "milliseconds": 0})
        other = unirust("bench", "generate", "--records", 3000, "--seed", 6, "--quiet")
        self.assertNotEqual(other.stdout, done.stdout)
        self.assertEqual(other.stderr, b"")

    def test_summary_for_people(self):
        _, truth = self.generate("records.jsonl", 3000, 5)
        said = unirust("bench", "generate", "--records", 3000, "--seed", 5, "--out", "/dev/null").stdout.decode()
        for name in ("writes", *STATS):
            self.assertIn(f"{truth[name]:,}", said)

    def test_mistakes(self):
        for args in ([], ["--records", "0"], ["--records", "10000000001"], ["--records", "many"],
                     ["--records", "5", "--seed", "-1"], ["--records", "5", "--quiet", "--progress"]):
            unirust("bench", "generate", *args, expect=harness.USAGE)
        unirust("bench", expect=harness.USAGE)
        nowhere = self.dir / "absent" / "file"
        for flag in ("--out", "--ontology"):
            done = unirust("bench", "generate", "--records", 5, flag, nowhere, expect=None)
            self.assertNotEqual(done.returncode, harness.OK)
            self.assertIn(str(nowhere), done.stderr.decode())
        self.assertEqual(list(self.dir.iterdir()), [])
        if os.path.exists("/dev/full"):
            unirust("bench", "generate", "--records", 5, "--out", "/dev/full", expect=harness.FAILURE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
