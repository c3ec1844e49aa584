#!/usr/bin/python3
"""Everything that can be wrong with a request, an ontology, a command line, a directory or a disk: a clear error with
the documented code, and nothing half applied. Each request goes through the router and to the shard alone."""
import contextlib
import json
import os
import random
import shutil
import subprocess
import unittest

import grpc
from grpc import StatusCode

import compare
import feed
import harness
from harness import LOCAL, E2eTest, run, start
from judge import MAX_TIME, MIN_TIME, History, Refused, Verdict

ONTOLOGY = {"identity_keys": [{"name": "email", "attributes": ["email"]}, {"name": "ab", "attributes": ["a", "b"]}]}

FLIPS = 40


def record(uid="42", descriptors=(), **more):
    return {"entity_type": "person", "perspective": "crm", "uid": uid, "descriptors": list(descriptors), **more}


def value(attr="email", text="x@y.org", **span):
    return {"attr": attr, "value": text, **span}


class BadRequestTest(E2eTest):
    """Requests that are refused, and that leave nothing behind."""

    WAYS = ("router", "shard")

    def setUp(self):
        super().setUp()
        self.stores = {way: self.store(way, data_dir=self.dir / way) for way in self.WAYS}
        for store in self.stores.values():
            store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
            feed.ingest(store.client, [record("1", [value()])])

    def each(self):
        """The client of each way in turn; what was stored before must be all that is stored afterwards."""
        for self.way, store in self.stores.items():
            before = compare.export(store.address)
            yield store.client
            self.assertEqual(compare.export(store.address), before, f"something was applied through the {self.way}")

    def refused(self, code, call, *says):
        with self.assertRaises(grpc.RpcError, msg=f"through the {self.way}") as caught:
            answer = call()
            if isinstance(answer, grpc.Call):
                list(answer)
        fault = caught.exception
        self.assertEqual(fault.code(), code, f"through the {self.way}: {fault.details()}")
        for word in says:
            self.assertIn(word, fault.details(), f"through the {self.way}")

    def refused_record(self, bad, *says):
        """Alone, last of many, in a stream, and as a retraction: each refuses the request as a whole."""
        good = [record(f"g{n}", [value(text=f"g{n}")]) for n in range(3)]
        for client in self.each():
            for lines in ([bad], good + [bad]):
                place = f"index {len(lines) - 1}"
                self.refused(StatusCode.INVALID_ARGUMENT, lambda: feed.ingest(client, lines), place, *says)
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: feed.ingest(client, [{**bad, "op": "delete"}]), *says)
            streaming = "IngestChunks" if any("ShardService" in m for m in client.methods) else "IngestRecordsStream"
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: list(client.call(
                streaming, stream=[{"records": feed.inputs([bad])}])), *says)

    # --- INVALID_ARGUMENT: a record -----------------------------------------------------------------

    def test_missing_identity(self):
        for client in self.each():
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call("IngestRecords", records=[{"index": 7}]),
                         "identity", "index 7")

    def test_missing_part_of_identity(self):
        for part in ("entity_type", "perspective", "uid"):
            self.refused_record({**record(), part: ""}, part)

    def test_start_not_before_end(self):
        self.refused_record(record(descriptors=[value(start=5, end=5)]), "person/crm/42", "descriptors[0]", "5")
        self.refused_record(record(descriptors=[value(), value(start=MAX_TIME, end=MIN_TIME)]), "descriptors[1]")

    def test_empty_attribute(self):
        self.refused_record(record(descriptors=[value(attr="")]), "person/crm/42", "descriptors[0]", "attr")

    def test_too_long_identity_attribute_and_value(self):
        self.refused_record(record("u" * 1025), "uid", "1024")
        self.refused_record(record(descriptors=[value(attr="a" * 1025)]), "descriptors[0]", "1024")
        self.refused_record(record(descriptors=[value(text="v" * (64 * 1024 + 1))]), "descriptors[0]", "65536")

    def test_too_many_descriptors(self):
        many = [value("n", str(n % 10), start=n, end=n + 1) for n in range(100_000)]
        self.refused_record(record(descriptors=many), "person/crm/42", "65535")

    def test_too_many_key_instances(self):
        many = [value("a", str(n)) for n in range(25)] + [value("b", str(n)) for n in range(41)]
        self.assertEqual(25 * 41, 1025)
        self.refused_record(record(descriptors=many), "person/crm/42", "1024", "ab")
        self.refused_record(record(descriptors=[value("a", str(n)) for n in range(1025)]), "1024")
        for store in self.stores.values():  # exactly 1,024 are fine
            feed.ingest(store.client, [record(descriptors=[value("a", str(n)) for n in range(1024)])])

    def test_invalid_utf8(self):
        for client in self.each():
            method = client.method("IngestRecords")
            for line in (record("@@@@"), record(descriptors=[value(attr="@@@@")]),
                         record(descriptors=[value(text="@@@@")])):
                data = method.request(records=feed.inputs([record("7"), line])).SerializeToString()
                for bad in (b"\xff\xfe@@", b"\xed\xa0\x80@", b"\xc0\x80@@", b"\xf4\x90\x80\x80"):
                    self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call_bytes(
                        "IngestRecords", data.replace(b"@@@@", bad)))

    def test_too_many_records_in_a_request(self):
        lines = [record(str(n)) for n in range(20_001)]
        for client in self.each():
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: feed.ingest(client, lines), "20000")

    def test_what_the_oracle_refuses_is_refused(self):
        spans = [{}, {"start": 3, "end": 3}, {"start": 4, "end": 9}, {"start": MIN_TIME, "end": MAX_TIME},
                 {"start": MAX_TIME - 1}, {"end": MIN_TIME + 1}, {"start": MAX_TIME}, {"end": MIN_TIME}]
        for n, span in enumerate(spans):
            line = record(str(n), [value(**span)])
            with contextlib.suppress(Refused):
                Verdict([json.dumps(line)], ONTOLOGY)
                for store in self.stores.values():
                    feed.ingest(store.client, [line])
                continue
            self.refused_record(line, "descriptors[0]")

    # --- INVALID_ARGUMENT: other requests -------------------------------------------------------------

    def test_ontology_faults(self):
        key = {"name": "k", "attributes": ["a"]}
        bad = {
            "not JSON": "{", "a list": "[]", "unknown field": '{"identity_key": []}',
            "duplicate key names": json.dumps({"identity_keys": [key, key]}),
            "unknown kind": json.dumps({"constraints": [{"name": "c", "attribute": "a", "kind": "sometimes"}]}),
            "unknown strategy": json.dumps({"golden": {"default": ["oldest"]}}),
            "strong twice": json.dumps({"strong_identifiers": ["a", "a"]}),
            "max_group": json.dumps({"identity_keys": [{**key, "max_group": 0}]}),
        }
        for client in self.each():
            version = client.call("GetConfigVersion").version
            for what, text in bad.items():
                with self.subTest(what):
                    self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call("SetOntology", json=text))
            two = json.dumps({"identity_keys": [{"attributes": ["a"]}], "strong_identifiers": [{"scope": "global"}]})
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call("SetOntology", json=two),
                         "identity_keys[0]", "strong_identifiers[0]")  # every fault is listed
            for config in ({"constraints": [{"name": "c", "attribute": "a", "kind": 77}]},
                           {"identity_keys": [key, key]}, {"strong_identifiers": [""]}):
                self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call("SetOntology", config=config))
            self.assertEqual(client.call("GetConfigVersion").version, version)

    def test_ontology_that_refers_to_nothing(self):
        nothing = {"identity_keys": [{"name": "k", "attributes": ["nowhere"], "entity_types": ["nobody"]}],
                   "strong_identifiers": ["nothing"], "attributes": {"void": {"multi_valued": True}}}
        lines = [json.dumps(record("1", [value()]))]
        for store in self.stores.values():
            store.client.call("SetOntology", json=json.dumps(nothing))
            compare.same_lines("nothing", compare.export(store.address), Verdict(lines, nothing).canonical())

    def test_queries(self):
        pair = [{"attr": "email", "value": "x@y.org"}]
        for client in self.each():
            for start, end in ((5, 5), (6, 5), (MAX_TIME, MIN_TIME), (0, 0)):
                self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call(
                    "QueryEntities", descriptors=pair, start=start, end=end), "start")
                self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call(
                    "FindEntities", descriptors=pair, start=start, end=end))
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call(
                "QueryEntities", descriptors=pair * 65, start=0, end=1), "64")
            self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call("GetEntity", name="no slashes"))

    def test_cursors_of_another_listing(self):
        for client in self.each():
            for method in ("ScanRecords", "StreamConflicts", "ExportGraph"):
                for cursor in (b"x", b"\xff" * 100, os.urandom(40), b"c" * 10_000):
                    self.refused(StatusCode.INVALID_ARGUMENT, lambda: client.call(method, cursor=cursor))

    # --- NOT_FOUND, FAILED_PRECONDITION, UNIMPLEMENTED ----------------------------------------------------

    def test_unknown_record(self):
        for client in self.each():
            self.refused(StatusCode.NOT_FOUND, lambda: client.call("GetEntity", name="person/crm/nobody"),
                         "person/crm/nobody")

    def test_retracted_record_names_the_entity_it_belonged_to(self):
        for store in self.stores.values():
            feed.ingest(store.client, [record("2", [value()])])
            feed.ingest(store.client, [record("2", op="delete")])
        for client in self.each():
            self.refused(StatusCode.NOT_FOUND, lambda: client.call("GetEntity", name="person/crm/2"), "person/crm/1")

    def test_reset_and_checkpoint_need_their_flags(self):
        for client in self.each():
            self.refused(StatusCode.FAILED_PRECONDITION, lambda: client.call("Reset"), "--allow-reset")
            self.refused(StatusCode.FAILED_PRECONDITION, lambda: client.call("Checkpoint"), "--backup-dir")

    def test_ontology_under_which_a_stored_record_breaks_a_limit(self):
        wide = [value("x", str(n)) for n in range(1100)]
        for store in self.stores.values():
            feed.ingest(store.client, [record("wide", wide)])
        other = {"identity_keys": [{"name": "x", "attributes": ["x"]}]}
        for client in self.each():
            for check_only in (True, False):
                self.refused(StatusCode.FAILED_PRECONDITION, lambda: client.call(
                    "SetOntology", json=json.dumps(other), check_only=check_only), "person/crm/wide", "1024")

    def test_urls(self):
        for client in self.each():
            for url in ("http://example.org/records.jsonl", "s3://bucket/records", "records.jsonl", ""):
                self.refused(StatusCode.UNIMPLEMENTED, lambda: client.call("IngestRecordsFromUrl", url=url), "file:")

    # --- RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, CANCELLED ---------------------------------------------------

    def test_message_beyond_four_mebibytes(self):
        lines = [record(str(n), [value(text="v" * 60_000)]) for n in range(75)]
        for client in self.each():
            self.refused(StatusCode.RESOURCE_EXHAUSTED, lambda: feed.ingest(client, lines))

    def test_deadline_and_cancellation_leave_a_working_store(self):
        for store in self.stores.values():
            feed.ingest_unary(store.client, [record(f"n{n}", [value(text=f"v{n % 50}")]) for n in range(5000)], 1000)
        for client in self.each():
            self.refused(StatusCode.DEADLINE_EXCEEDED, lambda: list(client.call(
                "ExportGraph", page_size=1, timeout=0.001)))
            stream = client.call("ExportGraph", page_size=1)
            next(iter(stream))
            stream.cancel()
            self.refused(StatusCode.CANCELLED, lambda: list(stream))
            self.assertEqual(client.call("HealthCheck").status, "ok")


