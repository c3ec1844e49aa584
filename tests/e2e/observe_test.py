#!/usr/bin/env python3
"""What the daemons tell about themselves: /metrics, request ids, slow operations, log lines; the pages about them."""
import json
import re
import shutil
import socket
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

import grpc
import yaml
from prometheus_client.parser import text_string_to_metric_families

from generic_client import Client
from harness import LOCAL, REPO, RUN_TIMEOUT, UNAVAILABLE, USAGE, E2eTest, Store, run, start

METRICS = ("--metrics-listen", LOCAL)
ONTOLOGY = json.dumps({"identity_keys": [{"name": "by_email", "attributes": ["email"], "max_group": 3}],
                       "strong_identifiers": [{"attribute": "tax", "scope": "global"}]})
OF_LIBRARY = "exposer_"  # what the HTTP server counts of itself


def records(*people):
    """Records of persons: (uid, {attribute: value})."""
    return [{"index": i, "identity": {"entity_type": "person", "perspective": "crm", "uid": uid},
             "descriptors": [{"attr": a, "value": v, "start": 0, "end": 100} for a, v in sorted(values.items())]}
            for i, (uid, values) in enumerate(people)]


def metrics_url(program):
    address = re.search(r" metrics address=(\S+)", program.stderr()).group(1)
    return f"http://{address}/metrics"


def fetch(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=RUN_TIMEOUT) as answer:
        return answer.read().decode()


class Scrape:
    """One answer of /metrics, checked to be well-formed."""

    def __init__(self, program):
        self.text = fetch(metrics_url(program))
        self.families = {}  # name: (type, help)
        for kind, name, rest in re.findall(r"^# (HELP|TYPE) (\S+) (.*)$", self.text, re.M):
            known = self.families.setdefault(name, {})
            assert kind not in known, f"{name} has two lines {kind}"
            known[kind] = rest
        self.samples = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in self.samples, f"{key} is there twice"
                self.samples[key] = sample.value

    def value(self, name, **labels):
        return self.samples[(name, tuple(sorted(labels.items())))]

    def requests(self, service, method):
        """{code: calls}"""
        want = {"service": service, "method": method}
        return {dict(labels)["code"]: value for (name, labels), value in self.samples.items()
                if name == "unirust_requests_total" and want.items() <= dict(labels).items()}

    def check_histograms(self):
        """How many there are. Buckets never fall, and the last one is the count."""
        checked = 0
        for (name, labels), count in self.samples.items():
            base = name.removesuffix("_count")
            if self.families.get(base, {}).get("TYPE") != "histogram" or name == base:
                continue
            buckets = sorted((float(dict(l)["le"]), v) for (n, l), v in self.samples.items()
                             if n == base + "_bucket" and tuple(x for x in l if x[0] != "le") == labels)
            values = [v for _, v in buckets]
            assert values == sorted(values) and buckets[-1] == (float("inf"), count), (name, labels, buckets)
            assert (self.samples[(base + "_sum", labels)] > 0) == (count > 0) or "duration" in base, (name, labels)
            checked += 1
        return checked


