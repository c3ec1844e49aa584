#!/usr/bin/python3
"""Erasure: what is left is what the oracle says of the other records, and no file has anything of what was erased."""
import json
import os
import random
import re
import threading
import time
import unittest

import grpc

import compare
import feed
import harness
from cluster import Cluster
from harness import E2eTest, Store, unirust
from judge import History, Verdict, name_of

SEEDS = int(os.environ.get("UNIRUST_SEEDS", "40"))
FIRST_SEED = int(os.environ.get("UNIRUST_FIRST_SEED", "0"))
ONTOLOGY = {"identity_keys": [{"name": "by_email", "attributes": ["email"]}], "strong_identifiers": [],
            "constraints": []}
WINDOW = 8  # bytes of a secret that are looked for: blocks of tables leave out what keys begin with alike
POINTS = ("purge.names_found", "purge.names_retired", "rewrite.compacted", "rewrite.manifest_begun",
          "purge.rewritten")
# Which process of a store of three parts dies, and where.
POINTS_OF_PARTS = ((0, "epoch.before_published:2"), (0, "rewrite.compacted"), (1, "rewrite.compacted"),
                   (2, "rewrite.manifest_begun"), (0, "purge.rewritten"))


def text(lines):
    return [json.dumps(line, ensure_ascii=False) for line in lines]


def verify(data_dir):
    unirust("verify", "--full", "--data-dir", data_dir)


def person(uid, **values):
    return {"entity_type": "person", "perspective": "crm", "uid": uid,
            "descriptors": [{"attr": attr, "value": value} for attr, value in values.items()]}


