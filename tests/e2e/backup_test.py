#!/usr/bin/python3
"""Backups, restores and reading beside a running store, with the real programs.

Kills during backups and restores are in crash_test.py.
"""
import hashlib
import json
import os
import random
import shutil
import subprocess
import threading
import time
import unittest

import grpc

import feed
import harness
from harness import E2eTest, unirust

ONTOLOGY = {"identity_keys": [{"name": "by_email", "attributes": ["email"]}], "strong_identifiers": [],
            "constraints": []}
READING = (["stats"], ["query", "email=e1"], ["entity", "person/crm/1"], ["conflicts"], ["scan"],
           ["export", "--format", "canonical"], ["ontology", "show"])


def person(n, noise=0):
    return {"entity_type": "person", "perspective": "crm", "uid": str(n), "descriptors": [
        {"attr": "email", "value": f"e{n % 50}"}, {"attr": "pad", "value": "x" * noise + str(n)}]}


def listing(directory):
    """Each file's size, time of change and digest."""
    return {p.name: (p.stat().st_size, p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest())
            for p in sorted(directory.iterdir())}


def backups(directory):
    return [json.loads(line) for line in unirust("backups", directory, "--json").stdout.splitlines()]


def export(data_dir, *flags):
    return unirust("export", "--format", "canonical", "--data-dir", data_dir, *flags).stdout


class BackupTest(E2eTest):
    def fill(self, store, first=0, count=200, noise=0):
        feed.ingest(store.client, [person(n, noise) for n in range(first, first + count)])

    def restore(self, *flags, expect=harness.OK):
        target = self.dir / "restored"
        shutil.rmtree(target, ignore_errors=True)
        done = unirust("restore", "--from", self.dir / "b", "--data-dir", target, *flags, expect=expect)
        self.assertFalse((self.dir / "restored.restoring").exists())
        self.assertEqual(target.exists(), expect == harness.OK)
        return target if expect == harness.OK else done.stderr.decode()

    def test_point_in_time(self):
        store = self.store("router", "--backup-dir", self.dir / "b", "--backup-keep", "2")
        store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        exports = {}
        for n in range(1, 4):
            self.fill(store, first=n * 100)
            made = json.loads(unirust("backup", "--json", "--router", store.address).stdout)
            self.assertEqual((made["type"], made["id"], made["shard"]), ("backup", n, 0))
            exports[n] = unirust("export", "--format", "canonical", "--router", store.address).stdout
        self.assertEqual([b["id"] for b in backups(self.dir / "b")], [2, 3])
        self.assertEqual(store.client.call("GetMetrics").store.backups_made, 3)
        self.assertIn("no backup 1", self.restore("--backup", "1", expect=harness.FAILURE))
        self.assertEqual(export(self.restore("--backup", "2")), exports[2])
        target = self.restore()
        self.assertEqual(export(target), exports[3])
        full = unirust("restore", "--from", self.dir / "b", "--data-dir", target, expect=harness.DATA_DIR)
        self.assertIn(b"not empty", full.stderr)
        self.assertEqual(export(target), exports[3])

    def test_in_this_process(self):
        data = self.dir / "data"
        records = self.write("r.jsonl", json.dumps(person(1)))
        unirust("ingest", "--data-dir", data, records)
        there = ["--data-dir", data, "--backup-dir", self.dir / "b"]
        for _ in range(3):
            unirust("backup", *there, "--backup-keep", "1")
        self.assertEqual([b["id"] for b in backups(self.dir / "b")], [3])
        self.assertEqual(export(self.restore()), export(data))
        self.assertIn(b"--backup-dir", unirust("backup", "--data-dir", data, expect=harness.FAILURE).stderr)
        unirust("backups", self.dir / "nowhere", expect=harness.FAILURE)

    def test_failures_do_not_end_the_daemon(self):
        disk = self.dir / "b"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)], capture_output=True).returncode:
            self.skipTest("mounting a tmpfs needs root")
        self.stack.callback(subprocess.run, ["umount", str(disk)], capture_output=True)
        store = self.store("serve", "--backup-dir", disk, "--backup-every", "1s")
        store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        self.fill(store, count=20)
        self.wait_for(lambda: backups(disk), "a first backup")
        rng = random.Random(1)
        for n in range(100):
            feed.ingest(store.client, [{**person(1000 + n), "descriptors": [
                {"attr": "pad", "value": rng.randbytes(30_000).hex()}]}])
        self.wait_for(lambda: store.client.call("GetMetrics").store.backups_failed, "a failed backup")
        self.assertIn("the scheduled backup failed", store.stderr())
        self.assertIn("No space left", store.stderr())
        with self.assertRaises(grpc.RpcError):
            store.client.call("Backup")
        self.assertGreaterEqual(len(backups(disk)), 1)
        export(self.restore_from(disk))
        subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
        store.client.call("Backup")
        expected = unirust("export", "--format", "canonical", "--router", store.address).stdout
        self.assertEqual(export(self.restore_from(disk)), expected)
        shutil.rmtree(disk / "backups")
        store.client.call("Backup")
        shutil.rmtree(disk / "backups")
        (disk / "backups").write_text("in the way")
        with self.assertRaises(grpc.RpcError):
            store.client.call("Backup")
        store.stop()

    def restore_from(self, directory):
        target = self.dir / "restored"
        shutil.rmtree(target, ignore_errors=True)
        unirust("restore", "--from", directory, "--data-dir", target)
        return target

    def wait_for(self, condition, what):
        deadline = time.monotonic() + harness.RUN_TIMEOUT
        while True:
            try:
                if condition():
                    return
            except AssertionError:  # the command found nothing yet
                pass
            self.assertLess(time.monotonic(), deadline, f"{what} does not come")
            time.sleep(0.05)

    def test_two_stores_do_not_share_a_directory(self):
        first = self.store("serve", "--backup-dir", self.dir / "b")
        second = self.store("serve", "--backup-dir", self.dir / "b", data_dir=self.dir / "second")
        self.fill(first, count=3)
        first.client.call("Backup")
        with self.assertRaises(grpc.RpcError) as raised:
            second.client.call("Backup")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn("another store", raised.exception.details())
        self.assertEqual(len(backups(self.dir / "b")), 1)

    def test_a_schedule_goes_on_after_a_restart(self):
        store = self.store("serve", "--backup-dir", self.dir / "b", "--backup-every", "1d")
        self.wait_for(lambda: len(backups(self.dir / "b")) == 1, "the first backup")
        store.restart()
        self.fill(store, count=3)
        store.client.call("Backup")
        self.assertEqual([b["id"] for b in backups(self.dir / "b")], [1, 2], "the next is due in a day")


class ReadOnlyTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.data = self.dir / "data"

    def start(self):
        store = self.store("serve", "--memory-budget", "64MiB", data_dir=self.data)
        store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        feed.ingest(store.client, [person(n) for n in range(100)])
        return store

    def test_every_reading_command_beside_a_running_store(self):
        store = self.start()
        before = listing(self.data)
        for command in READING:
            here = unirust(*command, "--data-dir", self.data, "--read-only").stdout
            self.assertEqual(here, unirust(*command, "--router", store.address).stdout, command)
        self.assertEqual(listing(self.data), before)
        self.assertIn(b"in use", unirust("stats", "--data-dir", self.data, expect=harness.UNAVAILABLE).stderr)
        store.stop()
        before = listing(self.data)
        for command in READING:
            unirust(*command, "--data-dir", self.data, "--read-only")
        self.assertEqual(listing(self.data), before)
        self.assertEqual(os.environ.get("TMPDIR", "/tmp") and [p for p in self.dir.iterdir()], [self.data])

    def test_writing_commands_do_not_know_it(self):
        self.start()
        records = self.write("r.jsonl", json.dumps(person(1)))
        rules = self.write("o.json", json.dumps(ONTOLOGY))
        for command in (["ingest", records], ["ontology", "apply", rules], ["checkpoint"], ["backup"],
                        ["ontology", "check", rules]):
            done = unirust(*command, "--data-dir", self.data, "--read-only", expect=harness.USAGE)
            self.assertIn(b"--read-only", done.stderr)
        unirust("stats", "--read-only", expect=harness.USAGE)

    def test_a_directory_that_cannot_be_written(self):
        self.start().stop()
        expected = export(self.data)
        copy = self.dir / "copy"
        shutil.copytree(self.data, copy)
        if subprocess.run(["mount", "--bind", copy, copy], capture_output=True).returncode:
            self.skipTest("mounting needs root")
        self.stack.callback(subprocess.run, ["umount", str(copy)], capture_output=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", copy], check=True)
        self.assertEqual(export(copy, "--read-only"), expected)
        unirust("stats", "--data-dir", copy, expect=harness.DATA_DIR)

    def test_beside_ingest_and_compaction(self):
        store = self.start()
        stop, acknowledged, faults = threading.Event(), [100], []

        def write():
            try:
                for n in range(100, 1_000_000, 10):
                    if stop.is_set():
                        return
                    feed.ingest(store.client, [person(m, noise=3000) for m in range(n, n + 10)])
                    acknowledged[0] = n + 10
            except Exception as fault:
                faults.append(fault)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(20):
                before = acknowledged[0]
                lines = export(self.data, "--read-only").splitlines()
                records = {json.loads(line)["id"] for line in lines if b'"type": "record"' in line}
                self.assertGreaterEqual(len(records), before)
                self.assertEqual(len(records) % 10, 0, "a request by halves")
                self.assertEqual(records, {f"person/crm/{n}" for n in range(len(records))})
        finally:
            stop.set()
            writer.join()
        self.assertEqual(faults, [])


if __name__ == "__main__":
    unittest.main()