class ObserveTest(E2eTest):
    def routed(self, *args):
        """Shard and router, both with metrics and `args`."""
        shard = self.stack.enter_context(start(
            "unirust_shard", "--listen", LOCAL, "--data-dir", self.dir / "data", "--backup-dir", self.dir / "backups",
            *METRICS, *args))
        router = self.stack.enter_context(start(
            "unirust_router", "--listen", LOCAL, "--shards", shard.address, *METRICS, *args))
        client = self.stack.enter_context(Client(router.address, timeout=RUN_TIMEOUT))
        return shard, router, client

    def serve(self, *args):
        store = self.stack.enter_context(Store("serve", self.dir / "data", *args))
        return store.programs[0], store.client

    def refused(self, code, invoke):
        with self.assertRaises(grpc.RpcError) as raised:
            invoke()
        self.assertEqual(raised.exception.code(), code)

    # --- /metrics -------------------------------------------------------------------------------

    def test_requests_are_counted_by_method_and_code_in_both_daemons(self):
        shard, router, client = self.routed()
        for _ in range(3):
            client.call("GetStats")
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: client.call("GetEntity", name="person/crm/none"))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: client.call("GetEntity", name="none"))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: client.call_bytes("GetEntity", b"\xff"))
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: client.call("ExportRecords", shard_id=7))
        self.assertEqual(sum(len(chunk.records) for chunk in client.call("ScanRecords")), 0)
        answers = list(client.call("IngestRecordsStream", stream=[{"records": records(("1", {}))}] * 2))
        self.assertEqual(len(answers), 2)
        of_shard, of_router = Scrape(shard), Scrape(router)
        for scrape, service in ((of_shard, "ShardService"), (of_router, "RouterService")):
            self.assertEqual(scrape.requests(service, "GetStats"), {"OK": 3})
            self.assertEqual(scrape.requests(service, "ScanRecords"), {"OK": 1})
            self.assertEqual(scrape.value("unirust_request_duration_seconds_count", service=service,
                                          method="GetStats"), 3)
            self.assertGreater(scrape.check_histograms(), 3)
        self.assertEqual(of_router.requests("RouterService", "GetEntity"), {"NOT_FOUND": 1, "INVALID_ARGUMENT": 2})
        self.assertEqual(of_shard.requests("ShardService", "GetEntity"), {"NOT_FOUND": 1, "INVALID_ARGUMENT": 2})
        self.assertEqual(of_router.requests("RouterService", "ExportRecords"), {"NOT_FOUND": 1})
        self.assertEqual(of_router.requests("RouterService", "IngestRecordsStream"), {"OK": 1})
        self.assertEqual(of_shard.requests("ShardService", "IngestChunks"), {"OK": 1})
        self.assertEqual(of_router.value("unirust_router_shard_reachable"), 1)

    def test_figures_of_an_ingest(self):
        program, client = self.serve(*METRICS)
        client.call("SetOntology", json=ONTOLOGY)
        one = {"email": "hot"}
        client.call("IngestRecords", records=records(("1", one), ("2", one), ("3", {"email": "b", "tax": "x"})))
        scrape = Scrape(program)
        self.assertEqual(scrape.value("unirust_ingest_records_total"), 3)
        self.assertEqual(scrape.value("unirust_commit_records_count"), 1)
        self.assertEqual(scrape.value("unirust_commit_records_sum"), 3)
        self.assertEqual(scrape.value("unirust_commit_entity_records_count"), 2)
        self.assertEqual(scrape.value("unirust_commit_entity_records_sum"), 3)
        self.assertEqual(scrape.value("unirust_commit_group_pieces_sum"), 3)
        self.assertEqual(scrape.value("unirust_commit_contested_groups_total"), 0)
        self.assertEqual(scrape.value("unirust_commit_generic_groups_total"), 0)
        self.assertEqual(scrape.value("unirust_ingest_queue_records"), 0)
        for stage in ("decode", "queue", "resolve", "handover", "write", "answer"):
            self.assertEqual(scrape.value("unirust_ingest_stage_duration_seconds_count", stage=stage), 1, stage)
        self.assertGreater(scrape.value("unirust_ingest_stage_duration_seconds_sum", stage="write"), 0)

        client.call("IngestRecords", records=records(("4", one), ("5", one)))  # five records of at most three
        client.call("IngestRecords", records=records(("6", {"email": "b", "tax": "y"})))  # one e-mail, two tax numbers
        scrape = Scrape(program)
        self.assertEqual(scrape.value("unirust_commit_generic_groups_total"), 1)
        self.assertEqual(scrape.value("unirust_commit_contested_groups_total"), 1)
        stats, metrics = client.call("GetStats"), client.call("GetMetrics")
        for name, expected in (("unirust_records", stats.record_count), ("unirust_entities", stats.cluster_count),
                               ("unirust_conflicts", stats.conflict_count),
                               ("unirust_graph_edges", stats.graph_edge_count),
                               ("unirust_ingest_records_total", metrics.ingest_records),
                               ("unirust_ingest_duration_seconds_count", metrics.ingest_requests),
                               ("unirust_block_cache_capacity_bytes", metrics.store.block_cache_capacity_bytes)):
            self.assertEqual(scrape.value(name), expected, name)
        self.assertEqual((stats.record_count, metrics.ingest_requests), (6, 3))
        self.assertAlmostEqual(scrape.value("unirust_ingest_duration_seconds_sum"),
                               metrics.ingest_latency.total_micros / 1e6, places=6)

    def test_figures_of_storage(self):
        shard, _, client = self.routed()
        client.call("IngestRecords", records=records(*((str(n), {"email": f"{n % 50}@x"}) for n in range(500))))
        before = Scrape(shard)
        self.assertGreater(before.value("unirust_rocksdb_wal_written_bytes_total"), 10000)
        self.assertGreater(before.value("unirust_rocksdb_wal_bytes"), 10000)
        self.assertGreaterEqual(before.value("unirust_rocksdb_wal_syncs_total"), 1)
        self.assertGreater(before.value("unirust_rocksdb_memtable_bytes"), 10000)
        self.assertGreater(before.value("unirust_write_buffers_usage_bytes"), 10000)
        shares = [before.value("unirust_memory_budget_bytes", share=s) for s in ("cache", "commits", "queue")]
        self.assertEqual(sum(shares), 512 << 20)
        self.assertLessEqual(before.value("unirust_block_cache_capacity_bytes"), shares[0])
        self.assertLess(before.value("unirust_write_buffers_capacity_bytes"), 512 << 20)
        self.assertGreater(before.value("unirust_disk_free_bytes"), 0)
        self.assertGreater(before.value("process_resident_memory_bytes"), 1 << 20)
        client.call("Checkpoint", path="flushes")  # memtables become files
        client.call("GetEntity", name="person/crm/7")
        after = Scrape(shard)
        self.assertGreater(after.value("unirust_rocksdb_flush_written_bytes_total"), 10000)
        self.assertGreaterEqual(after.value("unirust_rocksdb_sst_files", family="records", level="0"), 1)
        self.assertGreater(after.value("unirust_rocksdb_sst_bytes", family="records", level="0"), 1000)
        self.assertGreater(after.value("unirust_block_cache_misses_total"), 0)
        self.assertGreater(after.value("unirust_block_cache_usage_bytes"), 0)

    def test_scrapes_go_on_beside_an_ingest(self):
        program, client = self.serve(*METRICS)
        stop = threading.Event()

        def ingest():
            for n in range(100000):
                if stop.is_set():
                    return
                client.call("IngestRecords", records=records(*((f"{n}-{i}", {"email": f"{i}"}) for i in range(50))))

        writer = threading.Thread(target=ingest)
        writer.start()
        try:
            totals = {}
            for _ in range(30):
                scrape = Scrape(program)
                scrape.check_histograms()
                for key, value in scrape.samples.items():
                    if key[0].endswith("_total"):
                        self.assertGreaterEqual(value, totals.get(key, 0), key)
                        totals[key] = value
        finally:
            stop.set()
            writer.join()
        self.assertGreater(Scrape(program).value("unirust_ingest_records_total"), 0)

    def test_clients_that_say_nothing_do_not_keep_others_out(self):
        program, _ = self.serve(*METRICS)
        host, port = metrics_url(program).split("/")[2].split(":")
        for _ in range(4):  # more than are answered at once
            self.stack.enter_context(socket.create_connection((host, int(port))))
        self.assertIn("unirust_records 0", fetch(metrics_url(program)))

    def test_only_metrics_are_served(self):
        program, _ = self.serve(*METRICS)
        for path in ("", "x", "metrics/../../etc/passwd"):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                fetch(metrics_url(program).removesuffix("metrics") + path)
            self.assertEqual(raised.exception.code, 404, path)

    def test_none_unless_asked_for(self):
        program, _ = self.serve()
        self.assertNotIn("metrics", program.stderr())

    def test_bad_addresses_are_refused(self):
        taken = metrics_url(self.serve(*METRICS)[0]).split("/")[2]
        programs = (("unirust_shard", "--ephemeral"), ("unirust_router",), ("unirust", "serve", "--ephemeral"))
        for program, *args in programs:
            for address, code in (("9100", USAGE), ("127.0.0.1:x", USAGE), (taken, UNAVAILABLE)):
                done = run(program, *args, "--listen", LOCAL, "--metrics-listen", address, expect=code)
                self.assertIn("--metrics-listen: ", done.stderr.decode())
                self.assertIn(f"'{address}'", done.stderr.decode())
                self.assertEqual(done.stdout, b"")

    # --- the log --------------------------------------------------------------------------------

    def lines(self, program, *parts):
        return [line for line in program.stderr().splitlines() if all(part in line for part in parts)]

    def test_a_request_has_one_id_everywhere(self):
        shard, router, client = self.routed("--slow-ms", "0")
        method = client.method("GetStats")
        for given in (None, "trace-7", "not sane"):
            metadata = [] if given is None else [("x-request-id", given)]
            _, call = method.invoke.with_call(method.request(), metadata=metadata, timeout=RUN_TIMEOUT)
            returned = dict(call.trailing_metadata())["x-request-id"]
            if given == "trace-7":
                self.assertEqual(returned, given)
            else:
                self.assertRegex(returned, r"^[0-9a-f]{16}-\d+$")
            self.assertEqual(len(self.lines(router, "RouterService/GetStats", f"request_id={returned} ")), 1)
            self.assertEqual(len(self.lines(shard, "ShardService/GetStats", f"request_id={returned} ")), 1)

    def test_a_chunk_has_the_id_of_its_stream(self):
        shard, router, client = self.routed("--slow-ms", "0")
        method = client.method("IngestRecordsStream")
        chunks = [method.request(records=records((name, {"email": "secret"}))) for name in ("1", "2")]
        self.assertEqual(len(list(method.invoke(iter(chunks), metadata=[("x-request-id", "stream-1")]))), 2)
        found = self.lines(shard, "slow chunk", "request_id=stream-1 ")
        self.assertEqual(len(found), 2)
        self.assertRegex(found[0], r"duration_ms=[0-9.]+ records=1$")
        commits = "".join(self.lines(shard, "slow commit", " resolve_ms="))  # of one chunk, or of both
        self.assertEqual(sum(map(int, re.findall(r" records=(\d+) ", commits))), 2)
        self.assertFalse(self.lines(router, "slow chunk"))

    def test_slow_operations_are_told_without_values(self):
        shard, router, client = self.routed("--slow-ms", "0")
        client.call("IngestRecords", records=records(("secret", {"secret": "secret"}), ("2", {})))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: client.call("GetEntity", name="secret"))
        client.call("QueryEntities", descriptors=[{"attr": "secret", "value": "secret"}], start=0, end=9)
        for program in (shard, router):
            self.assertEqual(len(self.lines(program, "slow request", "/IngestRecords ", "code=OK", " records=2")), 1)
            self.assertEqual(len(self.lines(program, "slow request", "/GetEntity ", "code=INVALID_ARGUMENT")), 1)
            self.assertEqual(len(self.lines(program, "slow request", "/QueryEntities ", " descriptors=1")), 1)
            self.assertNotIn("secret", program.stderr())

    def test_quick_operations_are_not_told(self):
        shard, router, client = self.routed("--slow-ms", "1000000")
        client.call("IngestRecords", records=records(("1", {})))
        self.assertNotIn("slow", shard.stderr() + router.stderr())

    def test_log_lines_in_json(self):
        program, client = self.serve("--slow-ms", "0", "--log-format", "json")
        client.call("IngestRecords", records=records(("1", {})))
        lines = [json.loads(line) for line in program.stderr().splitlines()]
        found = [line for line in lines if line["message"] == "slow request"
                 and line["method"] == "unirust.ShardService/IngestRecords"]
        self.assertEqual(len(found), 1)
        self.assertEqual((found[0]["level"], found[0]["code"], found[0]["records"]), ("warning", "OK", 1))
        self.assertIsInstance(found[0]["duration_ms"], float)