class DaemonStateTest(E2eTest):
    def code(self, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        return caught.exception.code(), caught.exception.details()

    def test_checkpoint_names(self):
        for way in ("router", "shard"):
            store = self.store(way, "--backup-dir", self.dir / f"backups-{way}", data_dir=self.dir / way)
            client = store.client
            feed.ingest(client, [record("1", [value()])])
            for bad in ("../x", "a/b", "..", ".", "x" * 65, "sp ace", "\n"):
                with self.subTest(way=way, name=bad):
                    code, _ = self.code(lambda: client.call("Checkpoint", path=bad))
                    self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
            paths = client.call("Checkpoint", path="first").paths
            self.assertEqual(self.code(lambda: client.call("Checkpoint", path="first"))[0], StatusCode.ALREADY_EXISTS)
            fresh = client.call("Checkpoint").paths
            self.assertNotEqual(list(paths), list(fresh))
            feed.ingest(client, [record("2", [value()])])
            for copy in (*paths, *fresh):  # a checkpoint opens as a data directory
                self.assertEqual(compare.export(self.dir / copy).count(b'"type": "record"'), 1)

    def test_urls_below_the_import_directory(self):
        lines = "".join(json.dumps(record(str(n), [value()])) + "\n" for n in range(3))
        self.write("import/good.jsonl", lines)
        self.write("import/bad.jsonl", lines + '{"entity_type": "person"}\n')
        self.write("outside.jsonl", lines)
        (self.dir / "import/link.jsonl").symlink_to(self.dir / "outside.jsonl")
        for way in ("router", "shard"):
            client = self.store(way, "--import-dir", self.dir / "import", data_dir=self.dir / way).client
            base = f"file://{self.dir}"
            with self.subTest(way=way):
                code, said = self.code(lambda: client.call("IngestRecordsFromUrl", url=f"{base}/import/bad.jsonl"))
                self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
                self.assertIn("4", said)
                self.assertEqual(client.call("GetStats").record_count, 0)
                for name in ("outside.jsonl", "import/../outside.jsonl", "import/link.jsonl", "import/absent.jsonl"):
                    code, _ = self.code(lambda: client.call("IngestRecordsFromUrl", url=f"{base}/{name}"))
                    self.assertIn(code, (StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND, StatusCode.UNIMPLEMENTED,
                                         StatusCode.PERMISSION_DENIED, StatusCode.FAILED_PRECONDITION))
                self.assertEqual(client.call("GetStats").record_count, 0)
                answer = client.call("IngestRecordsFromUrl", url=f"{base}/import/good.jsonl")
                self.assertEqual(len(answer.assignments), 3)
                self.assertEqual(client.call("GetStats").record_count, 3)

    def test_router_names_the_shard_that_it_cannot_reach(self):
        store = self.store("router")
        shard = store.programs[0]
        feed.ingest(store.client, [record("1", [value()])])
        shard.kill()
        for call in (lambda: store.client.call("GetStats"), lambda: feed.ingest(store.client, [record("2")]),
                     lambda: list(store.client.call("ScanRecords"))):
            code, said = self.code(call)
            self.assertEqual(code, StatusCode.UNAVAILABLE)
            self.assertIn(shard.address, said)
        try:
            self.assertNotEqual(store.client.call("HealthCheck").status, "ok")
        except grpc.RpcError as fault:
            self.assertEqual(fault.code(), StatusCode.UNAVAILABLE)

    def test_int64_extremes(self):
        spans = [{}, {"start": MIN_TIME, "end": MIN_TIME + 1}, {"start": MAX_TIME - 1, "end": MAX_TIME},
                 {"start": MIN_TIME + 1, "end": MAX_TIME - 1}, {"start": -1, "end": 1}, {"start": 0}, {"end": 0}]
        rng = random.Random(3)
        lines = [record(str(n), [value(text=rng.choice("xy"), **rng.choice(spans)),
                                 value("a", "1", **rng.choice(spans)),
                                 value("b", "2", **rng.choice(spans))], version=version)
                 for n in range(40) for version in (MIN_TIME, MAX_TIME, 0)]
        verdict = Verdict([json.dumps(line) for line in lines], ONTOLOGY)
        for way in ("router", "shard"):
            store = self.store(way, data_dir=self.dir / way)
            store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
            feed.ingest(store.client, lines)
            compare.same_lines(way, compare.export(store.address), verdict.canonical())
            compare.entities(store.client, verdict)


class CommandLineTest(E2eTest):
    def fails(self, code, program, *args, says=()):
        done = run(program, *args, timeout=harness.START_TIMEOUT)
        said = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, f"{program} {args}: {said}")
        self.assertTrue(said.strip(), "an error says something")
        for word in says:
            self.assertIn(word, said)

    def test_unknown_flags_and_missing_arguments(self):
        data = self.dir / "data"
        for program in ("unirust_shard", "unirust_router"):
            self.fails(harness.USAGE, program, "--listen", LOCAL, "--no-such-flag", says=("--no-such-flag",))
        self.fails(harness.USAGE, "unirust_shard", "--listen", LOCAL, says=("--data-dir", "--ephemeral"))
        self.fails(harness.USAGE, "unirust_shard", "--data-dir", data, "--shard-id", "many", says=("shard-id",))
        self.fails(harness.USAGE, "unirust_shard", "--data-dir", data, "--memory-budget", "1MiB", says=("64",))
        self.fails(harness.USAGE, "unirust", "fly", says=("fly",))
        self.fails(harness.USAGE, "unirust", "serve", "--listen", LOCAL, says=("--data-dir",))
        self.fails(harness.USAGE, "unirust", "export", "--data-dir", data, "--format", "papyrus", says=("papyrus",))

    def test_more_than_one_shard_is_refused(self):
        self.fails(harness.USAGE, "unirust_router", "--listen", LOCAL, "--shards", "127.0.0.1:1,127.0.0.1:2",
                   says=("one",))

    def test_configuration_file(self):
        for text in ("listen = ", 'no-such-key = "x"', "shard-id = \"x\""):
            path = self.write("bad.toml", text)
            self.fails(harness.USAGE, "unirust_shard", "--data-dir", self.dir / "data", "--config", path,
                       says=("bad.toml",))
        self.fails(harness.USAGE, "unirust_shard", "--data-dir", self.dir / "data", "--config", self.dir / "none.toml",
                   says=("none.toml",))

    def test_ontology_file(self):
        path = self.write("ontology.json", '{"identity_keys": [{"name": "k"}, {"attributes": ["a"]}]}')
        for args in (("unirust_shard", "--listen", LOCAL), ("unirust", "serve", "--listen", LOCAL)):
            self.fails(harness.INPUT, *args, "--data-dir", self.dir / "data", "--ontology", path,
                       says=("identity_keys[0]", "identity_keys[1]"))

    def test_data_directory_of_another_shard(self):
        start("unirust_shard", "--listen", LOCAL, "--data-dir", self.dir / "data", "--shard-id", "3").stop()
        self.fails(harness.DATA_DIR, "unirust_shard", "--listen", LOCAL, "--data-dir", self.dir / "data", "--shard-id",
                   "4", says=("3", "4"))

    def test_data_directory_in_use(self):
        data = self.dir / "data"
        store = self.store("shard", data_dir=data)
        self.fails(harness.UNAVAILABLE, "unirust_shard", "--listen", LOCAL, "--data-dir", data, says=(str(data),))
        self.fails(harness.UNAVAILABLE, "unirust", "stats", "--data-dir", data, says=("in use",))
        self.assertEqual(store.client.call("HealthCheck").status, "ok")

    def test_data_directory_that_cannot_be_written(self):
        file = self.write("file", "x")
        self.fails(harness.DATA_DIR, "unirust_shard", "--listen", LOCAL, "--data-dir", file, says=(str(file),))
        closed = self.dir / "closed"
        closed.mkdir(mode=0o555)
        target = "/proc/unirust" if os.geteuid() == 0 else closed / "data"
        self.fails(harness.DATA_DIR, "unirust_shard", "--listen", LOCAL, "--data-dir", target, says=(str(target),))

    def test_directory_that_is_not_a_store(self):
        self.write("foreign/CURRENT", "MANIFEST-000001\n")
        self.write("foreign/MANIFEST-000001", "not a manifest")
        done = run("unirust_shard", "--listen", LOCAL, "--data-dir", self.dir / "foreign")
        self.assertIn(done.returncode, (harness.DATA_DIR, harness.DATA_LOSS), done.stderr)

    def test_port_in_use_and_router_without_a_daemon(self):
        with start("unirust_shard", "--listen", LOCAL, "--ephemeral") as shard:
            self.fails(harness.UNAVAILABLE, "unirust_shard", "--listen", shard.address, "--ephemeral",
                       says=(shard.address,))
            address = shard.address
        self.fails(harness.UNAVAILABLE, "unirust", "stats", "--router", address, says=(address,))


