#!/usr/bin/python3
"""`unirust bench`: every measurement, small, on stores of its own and on running ones; that figures add up and nothing
is left behind. How fast anything is does not matter here."""
import json
import os
import shutil
import signal
import subprocess
import unittest

import harness
from harness import E2eTest, command, environment, unirust

SMALL = ("--records", 3000, "--batch", 100, "--slice", 1000, "--memory-budget", "64MiB")


class BenchTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.env = {"TMPDIR": str(self.dir)}

    def bench(self, name, *args, **more):
        done = unirust("bench", name, *args, "--json", "--quiet", env=self.env, **more)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["type"] for line in lines[:-1]], ["slice"] * (len(lines) - 1))
        self.assertEqual((lines[-1]["type"], lines[-1]["command"]), ("bench", name))
        self.assertEqual(os.listdir(self.dir), [], "temporary files stay")
        return lines[-1]["figures"], [line["figures"] for line in lines[:-1]]

    def check_ingest(self, figures, records):
        self.assertEqual(figures["records"], records)
        self.assertAlmostEqual(figures["records"] / figures["records_per_second"], figures["seconds"], delta=0.1)
        self.assertLessEqual(figures["request_p50_micros"], figures["request_p99_micros"])
        self.assertLessEqual(figures["request_p99_micros"], figures["request_max_micros"])
        parts = [figures[f"{name}_cpu_micros_per_record"] for name in ("shard", "router", "client")]
        self.assertAlmostEqual(sum(parts), figures["all_cpu_micros_per_record"], delta=0.05)

    def test_ingests(self):
        for name in ("stream", "unary", "resend", "events"):
            with self.subTest(name):
                figures, slices = self.bench(name, *SMALL, "--no-ceilings")
                self.check_ingest(figures, 3000)
                self.assertEqual([part["records"] for part in slices], [1000, 1000, 1000])

    def test_single_records_at_a_rate(self):
        figures, _ = self.bench("single", "--records", 300, "--no-ceilings", "--rate", 1000)
        self.check_ingest(figures, 300)
        self.assertGreaterEqual(figures["seconds"], 0.299, "the last one is due then")

    def test_compared_with_plain_records(self):
        for name in ("hot-keys", "rewrites", "contested"):
            with self.subTest(name):
                figures, _ = self.bench(name, *SMALL, "--no-ceilings")
                self.check_ingest(figures, 3000)
                self.assertAlmostEqual(figures["ratio_to_people"],
                                       figures["records_per_second"] / figures["people_records_per_second"], delta=0.01)

    def test_reads_beside_an_ingest(self):
        for name in ("query", "entity"):
            with self.subTest(name):
                figures, _ = self.bench(name, *SMALL, "--preload", 2000, "--rate", 3000, f"--{name}-rate", 200)
                self.assertEqual(figures["records"], 3000)
                self.assertGreater(figures["shard_cores"], 0)
                self.assertAlmostEqual(figures[f"{name}_of_rate"], figures[f"{name}_per_second"] / 200, delta=0.01)
                self.assertLessEqual(figures[f"{name}_p50_micros"], figures[f"{name}_p99_micros"])
                other = {"query": "entity", "entity": "query"}[name]
                self.assertNotIn(f"{other}_per_second", figures)
                self.assertEqual("query_in_shard_p50_micros" in figures, name == "query")

    def test_ceilings_and_ratios(self):
        figures, _ = self.bench("stream", *SMALL)
        for ceiling in ("commits", "transport"):
            self.assertAlmostEqual(
                figures[f"ratio_to_{ceiling}"],
                figures["records_per_second"] / figures[f"ceiling_{ceiling}_records_per_second"], delta=0.001)
        figures, _ = self.bench("ceilings", "--records", 2000)
        self.assertGreater(figures["ceiling_sync_micros"], 0)

    def test_a_running_store(self):
        store = self.store("serve", data_dir=harness.REPO / "build" / f"bench-{os.getpid()}")
        self.addCleanup(shutil.rmtree, store.data_dir, ignore_errors=True)
        pid = store.programs[0].process.pid
        at = ("--router", store.address, "--processes", f"shard={pid}")
        figures, _ = self.bench("stream", *at, "--of", 4000, "--records", 3000, "--no-ceilings")
        self.assertEqual(figures["records"], 3000)
        self.assertIn("shard_cpu_micros_per_record", figures)
        figures, _ = self.bench("stream", *at, "--of", 4000, "--known", 3000, "--records", 1000, "--no-ceilings")
        self.assertEqual(figures["records"], 1000)
        done = unirust("bench", "stream", *at, "--records", 100, expect=None, env=self.env)
        self.assertEqual(done.returncode, harness.FAILURE)
        self.assertIn("records of its own", done.stderr.decode(), "what others stored is not touched")
        stats = json.loads(unirust("stats", "--router", store.address, "--json").stdout)
        self.assertGreaterEqual(stats["records"], 3900, "all but those that are written twice or retracted")
        figures, _ = self.bench("query", *at, "--known", 4000, "--of", 4000, "--records", 0, "--seconds", 1,
                                "--entity-rate", 100)
        self.assertGreater(figures["query_per_second"], 0)
        self.assertGreater(figures["entity_per_second"], 0)
        figures, _ = self.bench("pages", *at, "--known", 4000, "--times", 2)
        self.assertGreater(figures["conflicts_items"], 0)
        self.assertGreaterEqual(figures["find_admins_late_p50_micros"], figures["find_admins_late_min_micros"])

    def script(self, name, *args):
        """What a script of bench/ prints, which must come to its end."""
        env = environment(**self.env, UNIRUST_BIN_DIR=str(harness.BIN_DIR), UNIRUST_MEMORY_BUDGET="64MiB")
        done = subprocess.run([harness.REPO / "bench" / name, *map(str, args)], capture_output=True, text=True, env=env,
                              timeout=5 * harness.RUN_TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(os.listdir(self.dir), [], "temporary files stay")
        return done.stdout

    def test_the_script_of_the_scale_page(self):
        rows = self.script("scale.sh", "--records", 3000, "--memory-budget", "64MiB", "--seconds", 1)
        for row in ("ingest, last to first", "disk a record, nothing left", "QueryEntities beside it",
                    "first page, conflicts", "export, canonical", "after a kill", "from exec to ready, 10 records"):
            self.assertIn(row, rows)

    def test_the_script_of_exports(self):
        lines = self.script("export.sh", 3000).splitlines()
        for store in (lines, lines[lines.index("embedded:"):]):
            for fmt in ("jsonl", "canonical"):
                self.assertGreaterEqual(sum(line.startswith(fmt) for line in store), 3)

    def test_the_script_of_parts(self):
        lines = self.script("parts.sh", 3000, 1).splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["one-directory", "home-alone", "least", "highest"])

    def test_the_same_seed_sends_the_same_records(self):
        exports = []
        for batch in (100, 1000):
            data = self.dir / "data"
            unirust("bench", "stream", "--records", 2000, "--seed", 5, "--batch", batch, "--no-ceilings",
                    "--data-dir", data)
            exports.append(unirust("export", "--data-dir", data, "--format", "canonical").stdout)
            shutil.rmtree(data)
        self.assertEqual(exports[0], exports[1])
        self.assertGreater(len(exports[0].splitlines()), 2000)

    def test_what_does_not_go_together(self):
        there = ("--data-dir", self.dir / "d")
        for args, message in (
                (("stream", "--known", 5), "--known"),
                (("stream", "--known", 5, *there), "--of"),
                (("stream", "--known", 5, "--of", 6, "--records", 7, *there), "--of"),
                (("stream", "--of", 100, "--records", 3000), "--of"),
                (("stream", "--records", 0), "--records"),
                (("stream", "--records", 10_000_000_001), "at most 10000000000"),
                (("stream", "--batch", 0), "--batch"),
                (("stream", "--batch", 20_001), "--batch"),
                (("unary", "--in-flight", 5000), "--in-flight"),
                (("pages", "--times", 0), "--times"),
                (("query", "--preload", 0), "--preload"),
                (("query", "--query-rate", 0), "--query-rate"),
                (("query", "--records", 0), "--seconds"),
                (("query", "--seconds", 5), "--seconds"),
                (("query", "--known", 5, "--of", 9, "--records", 4, *there), "--rate"),
                (("contested", *there), "fresh stores")):
            with self.subTest(args):
                done = unirust("bench", *args, expect=None, env=self.env)
                self.assertIn(message, done.stderr.decode())
                # how many writes a workload of --of records has is known only when there is one
                codes = (harness.USAGE, harness.INPUT) if message == "--of" else (harness.USAGE,)
                self.assertIn(done.returncode, codes)
                self.assertEqual(os.listdir(self.dir), [])
        done = unirust("bench", "stream", "--records", 100, "--memory-budget", "1 banana", expect=None, env=self.env)
        self.assertEqual(done.returncode, harness.FAILURE)
        self.assertIn("before it was ready", done.stderr.decode())
        self.assertEqual(os.listdir(self.dir), [])

    def test_nobody_answers(self):
        done = unirust("bench", "stream", "--router", "127.0.0.1:1", "--records", 100, "--no-ceilings",
                       expect=harness.UNAVAILABLE, env=self.env)
        self.assertIn("127.0.0.1:1", done.stderr.decode())

    def test_the_daemons_are_not_there(self):
        with harness.temp_dir() as directory:
            program = shutil.copy(harness.BIN_DIR / "unirust", directory)
            done = subprocess.run([program, "bench", "stream", "--records", "100", "--no-ceilings"],
                                  capture_output=True, env=environment(**self.env), timeout=harness.RUN_TIMEOUT)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("unirust_shard", done.stderr.decode())
        self.assertIn("--router", done.stderr.decode())
        self.assertEqual(os.listdir(self.dir), [])

    def interrupted(self, stage, *args):
        running = subprocess.Popen(command("unirust", "bench", *args, "--no-ceilings", "--progress"),
                                   env=environment(**self.env), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(running.kill)
        for line in running.stderr:
            if f": {stage}".encode() in line:
                break
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=harness.RUN_TIMEOUT)
        self.assertNotEqual(running.returncode, 0)
        self.assertIn("interrupted", err.decode())
        self.assertEqual(out, b"")
        self.assertEqual(os.listdir(self.dir), [])

    def test_an_interrupt_leaves_nothing_behind(self):
        self.interrupted("ingest", "stream", "--records", 20_000, "--batch", 100, "--rate", 100)
        self.interrupted("ingest", "single", "--records", 20_000, "--rate", 1)


if __name__ == "__main__":
    unittest.main()
