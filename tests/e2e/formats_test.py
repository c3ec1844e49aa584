#!/usr/bin/python3
"""Directories that earlier programs wrote (formats.py; tests/formats/VERSION/): they open, also after kills on the way,
answer what they did, verify and go on; directories of other formats are refused."""
import functools
import itertools
import json
import shutil
import unittest

import compare
import formats
import harness
from crash_campaign import fault_points
from formats import Fixture
from harness import E2eTest, run, unirust

PASSAGES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)  # of a fault point
OPENED = {"open.marked", "open.recovered", "open.checked", "open.leftover_dropped", "open.chosen", "open.probed",
          "manifest.before_sync", "manifest.synced", "mark.files_before_sync"}
LATE = [{"entity_type": "person", "perspective": "crm", "uid": "late", "version": 2**62, "descriptors": [
    {"attr": "email", "value": "info@big.example"}, {"attr": "ssn", "value": "001", "start": 20, "end": 30}]}]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def renumber(log, version):
    """Gives the store whose identity is all that its log has another format version. A record of a log is a masked
    checksum of all behind its length, u16 length, u8 type, and here a batch that puts `store` = u32 version, ..."""
    content, at = bytearray(log.read_bytes()), formats.identity_in(log)
    content[at:at + 4] = version.to_bytes(4, "big")
    crc = crc32c(content[6:])
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    content[:4] = masked.to_bytes(4, "little")
    log.write_bytes(content)


def of_each_format(test):
    """The test gets a fixture of each."""
    @functools.wraps(test)
    def run_all(self):
        for version in formats.versions():
            with self.subTest(format=version):
                test(self, self.fixture(version))
    return run_all


class FormatTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.numbers = itertools.count()

    def fixture(self, version):
        directory = self.dir / f"copy{next(self.numbers)}"
        directory.mkdir()
        return Fixture(version, directory)

    def same_answers(self, fixture, what):
        compare.same_lines(what, formats.export(fixture.data), fixture.answers["export.jsonl"])
        unirust("verify", "--full", "--quiet", "--data-dir", fixture.data)

    def test_there_is_one_of_each_format(self):
        newest = formats.program_format(self.dir)
        self.assertEqual(formats.versions(), list(range(formats.versions()[0], newest + 1)), "scripts/fixture makes it")

    @of_each_format
    def test_answers_what_it_did(self, fixture):
        self.same_answers(fixture, "opened")
        compare.equal("stats", formats.stats(fixture.data), json.loads(fixture.answers["stats.json"]))
        compare.same_lines("conflicts", formats.conflicts(fixture.data), fixture.answers["conflicts.jsonl"])

    @of_each_format
    def test_is_read_beside_a_shard_or_refused(self, fixture):
        """Of an older format: nothing may be written, so it may be that it must be opened to write first."""
        before = {path.name: path.read_bytes() for path in fixture.data.iterdir()}
        done = run("unirust", "export", "--format", "canonical", "--data-dir", fixture.data, "--read-only")
        if done.returncode == harness.OK or fixture.version == formats.versions()[-1]:
            compare.same_lines("read-only", done.stdout, fixture.answers["export.jsonl"])
        else:
            self.assertEqual(done.returncode, harness.DATA_DIR, done.stderr)
            self.assertIn(f"has format version {fixture.version}".encode(), done.stderr)
        self.assertEqual({path.name: path.read_bytes() for path in fixture.data.iterdir()}, before)

    @of_each_format
    def test_writes_go_on(self, fixture):
        """Also another ontology and back, which makes everything anew; and the format is the program's then."""
        there = ["--data-dir", fixture.data]
        gone = {name: fixture.lines[0][name] for name in ("entity_type", "perspective", "uid")}
        lines = fixture.lines + LATE + [{**gone, "op": "delete", "version": 2**62}]
        unirust("ingest", *there, "-", stdin="".join(json.dumps(line) + "\n" for line in lines[-2:]).encode())
        expected = formats.verdict(lines, fixture.ontology).canonical()
        compare.same_lines("written to", formats.export(fixture.data), expected)
        for ontology in ({}, fixture.ontology):
            unirust("ontology", "apply", *there, "-", stdin=json.dumps(ontology).encode())
        compare.same_lines("made anew", formats.export(fixture.data), expected)
        unirust("verify", "--full", "--quiet", *there)
        unirust("backup", *there, "--backup-dir", fixture.backups)

    @of_each_format
    def test_is_upgraded_once(self, fixture):
        upgrade = f"is of format version {formats.versions()[-1]} now, from {fixture.version};"
        told = []
        for _ in range(2):
            with harness.Store("serve", fixture.data) as store:
                told.append(upgrade in store.stderr())
                store.stop()
        self.assertEqual(told, [fixture.version != formats.versions()[-1], False])

    @of_each_format
    def test_its_backups(self, fixture):
        for number in (1, 2):
            target = fixture.data.parent / f"restored{number}"
            unirust("restore", "--from", fixture.backups, "--backup", number, "--data-dir", target)
            compare.same_lines("restored", formats.export(target), fixture.answers[f"backup-{number}.jsonl"])
            unirust("verify", "--full", "--quiet", "--data-dir", target)

    def killed_as_it_opens(self, version, point, passage):
        """Whether it died there; if so, it then opens."""
        fixture = self.fixture(version)
        done = run("unirust", "stats", "--data-dir", fixture.data, env={"UNIRUST_ABORT_AT": f"{point}:{passage}"})
        died = done.returncode != harness.OK
        if died:
            self.assertEqual(done.returncode, -9, done.stderr)
            self.same_answers(fixture, f"killed at {point}:{passage}")
        shutil.rmtree(fixture.data.parent)
        return died

    def test_killed_as_it_opens(self):
        for version in formats.versions():
            died = []
            for point in fault_points():
                with self.subTest(format=version, point=point):
                    passed = itertools.takewhile(lambda n: self.killed_as_it_opens(version, point, n), PASSAGES)
                    died += [(point, passage) for passage in passed]
            passed = OPENED | ({"open.upgraded"} if version != formats.versions()[-1] else set())
            self.assertEqual(passed - {point for point, _ in died}, set(), "points that it must pass")
            print(f"format {version}: {len(died)} kills at {len({point for point, _ in died})} points")

    def test_other_formats_are_refused(self):
        data, oldest, newest = self.dir / "data", formats.versions()[0], formats.versions()[-1]
        log = formats.new_store(data)
        for version in (oldest - 1, newest + 1):
            renumber(log, version)
            before = log.read_bytes()
            for program in (["unirust", "stats"], ["unirust_shard", "--listen", harness.LOCAL]):
                done = run(*program, "--data-dir", data, expect=harness.DATA_DIR)
                self.assertIn(f": data directory {data} has format version {version}; this program knows versions "
                              f"{oldest} to {newest}. Use the program that wrote it, or ingest the records anew\n",
                              done.stderr.decode())
            self.assertEqual(log.read_bytes(), before)
        renumber(log, newest)
        unirust("stats", "--data-dir", data)


if __name__ == "__main__":
    unittest.main(verbosity=2)