class DamageTest(E2eTest):
    """Bytes on disk that do not decode: refused or DATA_LOSS, never a silent skip."""

    def fill(self, data):
        history = History(4, "mixed", versioned=True)
        pad = value("pad", "p" * 3000)
        lines = [{**line, "descriptors": [*line.get("descriptors", []), pad]} for line in history.lines]
        store = self.store("serve", data_dir=data)
        store.client.call("SetOntology", json=json.dumps(history.ontology))
        feed.ingest_unary(store.client, lines, 7)
        store.stop()
        return Verdict([json.dumps(line) for line in lines], history.ontology).canonical()

    def test_flipped_byte(self):
        data, rng = self.dir / "data", random.Random(5)
        expected = self.fill(data)
        compare.same_lines("before", compare.export(data), expected)
        files = sorted(p for p in data.rglob("*") if p.suffix in (".log", ".sst") and p.stat().st_size > 100)
        self.assertTrue(files)
        noticed = 0
        for n in range(FLIPS):
            copy = self.dir / f"copy{n}"
            shutil.copytree(data, copy)
            victim = copy / rng.choice(files).relative_to(data)
            content = bytearray(victim.read_bytes())
            at = rng.randrange(len(content))
            content[at] ^= 1 << rng.randrange(8)
            victim.write_bytes(content)
            done = run("unirust", "export", "--data-dir", copy, "--format", "canonical")
            if done.returncode == 0:  # a byte that nobody needs
                compare.same_lines(f"{victim.name}: bit of byte {at} of {len(content)}", done.stdout, expected)
            else:
                self.assertEqual(done.returncode, harness.DATA_LOSS, done.stderr)
                noticed += 1
            shutil.rmtree(copy)
        print(f"{noticed} of {FLIPS} flipped bytes were noticed; the others changed nothing")

    def test_file_without_which_records_are_missing(self):
        data = self.dir / "data"
        self.fill(data)
        for kind in ("*.log", "MANIFEST-*", "CURRENT", "commit-mark"):
            copy = self.dir / "copy"
            shutil.copytree(data, copy)
            victim = max(copy.glob(kind), key=lambda path: path.stat().st_size)
            victim.unlink()
            for read_only in ([], ["--read-only"]):
                done = run("unirust", "stats", "--data-dir", copy, *read_only)
                self.assertEqual(done.returncode, harness.DATA_LOSS, done.stderr)
                self.assertIn(victim.name.encode(), done.stderr)
                self.assertIn(b"Restore a backup", done.stderr)
            shutil.rmtree(copy)


