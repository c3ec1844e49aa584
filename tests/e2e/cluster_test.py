#!/usr/bin/python3
"""A store of several parts, each a process of its own: it holds and answers what the oracle says. Kills of any of
the processes are in crash_test.py.

    UNIRUST_CLUSTER_SEED=7 tests/e2e/cluster_test.py
"""
import json
import os
import random
import shutil
import subprocess
import threading
import unittest

import grpc

import compare
import feed
import harness
from cluster import Cluster
from harness import LOCAL, E2eTest, start
from judge import History, Verdict
from observe_test import Scrape

SMALL_DISK = "32m"
SEED = int(os.environ.get("UNIRUST_CLUSTER_SEED", "1"))


class ClusterTest(E2eTest):
    def open(self, name, parts, *flags, **more):
        directory = self.dir / name
        directory.mkdir()
        return Cluster(directory, parts, *flags, **more)

    def test_answers_as_one_store(self):
        for parts in (2, 4):
            for seed in range(SEED, SEED + 2):
                with self.subTest(parts=parts, seed=seed):
                    self.check_history(self.open(f"{parts}-{seed}", parts), History(seed))

    def check_history(self, cluster, history):
        cluster.client.call("SetOntology", json=json.dumps(history.ontology))
        half = len(history.lines) // 2
        feed.ingest_stream(cluster.client, history.lines[:half], 7)
        other = History(history.seed + 100).ontology
        cluster.client.call("SetOntology", json=json.dumps(other))
        feed.ingest_unary(cluster.client, history.lines[half:], 5)
        cluster.client.call("SetOntology", json=json.dumps(history.ontology))
        verdict = Verdict(history.text(), history.ontology)
        compare.same_lines("all", compare.export(cluster.router.address), verdict.canonical())
        compare.everything(cluster.client, verdict, history.lines, history.seed)
        cluster.stop()

    def test_grows_and_shrinks_while_it_is_written(self):
        cluster = self.open("grows", 1)
        history = History(SEED, profile="mixed")
        cluster.client.call("SetOntology", json=json.dumps(history.ontology))
        rest = list(feed.batches(history.lines, 5))
        written = []
        for parts, drain in ((2, ()), (4, ()), (4, (3, 1)), (3, ()), (3, (1, 2)), (2, ())):
            if 1 <= len(cluster.parts) < parts - 1:
                cluster.grow(parts)
            elif len(cluster.parts) != parts - 1:
                cluster.resize(parts)
                cluster.until_readable()
            applied = threading.Thread(target=self.apply, args=(cluster, drain))
            applied.start()
            while applied.is_alive() or not written:
                if rest:
                    written += rest[0]
                    feed.ingest(cluster.client, rest.pop(0))
                self.assertEqual(cluster.client.call("HealthCheck").status, "ok")
            applied.join()
            slots = [part["slots"] for part in self.status(cluster, harness.OK)]
            taking = [n for part, n in enumerate(slots) if part not in drain]
            self.assertEqual(sum(taking), 1024)
            self.assertLessEqual(max(taking) - min(taking), 1)
            verdict = Verdict([json.dumps(line) for line in written], history.ontology)
            compare.same_lines(f"{parts} parts", compare.export(cluster.router.address), verdict.canonical())
        harness.unirust("cluster", "cancel", "--router", cluster.router.address)
        cluster.stop()

    def test_grows_from_home_alone(self):
        """With an empty file of parts at first."""
        cluster = self.open("alone", 1, may_grow=True)
        history = History(SEED)
        cluster.client.call("SetOntology", json=json.dumps(history.ontology))
        half = len(history.lines) // 2
        feed.ingest_stream(cluster.client, history.lines[:half], 7)
        cluster.grow(3)
        self.apply(cluster, ())
        feed.ingest_stream(cluster.client, history.lines[half:], 7)
        self.assertEqual([part["slots"] for part in self.status(cluster, harness.OK)], [342, 341, 341])
        verdict = Verdict(history.text(), history.ontology)
        compare.same_lines("all", compare.export(cluster.router.address), verdict.canonical())
        cluster.stop()

    def apply(self, cluster, drain):
        flags = [f"--drain={part}" for part in drain]
        router = ["--router", cluster.router.address]
        plan = harness.unirust("cluster", "plan", "--json", *flags, *router)
        done = harness.unirust("cluster", "apply", "--json", *flags, *router)
        self.assertEqual(done.stdout, plan.stdout)
        again = harness.unirust("cluster", "plan", *flags, *router)
        self.assertEqual(again.stdout, b"nothing to move\n")

    def test_parts_with_slots_cannot_be_left_out(self):
        cluster = self.open("fewer", 3)
        feed.ingest(cluster.client, History(SEED).lines[:3])
        cluster.shard.stop()
        self.refused(["--parts", cluster.parts[0].address, "--data-dir", self.dir / "fewer" / "part0"],
                     harness.DATA_DIR, b"slots of the store lie in part 2, but only 2 parts are given")
        for part in cluster.parts:
            part.stop()

    def test_what_does_not_belong_together_is_refused(self):
        cluster = self.open("first", 2)
        feed.ingest(cluster.client, History(SEED).lines[:3])
        cluster.stop()
        first = self.dir / "first"
        alone = harness.unirust("stats", "--data-dir", first / "part0", expect=harness.DATA_DIR)
        self.assertIn(b"is part 0 of a store of several", alone.stderr)
        part = start("unirust_shard", "--part", "--shard-id", 1, "--data-dir", first / "part1", "--listen", LOCAL)
        self.refused(["--parts", part.address, "--data-dir", self.dir / "another"], harness.DATA_DIR,
                     b"it is part 1 of another store")
        other = start("unirust_shard", "--part", "--shard-id", 2, "--data-dir", first / "part2", "--listen", LOCAL)
        self.refused(["--parts", f"{other.address},{part.address}", "--data-dir", first / "part0"], harness.DATA_DIR,
                     b"part 2 of the store: at " + part.address.encode() + b": it is part 1 of this store, not part 2")
        other.stop()
        harness.unirust("verify", "--rebuild-derived", "--data-dir", first / "part0", expect=harness.DATA_DIR)
        again = start("unirust_shard", "--parts", part.address, "--data-dir", first / "part0", "--listen", LOCAL)
        again.stop()
        part.stop()
        self.refused(["--parts", part.address, "--data-dir", first / "part0"], harness.UNAVAILABLE,
                     b"part 1 of the store: at " + part.address.encode())
        self.refused(["--part", "--data-dir", self.dir / "x"], harness.USAGE, b"give its number with --shard-id")
        self.refused(["--parts", "127.0.0.1:1", "--shard-id", 2, "--data-dir", self.dir / "x"], harness.USAGE,
                     b"is part 0, not --shard-id 2")
        part = ["--part", "--shard-id", 1, "--data-dir", self.dir / "x"]
        self.refused([*part, "--parts", "127.0.0.1:1"], harness.USAGE, b"exclude each other")
        self.refused([*part, "--ontology", "o.json"], harness.USAGE, b"give it to the shard with --parts")
        self.refused([*part, "--audit-dir", self.dir / "a"], harness.USAGE, b"give it to the shard with --parts")
        self.refused([*part, "--backup-dir", self.dir / "b", "--backup-every", "1h"], harness.USAGE,
                     b"give it to the shard with --parts")

    def test_other_changes_of_the_parts_file_wait(self):
        cluster = self.open("file", 3)
        lines = History(SEED).lines
        addresses = [part.address for part in cluster.parts]
        file = cluster.directory / "parts"
        for text, said in (("\n".join(reversed(addresses)), "part 1 is another one now, or gone"),
                           (addresses[0], "part 2 is another one now, or gone"),
                           ("\n".join([*addresses, "127.0.0.1:1"]), "nothing answers at 127.0.0.1:1"),
                           ("\n".join([*addresses, "nowhere"]), "'nowhere' is no address of a part"),
                           ("\n".join(addresses * 2), "parts:3: '" + addresses[0] + "' is there twice")):
            file.write_text(text)
            while said not in cluster.shard.stderr():
                feed.ingest(cluster.client, lines[:3])
        self.assertEqual(len(cluster.client.call("GetParts").parts), 3)
        cluster.grow(4)  # still possible
        home = ("unirust_shard", "--data-dir", cluster.directory / "other", "--listen", LOCAL)
        self.assertIn(b"exclude each other", harness.run(
            *home, "--parts", addresses[0], "--parts-file", file, expect=harness.USAGE).stderr)
        self.assertIn(b"cannot be read", harness.run(
            *home, "--parts-file", cluster.directory / "none", expect=harness.USAGE).stderr)
        self.assertIn(b"'nowhere' is no address of a part", harness.run(
            *home, "--parts", "nowhere", expect=harness.USAGE).stderr)
        cluster.stop()

    def test_without_a_part_nothing_waits(self):
        cluster = self.open("down", 3, "--metrics-listen", LOCAL)
        lines = History(SEED).lines
        feed.ingest(cluster.client, lines[:5])
        self.assertEqual(self.status(cluster, harness.OK)[1]["slots"], 341)
        self.check_metrics(cluster, [1, 1, 1], [0, 0, 0])
        cluster.parts[0].stop()
        parts = self.status(cluster, harness.UNAVAILABLE)
        self.assertEqual([part["answers"] for part in parts], [True, False, True])
        self.check_metrics(cluster, [1, 0, 1], [0, None, 0])
        self.assertEqual(parts[1]["address"], cluster.parts[0].address)
        self.assertIn("Connection refused", parts[1]["fault"])
        self.assertEqual([parts[2][what] for what in ("epoch", "behind")], [parts[0]["epoch"], 0])
        self.assertIn("part 1 of the store", cluster.client.call("HealthCheck").status)
        for call in (lambda: feed.ingest(cluster.client, lines[5:8]), lambda: list(cluster.client.call("GetDigest")),
                     lambda: cluster.client.call("SetOntology", json=json.dumps(History(SEED + 1).ontology))):
            with self.assertRaises(grpc.RpcError) as fault:
                call()
            self.assertEqual(fault.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertRegex(fault.exception.details(), "part (1 )?of the store")
        more = self.write("more.jsonl", "".join(json.dumps(line) + "\n" for line in lines[5:8]))
        done = harness.unirust("ingest", "--router", cluster.router.address, more, expect=harness.UNAVAILABLE)
        self.assertIn(b"`unirust cluster status` shows", done.stderr)
        address = cluster.shard.address
        cluster.shard.stop()
        cluster.parts[0] = cluster.start_part(1, cluster.parts[0].address)
        cluster.start_shard(address)
        cluster.until_readable()
        verdict = Verdict([json.dumps(line) for line in lines[:5]], {})
        compare.same_lines("after", compare.export(cluster.router.address), verdict.canonical())
        cluster.stop()

    def test_reads_go_on_without_a_part(self):
        cluster = self.open("partial", 3)
        history = History(SEED, profile="mixed")
        cluster.client.call("SetOntology", json=json.dumps(history.ontology))
        feed.ingest(cluster.client, history.lines)
        listings = ("scan", "conflicts")
        whole = {listing: self.listed(cluster, listing) for listing in listings}
        names = [json.loads(line)["id"] for line in whole["scan"]]
        entities = {name: self.listed(cluster, "entity", name) for name in names}
        cluster.parts[1].stop()
        scanned = []
        for listing in listings:
            self.listed(cluster, listing, expect=harness.UNAVAILABLE)
            *some, missing = self.listed(cluster, listing, "--allow-partial", expect=harness.UNAVAILABLE)
            missing = json.loads(missing)
            self.assertIn("Connection refused", missing.pop("fault"))
            self.assertEqual(missing, {"type": "missing", "part": 2, "slots": 341})
            self.assertLess(set(some), set(whole[listing]))
            scanned += [json.loads(line)["id"] for line in some if listing == "scan"]
        self.assertGreater(len(scanned), 0)
        pair = history.lines[0]["descriptors"][0]
        response = cluster.client.call("QueryEntities", descriptors=[{"attr": pair["attr"], "value": pair["value"]}],
                                       start=feed.MIN_TIME, end=feed.MAX_TIME, allow_partial=True)
        self.assertEqual([part.part for part in response.missing], [2])
        answered = [name for name in names if self.answers(cluster, name, entities[name])]
        self.assertGreater(len(answered), 0)
        self.assertLessEqual(set(answered), set(scanned))
        cluster.parts[1] = cluster.start_part(2, cluster.parts[1].address)
        cluster.until_readable()
        for listing in listings:
            self.assertEqual(self.listed(cluster, listing, "--allow-partial"), whole[listing])
        cluster.stop()

    def test_a_part_whose_disk_is_full(self):
        disk = self.dir / "full" / "part1"
        disk.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", str(disk)]
        if subprocess.run(mount, capture_output=True).returncode:
            self.skipTest("mounting a tmpfs needs root")
        self.stack.callback(subprocess.run, ["umount", str(disk)], capture_output=True)
        cluster = Cluster(self.dir / "full", 3)
        written, rng = [], random.Random(SEED)
        with self.assertRaises(grpc.RpcError) as fault:
            for n in range(200):
                lines = [{"entity_type": "file", "perspective": "disk", "uid": f"{n}-{k}", "descriptors": [
                    {"attr": "content", "value": rng.randbytes(30_000).hex()}]} for k in range(20)]
                feed.ingest(cluster.client, lines)
                written += lines
        self.assertEqual(fault.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertRegex(fault.exception.details(),  # by its number, or by its address
                         f"part 1 of the store|the part of the store at {cluster.parts[0].address}")
        self.assertEqual(cluster.parts[0].wait_exit(), harness.STORAGE)
        self.assertIn("No space left", cluster.parts[0].stderr())
        *_, missing = self.listed(cluster, "scan", "--allow-partial", expect=harness.UNAVAILABLE)
        self.assertEqual(json.loads(missing)["part"], 1)
        subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
        cluster.restart(1)
        cluster.until_readable()
        cluster.until_answered(lambda: feed.ingest(cluster.client, lines))  # sent again, as the answer says
        names = {json.loads(line)["id"] for line in self.listed(cluster, "scan")}
        self.assertEqual(names, {f"file/disk/{line['uid']}" for line in written + lines})
        cluster.stop()

    def listed(self, cluster, *args, expect=harness.OK):
        done = harness.unirust(*args, "--json", "--router", cluster.router.address, expect=expect)
        return done.stdout.splitlines()

    def answers(self, cluster, name, entity):
        """Whether the entity of the record is told: then as before."""
        done = harness.unirust("entity", name, "--json", "--router", cluster.router.address, expect=None)
        if done.returncode == harness.UNAVAILABLE:
            return False
        self.assertEqual((done.returncode, done.stdout.splitlines()), (harness.OK, entity))
        return True

    def check_metrics(self, cluster, answers, behind):
        scrape = Scrape(cluster.shard)
        slots = [342, 341, 341]
        for name, expected in (("part_answers", answers), ("part_epochs_behind", behind), ("part_slots", slots)):
            found = [scrape.samples.get((f"unirust_{name}", (("part", str(part)),))) for part in range(3)]
            self.assertEqual(found, expected, name)
        self.assertEqual(scrape.value("unirust_slots_to_move"), 0)

    def status(self, cluster, code):
        done = harness.unirust("cluster", "status", "--json", "--router", cluster.router.address, expect=code)
        table = harness.unirust("cluster", "status", "--router", cluster.router.address, expect=code)
        self.assertIn(b"(home)", table.stdout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_one_home_shuts_out_another(self):
        cluster = self.open("twice", 2)
        lines = History(SEED).lines
        feed.ingest(cluster.client, lines[:5])
        address, home = cluster.shard.address, self.dir / "twice" / "part0"
        cluster.shard.stop()
        copy = shutil.copytree(home, self.dir / "copy")
        cluster.start_shard(address)
        cluster.until_answered(lambda: cluster.client.call("GetStats"))
        parts = ["--parts", cluster.parts[0].address]
        other = start("unirust_shard", *parts, "--data-dir", copy, "--listen", LOCAL)
        with self.assertRaises(grpc.RpcError):
            cluster.client.call("SetOntology", json=json.dumps(History(SEED).ontology))
        self.assertEqual(cluster.shard.wait_exit(), harness.DATA_DIR)
        self.assertIn("another process has opened the store since", cluster.shard.stderr())
        router = start("unirust_router", "--shards", other.address, "--listen", LOCAL)
        client = harness.Client(router.address, timeout=harness.RUN_TIMEOUT)
        feed.ingest(client, lines[5:8])
        self.refused([*parts, "--data-dir", home], harness.DATA_LOSS,
                     b"was written from two copies of the home directory")
        feed.ingest(client, lines[8:10])  # the refused one disturbed nobody
        verdict = Verdict([json.dumps(line) for line in lines[:10]], {})
        compare.same_lines("of the copy", compare.export(router.address), verdict.canonical())
        client.close()

    def refused(self, args, code, why):
        done = harness.run("unirust_shard", *args, "--listen", LOCAL, expect=code)
        self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