def alerts():
    """The rules of dashboards/alerts.yml."""
    return [rule for group in yaml.safe_load((REPO / "dashboards/alerts.yml").read_text())["groups"]
            for rule in group["rules"]]


class PagesTest(E2eTest):
    """docs/operations.md, the dashboard and the alerts against what the daemons export."""

    def exported(self):
        """{name: (type, help)} of shard and router."""
        shard = self.stack.enter_context(start("unirust_shard", "--listen", LOCAL, "--ephemeral", *METRICS))
        router = self.stack.enter_context(
            start("unirust_router", "--listen", LOCAL, "--shards", shard.address, *METRICS))
        families = {**Scrape(shard).families, **Scrape(router).families}
        return {name: (known["TYPE"], known["HELP"]) for name, known in families.items()
                if not name.startswith(OF_LIBRARY)}

    def test_operations_page_has_a_row_for_every_metric(self):
        page = (REPO / "docs/operations.md").read_text()
        rows = {name: (kind, text) for name, kind, text in
                re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*) \|$", page, re.M)}
        self.assertEqual(rows, self.exported())

    def test_dashboard_asks_for_metrics_that_exist_and_for_all_of_ours(self):
        dashboard = json.loads((REPO / "dashboards/unirust.json").read_text())
        asked = set()
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                names = re.findall(r"\b(?:unirust|process)_\w+", target["expr"])
                self.assertTrue(names, target)
                asked.update(names)
        names = set()
        for name, (kind, _) in self.exported().items():
            names.update([name] if kind != "histogram" else [f"{name}_bucket", f"{name}_sum", f"{name}_count"])
        self.assertEqual(asked - names, set())
        self.assertEqual({n for n in names if not n.endswith(("_bucket", "_sum", "_count"))} - asked, set())

    def test_alerts_ask_for_metrics_that_exist(self):
        exported = self.exported()
        for rule in alerts():
            asked = set(re.findall(r"\b(?:unirust|process)_\w+", rule["expr"]))
            known = {re.sub("_bucket$", "", name) for name in asked} <= set(exported)
            self.assertTrue(known and (asked or rule["expr"].startswith("up{")), rule["expr"])
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
            self.assertIn("$labels.instance", rule["annotations"]["summary"])

    def test_alerts_are_raised_by_what_they_are_for(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed")
        done = subprocess.run(["promtool", "test", "rules", REPO / "tests/e2e/alerts.yml"], capture_output=True,
                              text=True, timeout=RUN_TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_and_exit_code_has_a_runbook(self):
        headings = re.findall(r"^## (.*)$", (REPO / "docs/runbooks.md").read_text(), re.M)
        codes = re.findall(r"kExit\w+ = ([1-9]\d*),", (REPO / "base/exit_codes.h").read_text())
        self.assertEqual(headings, [f"Exit code {code}" for code in codes] + [rule["alert"] for rule in alerts()])


if __name__ == "__main__":
    unittest.main(verbosity=1)
