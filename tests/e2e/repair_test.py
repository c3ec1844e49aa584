#!/usr/bin/python3
"""`unirust repair` of real stores: what is left is what the oracle says of the requests that are kept, and it is told
how many are lost. Kills during a repair are in crash_test.py; every kind of damage is in damage_campaign_test."""
import json
import unittest

import compare
import feed
import harness
from cluster import Cluster
from harness import E2eTest, Store, run, start, unirust
from judge import History, Verdict

OTHER = {"identity_keys": [{"name": "phone", "attributes": ["phone"]}]}
BATCH = 10


class RepairTest(E2eTest):
    """Each request is one commit, and so is a change of ontology. `ends` has, of each request, the size of the log."""

    def setUp(self):
        super().setUp()
        self.data, self.new = self.dir / "data", self.dir / "new"
        self.history = History(3, "mixed", versioned=True)
        self.requests = list(feed.batches(self.history.lines, BATCH))
        self.ends = []

    def fill(self, ontology_after=None):
        with Store("serve", self.data) as store:
            store.client.call("SetOntology", json=json.dumps(self.history.ontology))
            for number, request in enumerate(self.requests):
                if number == ontology_after:
                    store.client.call("SetOntology", json=json.dumps(OTHER))
                feed.ingest(store.client, request)
                self.log, = self.data.glob("*.log")
                self.ends.append(self.log.stat().st_size)
            store.kill()

    def damage(self, number):
        """The bytes of a request, counted from 0."""
        content = bytearray(self.log.read_bytes())
        content[self.ends[number] - 1] ^= 1
        self.log.write_bytes(content)

    def bytes(self):
        return {path.name: path.read_bytes() for path in self.data.iterdir()}

    def repair(self, *flags, expect=harness.OK):
        return unirust("repair", "--data-dir", self.data, "--json", *flags, expect=expect)

    def verdict(self, requests):
        lines = [json.dumps(line, ensure_ascii=False) for request in requests for line in request]
        return Verdict(lines, self.history.ontology).canonical()

    def test_what_is_before_the_damage_is_kept(self):
        self.fill()
        self.damage(4)
        daemon = run("unirust_shard", "--listen", harness.LOCAL, "--data-dir", self.data, expect=harness.DATA_LOSS)
        self.assertIn(b"`unirust repair` tells what is left", daemon.stderr)
        before = self.bytes()
        told = json.loads(self.repair(expect=harness.DATA_LOSS).stdout)
        self.assertEqual(told["lost"], len(self.requests) - 4)
        self.assertEqual(told["kept"] + told["lost"], told["acknowledged"])
        refused = self.repair("--into", self.new, expect=harness.DATA_LOSS)
        self.assertIn(b"--accept-data-loss", refused.stderr)
        self.assertFalse(self.new.exists())
        audit = self.dir / "audit"
        self.assertEqual(json.loads(self.repair(
            "--into", self.new, "--accept-data-loss", "--audit-dir", audit).stdout), told)
        self.assertEqual(self.bytes(), before, "the damaged directory is only read")
        compare.same_lines("kept", compare.export(self.new), self.verdict(self.requests[:4]))
        unirust("verify", "--full", "--quiet", "--data-dir", self.new)
        entries = [json.loads(line) for line in (audit / "audit-000001.jsonl").read_text().splitlines()]
        self.assertIn(f"commits {told['kept'] + 1} to {told['acknowledged']} given up", entries[1]["detail"])
        self.assertEqual((entries[1]["method"], entries[2]["code"]), ("repair", "OK"))
        unirust("audit", "verify", audit)

    def test_the_new_store_goes_on_and_remembers(self):
        self.fill()
        self.damage(2)
        self.repair("--into", self.new, "--accept-data-loss")
        for _ in range(3):  # each life has a log of its own
            with Store("router", self.new) as store:
                self.assertIn("were acknowledged and given up", store.stderr())
                for request in self.requests:
                    feed.ingest(store.client, request)
                compare.same_lines("sent again", compare.export(store.address), self.verdict(self.requests))
                store.kill()
        unirust("verify", "--full", "--quiet", "--data-dir", self.new)
        whole = json.loads(unirust("repair", "--json", "--data-dir", self.new).stdout)
        self.assertEqual(whole["type"], "accepted_loss")
        self.assertIn(str(self.data), whole["what"])

    def test_derived_rows_of_another_ontology_are_made_anew(self):
        """The damage is before a change of ontology, after which nothing derived of the earlier one is left."""
        self.fill(ontology_after=5)
        self.damage(3)
        told = json.loads(self.repair("--into", self.new, "--accept-data-loss").stdout)
        self.assertTrue(told["makes_anew"])
        compare.same_lines("kept", compare.export(self.new), self.verdict(self.requests[:3]))
        unirust("verify", "--full", "--quiet", "--data-dir", self.new)
        with Store("serve", self.new) as store:
            feed.ingest_unary(store.client, self.history.lines, BATCH)
            compare.same_lines("sent again", compare.export(store.address), self.verdict(self.requests))

    def test_nothing_is_lost_without_current(self):
        self.fill()
        (self.data / "CURRENT").unlink()
        told = json.loads(self.repair("--into", self.new).stdout)
        self.assertEqual(told["lost"], 0)
        compare.same_lines("kept", compare.export(self.new), self.verdict(self.requests))

    def test_what_cannot_be_repaired(self):
        self.fill()
        for name in ("commit-mark", next(self.data.glob("MANIFEST-*")).name):
            content = (self.data / name).read_bytes()
            (self.data / name).unlink()
            refused = self.repair("--into", self.new, "--accept-data-loss", expect=harness.DATA_LOSS)
            self.assertIn(b"It cannot be repaired", refused.stderr)
            self.assertIn(name.encode(), refused.stderr)
            self.assertIn(b"Restore a backup", refused.stderr)
            (self.data / name).write_bytes(content)
        self.assertEqual(self.repair().stdout, b"", "whole")
        with start("unirust_shard", "--listen", harness.LOCAL, "--data-dir", self.data):
            self.assertEqual(self.repair().stdout, b"", "whole, and in use")
        self.assertFalse(self.new.exists())

    def test_a_part_of_a_store_of_several_is_refused(self):
        store = Cluster(self.dir, 2)
        self.stack.callback(store.kill)
        store.client.call("SetOntology", json=json.dumps(self.history.ontology))
        feed.ingest_unary(store.client, self.history.lines, BATCH)
        store.kill()
        for part in (0, 1):
            data = self.dir / f"part{part}"
            log = max(data.glob("*.log"))
            content = bytearray(log.read_bytes())
            content[-20] ^= 1
            log.write_bytes(content)
            refused = unirust("repair", "--data-dir", data, "--shard-id", part, "--into", self.new,
                              "--accept-data-loss", expect=harness.DATA_DIR)
            self.assertIn(b"is a part of a store of several", refused.stderr)
        self.assertFalse(self.new.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