class FullDiskTest(E2eTest):
    """A small tmpfs: the daemon stops with the documented code, and has lost and half applied nothing."""

    def test_full_disk(self):
        disk = self.dir / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(disk)]
        if subprocess.run(mount, capture_output=True).returncode:
            self.skipTest("mounting a tmpfs needs root")
        self.stack.callback(subprocess.run, ["umount", str(disk)], capture_output=True)
        store = self.store("shard", data_dir=disk / "data")
        store.client.call("SetOntology", json=json.dumps(ONTOLOGY))
        acknowledged, sent = [], []
        with self.assertRaises(grpc.RpcError):
            for n in range(2000):
                noise = random.Random(n).randbytes(30_000).hex()
                lines = [record(f"{n}.{part}", [value(text=f"e{n % 7}"), value("pad", noise)]) for part in range(3)]
                sent.append(lines)
                feed.ingest(store.client, lines)
                acknowledged.append(lines)
        self.assertEqual(store.programs[0].wait_exit(), harness.STORAGE, store.stderr())
        self.assertIn(str(disk / "data"), store.stderr())
        store.kill()
        subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
        store.start()
        stored = store.client.call("GetStats").record_count
        kept = acknowledged if stored == 3 * len(acknowledged) else sent
        verdict = Verdict([json.dumps(line) for lines in kept for line in lines], ONTOLOGY)
        compare.same_lines("after the disk was full", compare.export(store.address), verdict.canonical())
        store.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