class Secrets:
    """A record of which every name and value is random, and who shares its key."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.words = {what: rng.randbytes(12).hex()
                      for what in ("type", "perspective", "uid", "attribute", "short", "long", "email")}
        w = self.words
        self.line = {"entity_type": "t" + w["type"], "perspective": w["perspective"], "uid": w["uid"],
                     "descriptors": [{"attr": "email", "value": w["email"]}, {"attr": "email", "value": "shared"},
                                     {"attr": w["attribute"], "value": w["short"]},
                                     {"attr": "note", "value": w["long"] + rng.randbytes(200).hex()}]}
        self.name = name_of(self.line)

    def found(self, directory):
        """{word: the files that have a part of it}"""
        windows = {word[i:i + WINDOW].encode(): what for what, word in self.words.items()
                   for i in range(0, len(word) - WINDOW + 1)}
        pattern = re.compile(b"|".join(windows))
        out = {}
        for path in directory.rglob("*"):
            if path.is_file():
                for hit in pattern.findall(path.read_bytes()):
                    out.setdefault(windows[hit], set()).add(path.name)
        return out


class ErasingTest(E2eTest):
    def erased(self, store, *names):
        return list(store.client.call("EraseRecords", records=names).erased)

    def status(self, store):
        return store.client.call("GetErasures").shards[0]

    def fill(self, store, count=300):
        feed.ingest(store.client, [person(str(n), email=f"e{n % 40}", note=f"n{n}" * 20) for n in range(count)])

    def wait_for(self, condition, what):
        deadline = time.monotonic() + harness.RUN_TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} does not come")
            time.sleep(0.05)


class ErasureTest(ErasingTest):
    def test_the_oracle_over_what_is_left(self):
        for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
            with self.subTest(seed=seed), harness.temp_dir() as directory:
                self.compare_with_the_oracle(seed, directory)

    def compare_with_the_oracle(self, seed, directory):
        history, rng = History(seed), random.Random(seed)
        half = len(history.lines) // 2
        with Store("router" if seed % 2 else "serve", directory / "data") as store:
            store.client.call("SetOntology", json=json.dumps(history.ontology))
            feed.ingest_unary(store.client, history.lines[:half], 7)
            names = sorted({name_of(line) for line in history.lines})
            gone = set(rng.sample(names, len(names) // 3))
            there = {name_of(line) for line in history.lines[:half]}
            order = rng.sample(sorted(gone), len(gone))
            for first in range(0, len(order), 3):
                some = order[first:first + 3]
                self.assertEqual(self.erased(store, *some), [name in there for name in some])
            self.assertEqual(self.erased(store, *order[:3]), [False] * len(order[:3]))
            if seed % 3 == 0:
                store.client.call("PurgeErased")
            if seed % 4 == 0:
                store.restart()
            left = [line for line in history.lines[:half] if name_of(line) not in gone]
            self.judge(store, left, history.ontology)
            for name in order:
                compare.gone(store.client, name)
            # What is sent again is new, whatever its version.
            left += history.lines[half:]
            feed.ingest_unary(store.client, history.lines[half:], 7)
            verdict = self.judge(store, left, history.ontology)
            compare.entities(store.client, verdict)
            store.stop()
            verify(directory / "data")
            store.start()
            self.judge(store, left, history.ontology)

    def judge(self, store, lines, ontology):
        verdict = Verdict(text(lines), ontology)
        compare.same_lines("what is left", compare.export(store.address), verdict.canonical())
        compare.stats(store.client, verdict)
        return verdict

    def test_no_file_has_anything_of_it(self):
        secrets, copies = Secrets(1), self.dir / "b"
        store = self.store("router", "--backup-dir", copies, "--backup-keep", "1")
        store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        self.fill(store)
        feed.ingest(store.client, [secrets.line, person("twin", email="shared")])
        store.client.call("Backup")  # flushes: tables have it, too
        store.client.call("Checkpoint", path="before")
        found = secrets.found(store.data_dir)
        self.assertEqual(set(found), set(secrets.words))
        kinds = {re.sub(r"\d+", "", name) for files in found.values() for name in files}
        self.assertEqual(kinds, {"MANIFEST-", ".log", ".sst"} & kinds | {"MANIFEST-", ".sst"})
        self.assertEqual(self.erased(store, secrets.name), [True])
        before = compare.export(store.address)
        self.assertNotIn(secrets.words["uid"].encode(), before)

        status = self.status(store)
        self.assertEqual((status.records, status.all_gone, status.purged_micros), (1, False, 0))
        self.assertEqual([copy.name for copy in status.copies], ["backup 1", "checkpoint before"])
        store.client.call("PurgeErased")
        self.assertEqual(secrets.found(store.data_dir), {})
        status = self.status(store)
        self.assertEqual((status.pending_since_micros, status.all_gone), (0, False))
        self.assertGreater(status.purged_micros, status.last_micros)

        store.client.call("Backup")
        half = copies / "half.tmp"  # as a checkpoint leaves it that is killed while it links tables
        half.mkdir()
        table = next(path for path in (copies / "before").iterdir() if path.suffix == ".sst")
        os.link(table, half / table.name)
        copies_of_it = [copy.name for copy in self.status(store).copies]
        self.assertEqual(sorted(copies_of_it), ["checkpoint before", "checkpoint half.tmp"])
        harness.shutil.rmtree(half)
        harness.shutil.rmtree(copies / "before")
        status = self.status(store)
        self.assertEqual(([copy.name for copy in status.copies], status.all_gone), ([], True))
        self.assertEqual(secrets.found(self.dir), {})

        self.assertEqual(compare.export(store.address), before)
        store.restart()
        self.assertEqual(secrets.found(store.data_dir), {})
        feed.ingest(store.client, [secrets.line])  # all names come back
        self.assertIn(secrets.words["uid"].encode(), compare.export(store.address))
        sought = {"attr": secrets.words["attribute"], "value": secrets.words["short"]}
        found = store.client.call("QueryEntities", descriptors=[sought], start=0, end=1)
        self.assertEqual(len(found.matches.matches), 1)
        store.stop()
        verify(store.data_dir)

    def test_names_that_others_use_stay(self):
        store = self.store()
        self.fill(store, 5)
        feed.ingest(store.client, [{"entity_type": "firm", "perspective": "web", "uid": "1", "descriptors": []},
                                   {"entity_type": "person", "perspective": "web", "uid": "2", "descriptors": []},
                                   {"entity_type": "firm", "perspective": "old", "uid": "3", "descriptors": []}])
        feed.ingest(store.client, [{"entity_type": "firm", "perspective": "old", "uid": "3", "op": "delete"}])
        self.erased(store, "firm/web/1")
        store.client.call("PurgeErased")
        self.erased(store, "firm/old/3")
        for _ in range(2):
            store.client.call("PurgeErased")
            store.stop()
            verify(store.data_dir)
            store.start()
        self.assertEqual(store.client.call("GetStats").record_count, 6)

    def test_who_began_before_reads_to_the_end(self):
        store = self.store("router")
        lines = [person(str(n), note="x" * 2000 + str(n)) for n in range(4000)]
        feed.ingest_unary(store.client, lines, 500)
        stream = store.client.call("ScanRecords")
        first = next(iter(stream))
        self.assertGreater(len(first.records), 0)
        self.erased(store, "person/crm/3999", "person/crm/17")
        purge = threading.Thread(target=store.client.call, args=("PurgeErased",))
        purge.start()
        seen = {record.identity.uid for record in first.records}
        for chunk in stream:
            self.assertTrue(purge.is_alive())  # flow control holds the rest of the stream back until here
            seen |= {record.identity.uid for record in chunk.records}
            break
        for chunk in stream:
            seen |= {record.identity.uid for record in chunk.records}
        self.assertEqual(len(seen), 4000)
        purge.join()
        self.assertTrue(self.status(store).all_gone)

    def test_a_stream_by_a_name_that_is_purged_goes_on(self):
        """Its pages ask for the name."""
        store = self.store("router")
        lines = [person(str(n), note="x" * 2000 + str(n), legacy="yes") for n in range(4000)]
        feed.ingest_unary(store.client, lines, 500)
        stream = store.client.call("ScanRecords", descriptor={"attr": "legacy", "value": "yes"})
        seen = {record.identity.uid for record in next(iter(stream)).records}
        feed.ingest_unary(store.client, [person(str(n), note="x") for n in range(4000)], 1000)
        purge = threading.Thread(target=store.client.call, args=("PurgeErased",))
        purge.start()
        for chunk in stream:
            seen |= {record.identity.uid for record in chunk.records}
        self.assertEqual(len(seen), 4000)
        purge.join()
        feed.ingest(store.client, [person("new", legacy="yes")])
        found = [chunk for chunk in store.client.call("ScanRecords", descriptor={"attr": "legacy", "value": "yes"})]
        self.assertEqual(sum(len(chunk.records) for chunk in found), 1)
        store.stop()
        verify(store.data_dir)

    def test_a_purge_that_dies_is_done_by_the_next(self):
        secrets = Secrets(2)
        store = self.store()
        store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        self.fill(store)
        for point in POINTS:
            feed.ingest(store.client, [secrets.line, person("twin", email="shared")])
            expected = self.erased(store, secrets.name)
            self.assertEqual(expected, [True])
            before = compare.export(store.address)
            store.stop()
            store.env = {"UNIRUST_ABORT_AT": point}
            store.start()
            with self.assertRaises(grpc.RpcError, msg=point):
                store.client.call("PurgeErased")
            store.programs[0].wait_exit()
            store.kill()
            verify(store.data_dir)
            store.env = None
            store.start()
            self.assertEqual(compare.export(store.address), before)
            self.assertFalse(self.status(store).all_gone)
            store.client.call("PurgeErased")
            self.assertTrue(self.status(store).all_gone, point)
            self.assertEqual(secrets.found(store.data_dir), {}, point)

    def test_a_daemon_purges_by_itself(self):
        store = self.store()
        self.fill(store, 10)
        self.erased(store, "person/crm/1")
        store.stop()
        store.shard_args = ("--purge-after", "1s")
        store.start()
        self.wait_for(lambda: self.status(store).all_gone, "a purge")

    def test_commands(self):
        data = self.dir / "data"
        unirust("ingest", "--data-dir", data, self.write("r.jsonl", "\n".join(text([person("1", a="b"), person("2")]))))
        at = ["--data-dir", data]
        self.assertIn(b"nothing was ever erased", unirust("erase", *at).stdout)
        told = unirust("erase", *at, "person/crm/1", "person/crm/9").stdout.decode()
        self.assertIn("erased person/crm/1\nnot there: person/crm/9\nerased:  1 records", told)
        self.assertIn("gone:    nothing yet", told)
        self.assertIn("give --backup-dir", told)
        lines = unirust("erase", *at, "--purge", "--json", "person/crm/2").stdout.splitlines()
        self.assertEqual(json.loads(lines[0]), {"type": "erasure", "record": "person/crm/2", "erased": True})
        told = json.loads(lines[1])
        self.assertEqual((told["type"], told["records"], told["all_gone"], told["copies"]), ("erasures", 2, True, []))
        self.assertIn(b"gone:    all of it", unirust("erase", *at).stdout)
        fault = unirust("erase", *at, "person/crm", expect=harness.INPUT).stderr
        self.assertIn(b"records[0]", fault)

    def test_what_is_refused(self):
        store = self.store("router")
        self.fill(store, 3)
        for records, why in ((["person/crm"], "records[0]"), (["person/crm/1", ""], "records[1]"),
                             (["person/crm/1"] * 1001, "at most 1000")):
            with self.assertRaises(grpc.RpcError) as fault:
                store.client.call("EraseRecords", records=records)
            self.assertEqual(fault.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn(why, fault.exception.details())
        self.assertEqual(store.client.call("GetStats").record_count, 3)
        self.assertEqual(self.status(store).records, 0)


class PartsErasureTest(ErasingTest):
    """A store of several parts."""

    def open(self):
        cluster = Cluster(self.dir, 3)
        cluster.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        self.fill(cluster)
        return cluster

    def write_secrets(self, cluster, seed):
        """So many that every part has some."""
        secrets = [Secrets(100 * seed + n) for n in range(8)]
        feed.ingest(cluster.client, [secret.line for secret in secrets] + [person("twin", email="shared")])
        return secrets

    def found(self, secrets):
        """The parts that have a part of one."""
        return [n for n in range(3) if any(secret.found(self.dir / f"part{n}") for secret in secrets)]

    def erase(self, cluster, secrets):
        names = [secret.name for secret in secrets]
        self.assertEqual(self.erased(cluster, *names), [True] * len(names))

    def refused(self, cluster):
        with self.assertRaises(grpc.RpcError) as fault:
            cluster.client.call("PurgeErased")
        self.assertEqual(fault.exception.code(), grpc.StatusCode.UNAVAILABLE)
        return fault.exception.details()

    def test_no_file_of_any_part_has_anything_of_it(self):
        cluster = self.open()
        secrets = self.write_secrets(cluster, 1)
        self.assertEqual(self.found(secrets), [0, 1, 2])
        self.erase(cluster, secrets)
        before = compare.export(cluster.router.address)
        self.assertFalse(self.status(cluster).all_gone)
        for _ in range(2):  # also if nothing was written since
            unirust("erase", "--purge", "--router", cluster.router.address)
            self.assertEqual(self.found(secrets), [])
        status = self.status(cluster)
        self.assertEqual((status.records, status.pending_since_micros, status.all_gone), (8, 0, True))
        self.assertEqual(compare.export(cluster.router.address), before)
        for number in range(3):
            cluster.kill_and_restart(number)
        cluster.until_readable()
        self.assertEqual(self.found(secrets), [])
        self.assertEqual(compare.export(cluster.router.address), before)
        again = self.write_secrets(cluster, 1)  # all names come back
        self.assertEqual(self.found(again), [0, 1, 2])
        cluster.stop()

    def test_without_a_part_nothing_is_purged(self):
        cluster = self.open()
        secrets = self.write_secrets(cluster, 2)
        self.erase(cluster, secrets)
        cluster.program(1).__exit__()
        self.assertIn("part 1 of the store", self.refused(cluster))
        cluster.restart(1)
        cluster.until_readable()
        status = self.status(cluster)
        self.assertEqual((status.purged_micros, status.all_gone), (0, False))
        cluster.until_answered(lambda: cluster.client.call("PurgeErased"))
        self.assertTrue(self.status(cluster).all_gone)
        self.assertEqual(self.found(secrets), [])
        cluster.stop()

    def test_a_purge_of_which_a_part_dies_is_done_by_the_next(self):
        cluster = self.open()
        for number, point in POINTS_OF_PARTS:
            with self.subTest(part=number, point=point):
                secrets = self.write_secrets(cluster, 3)
                self.erase(cluster, secrets)
                before = compare.export(cluster.router.address)
                cluster.program(number).__exit__()
                cluster.restart(number, {"UNIRUST_ABORT_AT": point})
                cluster.until_readable()
                self.refused(cluster)
                cluster.program(number).wait_exit()
                cluster.kill_and_restart(number)
                cluster.until_readable()
                self.assertEqual(compare.export(cluster.router.address), before)
                self.assertFalse(self.status(cluster).all_gone)
                cluster.until_answered(lambda: cluster.client.call("PurgeErased"))
                self.assertTrue(self.status(cluster).all_gone)
                self.assertEqual(self.found(secrets), [])
        cluster.stop()

    def test_a_daemon_purges_by_itself(self):
        cluster = self.open()
        secrets = self.write_secrets(cluster, 4)
        self.erase(cluster, secrets)
        address = cluster.shard.address
        cluster.shard.stop()
        cluster.flags = ("--purge-after", "1s")
        cluster.start_shard(address)
        cluster.until_readable()
        self.wait_for(lambda: self.status(cluster).all_gone, "a purge")
        self.assertEqual(self.found(secrets), [])
        cluster.stop()


if __name__ == "__main__":
    unittest.main()
