#!/usr/bin/python3
"""A client that knows nothing but an address does everything: each method of both services, streams and cursors, and
the standard health service."""
import itertools
import json
import unittest

import grpc

import compare
import feed
from generic_client import Client
from harness import LOCAL, E2eTest, start
from judge import Verdict

ONTOLOGY = {
    "identity_keys": [
        {"name": "email", "attributes": ["email"]}, {"name": "name", "attributes": ["name"], "hold": True}],
    "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
    "constraints": [{"name": "one_phone", "attribute": "phone"}],
}


def lines():
    """A few entities, a direct conflict, a constraint violation and a contested run."""
    def line(perspective, uid, **values):
        return {"entity_type": "person", "perspective": perspective, "uid": uid,
                "descriptors": [{"attr": a, "value": v} for a, v in values.items()]}

    out = [line("crm", str(n), email=f"e{n}@x.org", name=f"n{n}", phone=str(n // 2)) for n in range(12)]
    out += [line("erp", str(n), email=f"e{n}@x.org", name=f"m{n}") for n in range(6)]
    out += [line("web", "a", name="same", tax="1"), line("web", "b", name="same", tax="2")]
    return out


class ReflectionTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.lines = lines()
        self.verdict = Verdict([json.dumps(line) for line in self.lines], ONTOLOGY)
        self.called = set()

    def call(self, name, /, **fields):
        self.called.add(name)
        answer = self.client.call(name, **fields)
        return list(answer) if self.client.method(name).server_streaming else answer

    def open(self, way):
        self.router = way == "router"
        (self.dir / "import").mkdir()
        self.write("import/more.jsonl", json.dumps(self.lines[0]) + "\n")
        store = self.store(
            way, "--allow-reset", "--backup-dir", self.dir / "backups", "--import-dir", self.dir / "import")
        self.client = store.client
        self.at = {"shard_id": 0} if self.router else {}
        return store

    def test_every_method_of_the_router(self):
        self.open("router")
        self.every_method("unirust.RouterService")
        self.call("Reconcile")
        self.assert_all_called("unirust.RouterService")

    def test_every_method_of_the_shard(self):
        self.open("shard")
        self.every_method("unirust.ShardService")
        chunks = [{"records": feed.inputs(part)} for part in feed.batches(self.lines, 7)]
        answer = self.call("IngestRecordsStream", stream=chunks)
        self.assertEqual(len(answer.assignments), len(self.lines))
        self.assert_all_called("unirust.ShardService")

    def assert_all_called(self, service):
        offered = {name.split("/")[1] for name in self.client.methods if name.startswith(service)}
        self.assertEqual(offered - self.called, set(), "methods that this test never calls")

    def every_method(self, service):
        self.assertIn(service, self.client.services)
        self.writes()
        self.operations()
        self.reads()
        self.cursors()
        self.export_and_import()

    def writes(self):
        version = self.call("GetConfigVersion").version
        self.call("SetOntology", json=json.dumps(ONTOLOGY))
        self.assertNotEqual(self.call("GetConfigVersion").version, version)
        self.assertEqual(json.loads(self.call("GetOntology").json)["constraints"][0]["name"], "one_phone")
        half = len(self.lines) // 2
        answer = self.call("IngestRecords", records=feed.inputs(self.lines[:half]))
        self.assertEqual([a.index for a in answer.assignments], list(range(half)))
        self.assertEqual({a.outcome for a in answer.assignments}, {feed.APPLIED})
        again = self.call("IngestRecords", records=feed.inputs(self.lines[:half]))
        self.assertEqual({a.outcome for a in again.assignments}, {feed.UNCHANGED})
        self.assertEqual([(a.shard_id, a.record_id) for a in again.assignments],
                         [(a.shard_id, a.record_id) for a in answer.assignments])
        chunks = [{"records": feed.inputs(part)} for part in feed.batches(self.lines[half:], 3)]
        answers = self.call("IngestRecordsStream" if self.router else "IngestChunks", stream=chunks)
        self.assertEqual([len(a.assignments) for a in answers], [len(c["records"]) for c in chunks])

    def operations(self):
        self.assertEqual(self.call("HealthCheck").status, "ok")
        url = f"file://{self.dir}/import/more.jsonl"
        self.assertEqual(len(self.call("IngestRecordsFromUrl", url=url).assignments), 1)
        metrics = self.call("GetMetrics")
        self.assertGreaterEqual(metrics.ingest_records, len(self.lines))
        self.assertTrue(metrics.store.persistent)
        paths = self.call("Checkpoint", path="one").paths
        self.assertEqual(len(paths), 1)
        self.assertEqual([b.backup_id for b in self.call("Backup").backups], [1])
        self.assertEqual([(p.part, p.slots, p.fault) for p in self.call("GetParts").parts], [(0, 1024, "")])
        for method in ("PlanSlots", "MoveSlots", "CancelMoves"):
            with self.assertRaises(grpc.RpcError) as refused:
                self.call(method)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)  # one directory
        self.assertFalse(self.call("GetRetention").shards[0].HasField("earliest_due"))
        with self.assertRaises(grpc.RpcError) as refused:
            self.call("AdvanceRetention", now=1)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)  # no rules
        self.assertEqual(list(self.call("EraseRecords", records=["person/crm/nobody"]).erased), [False])
        self.assertEqual(self.call("PurgeErased").shards[0].records, 0)
        self.assertTrue(self.call("GetErasures").shards[0].all_gone)
        health = self.client.call("grpc.health.v1.Health/Check")
        self.assertEqual(health.status, 1)  # SERVING
        self.assertEqual(next(iter(self.client.call("grpc.health.v1.Health/Watch"))).status, 1)

    def reads(self):
        self.call("GetStats"), self.call("GetEntity", name="person/crm/0"), self.call("ListConflicts")
        compare.everything(self.client, self.verdict, self.lines, seed=1, query_count=30)
        as_of = self.client.call("GetEntity", name="person/crm/0", as_of=5)
        self.assertEqual({g.attr for g in as_of.golden}, {"email", "phone"})  # two names at once: none is golden
        self.call("QueryEntities", descriptors=[{"attr": "name", "value": "n1"}], start=0, end=1)
        found = self.call("ScanRecords", descriptor={"attr": "email", "value": "e1@x.org"}, perspective="erp")
        self.assertEqual([r.identity.uid for chunk in found for r in chunk.records], ["1"])
        digest = self.call("GetDigest")[-1]
        self.assertEqual((digest.records, len(digest.digest), len(digest.slots)),
                         (self.call("GetStats").record_count, 16, 1024))
        nobody = self.call("ScanRecords", entity_type="nobody")
        self.assertEqual([r for chunk in nobody for r in chunk.records], [])

    def cursors(self):
        """Every listing resumes after any of its chunks, and gives the whole then."""
        pair = [{"attr": "name", "value": "same"}]
        for name, field, arguments in (
                ("ScanRecords", "records", {}), ("StreamConflicts", "conflicts", {}), ("ExportGraph", "items", {}),
                ("FindEntities", "matches", {"descriptors": pair, "start": 0, "end": 9})):
            whole = [i.SerializeToString() for c in self.call(name, **arguments) for i in getattr(c, field)]
            small = self.call(name, page_size=1, **arguments)
            self.assertGreater(len(small), 1, name)
            self.assertEqual(small[-1].cursor, b"", name)
            for n in range(0, len(small) - 1):
                rest = self.client.call(name, page_size=2, cursor=small[n].cursor, **arguments)
                parts = itertools.chain(small[:n + 1], rest)
                self.assertEqual([i.SerializeToString() for c in parts for i in getattr(c, field)], whole, name)

    def export_and_import(self):
        ids = self.call("GetRecordIdRange", **self.at)
        self.assertEqual((ids.empty, ids.record_count), (False, len(self.lines)))
        first = self.call("ExportRecords", limit=5, **self.at)
        self.assertEqual((len(first.records), first.has_more), (5, True))
        rest = self.call("ExportRecordsStream", start_id=first.next_start_id, **self.at)
        snapshots = [*first.records, *(r for chunk in rest for r in chunk.records)]
        numbers = [r.record_id for r in snapshots]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual((len(numbers), numbers[0], numbers[-1]), (len(self.lines), ids.min_id, ids.max_id))
        before = [c.SerializeToString() for c in self.call("ExportGraph")]
        self.call("Reset")
        self.assertEqual(self.call("GetStats").record_count, 0)
        self.assertTrue(self.call("GetRecordIdRange", **self.at).empty)
        self.call("SetOntology", json=json.dumps(ONTOLOGY))
        self.assertEqual(self.call("ImportRecords", records=snapshots[:8], **self.at).imported, 8)
        stream = [{"records": part, **self.at} for part in feed.batches(snapshots[8:], 5)]
        self.assertEqual(self.call("ImportRecordsStream", stream=stream).imported, len(self.lines) - 8)
        compare.everything(self.client, self.verdict, self.lines, seed=2)
        self.assertTrue(before)

    def test_old_form_of_the_ontology(self):
        """OntologyConfig of the contract, without the JSON of ours."""
        self.open("router")
        self.client.call("SetOntology", config={
            "identity_keys": [{"name": "email", "attributes": ["email"]}], "strong_identifiers": ["tax"],
            "constraints": [
                {"name": "one_phone", "attribute": "phone"}, {"name": "k", "attribute": "name", "kind": 2}]})
        expected = {"identity_keys": ONTOLOGY["identity_keys"][:1], "strong_identifiers": ["tax"], "constraints": [
            {"name": "one_phone", "attribute": "phone"},
            {"name": "k", "attribute": "name", "kind": "unique_within_perspective"}]}
        feed.ingest(self.client, self.lines)
        verdict = Verdict([json.dumps(line) for line in self.lines], expected)
        compare.everything(self.client, verdict, self.lines, seed=3)

    def test_unknown_method_and_health_of_an_unknown_service(self):
        self.open("router")
        call = self.client.channel.unary_unary("/unirust.RouterService/Fly")
        with self.assertRaises(grpc.RpcError) as caught:
            call(b"", timeout=10)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.call("grpc.health.v1.Health/Check", service="nobody")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_health_of_a_router_without_its_shard(self):
        shard = self.stack.enter_context(start("unirust_shard", "--listen", LOCAL, "--ephemeral"))
        router = self.stack.enter_context(start("unirust_router", "--listen", LOCAL, "--shards", shard.address))
        with Client(router.address) as client:
            watch = client.call("grpc.health.v1.Health/Watch")
            self.assertEqual(next(watch).status, 1)
            shard.kill()
            self.assertEqual(next(watch).status, 2)  # NOT_SERVING


if __name__ == "__main__":
    unittest.main(verbosity=2)
