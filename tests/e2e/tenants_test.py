#!/usr/bin/python3
"""Tenants: stores that share a daemon and nothing else, their quotas, and who gets to which."""
import json
import shutil
import threading
import time
import unittest

import grpc

import compare
import feed
import harness
from cluster import Cluster
from generic_client import Client
from harness import LOCAL, OK, REPO, USAGE, E2eTest, run, unirust
from judge import History, Verdict
from observe_test import Scrape
from security_test import ROLES, code_of, documented_roles

Code = grpc.StatusCode
DENIED = {Code.UNAUTHENTICATED, Code.PERMISSION_DENIED}
BUDGET = ("--memory-budget", "256MiB")
ONTOLOGY = {"identity_keys": [{"name": "email", "attributes": ["email"]}],
            "constraints": [{"name": "one_phone", "attribute": "phone"}]}


def person(uid, **values):
    return {"entity_type": "person", "perspective": "crm", "uid": str(uid),
            "descriptors": [{"attr": attr, "value": value} for attr, value in values.items()]}


def gone(uid):
    return {"entity_type": "person", "perspective": "crm", "uid": str(uid), "op": "delete"}


def export(*where):
    return unirust("export", *where, "--format", "canonical").stdout


def records(client):
    return client.call("GetStats").record_count


class TenantsTest(E2eTest):
    def open(self, way="router", text="[acme]\n[globex]\n", *args):
        file = self.write("tenants.toml", text)
        return self.store(way, "--tenants", file, *BUDGET, *args)

    def of(self, store, tenant, token=None):
        return self.stack.enter_context(Client(store.programs[0 if store.way == "shard" else -1].address,
                                               tenant=tenant, token=token))

    def refused(self, call):
        """(code, message, trailing metadata)"""
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        fault = raised.exception
        return fault.code(), fault.details(), dict(fault.trailing_metadata())

    # --- what they have -------------------------------------------------------------------------

    def test_each_is_what_the_oracle_says_of_its_own(self):
        """The same identities under other rules, written at the same time; through a restart and a kill."""
        for seed in range(3):
            with self.subTest(seed=seed):
                self.each_is_what_the_oracle_says(seed)

    def each_is_what_the_oracle_says(self, seed):
        history, other = History(seed), History(seed + 1000, History(seed).profile)
        lines = history.lines
        parts = {None: (history.ontology, lines[:40]), "acme": (other.ontology, lines),
                 "globex": (history.ontology, lines)}
        shutil.rmtree(self.dir / "data", ignore_errors=True)
        with self.open(("router", "serve", "shard")[seed % 3]) as store:
            clients = {name: self.of(store, name) for name in parts}
            faults = []

            def fill(name):
                try:
                    ontology, part = parts[name]
                    clients[name].call("SetOntology", json=json.dumps(ontology))
                    feed.ingest_unary(clients[name], part, 7)
                except Exception as fault:  # carried to the test's thread
                    faults.append(fault)

            writers = [threading.Thread(target=fill, args=(name,)) for name in parts]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            self.assertEqual(faults, [])
            for end in (store.stop, store.kill):
                self.check(parts, clients, seed)
                end()
                store.start()
                clients = {name: self.of(store, name) for name in parts}
            self.check(parts, clients, seed)

    def check(self, parts, clients, seed):
        for name, (ontology, lines) in parts.items():
            verdict = Verdict([json.dumps(line, ensure_ascii=False) for line in lines], ontology)
            compare.everything(clients[name], verdict, lines, seed)

    def test_no_read_shows_what_is_of_another(self):
        """Every method that reads, asked for exactly what another tenant has."""
        store = self.open("shard")
        acme, globex, nobody = self.of(store, "acme"), self.of(store, "globex"), self.of(store, None)
        acme.call("SetOntology", json=json.dumps(ONTOLOGY))
        feed.ingest(acme, [person(n, email=f"marker{n % 3}", phone=f"marker-{n}") for n in range(6)])
        always = {"start": -2**63, "end": 2**63 - 1}
        pairs = [{"attr": "email", "value": "marker1"}]
        asked = {
            "ExportGraph": {}, "ExportRecords": {}, "ExportRecordsStream": {}, "GetConfigVersion": {}, "GetDigest": {},
            "FindEntities": {"descriptors": pairs, **always}, "GetEntity": {"name": "person/crm/1"},
            "GetOntology": {}, "GetRecordIdRange": {}, "GetRetention": {}, "GetStats": {}, "ListConflicts": {},
            "QueryEntities": {"descriptors": pairs, **always}, "ScanRecords": {}, "StreamConflicts": {}}
        self.assertEqual(set(asked), {method for method, role in documented_roles().items() if role == "reader"})
        same = {"GetRetention"}  # has nothing to tell of either
        for method, fields in asked.items():
            with self.subTest(method=method):
                found, other, default = (self.answer(client, method, fields) for client in (acme, globex, nobody))
                self.assertEqual(other, default)
                self.assertEqual(found == other, method in same)
                self.assertNotIn("marker", other)
                self.assertNotIn("person", other.replace("person/crm/1", "", 1) if method == "GetEntity" else other)

    @staticmethod
    def answer(client, method, fields):
        try:
            answer = client.call(method, **fields)
            return str(answer) if hasattr(answer, "DESCRIPTOR") else "".join(map(str, answer))
        except grpc.RpcError as refused:
            return f"{refused.code()} {refused.details()}"

    def test_a_cursor_is_of_one_tenant(self):
        store = self.open("serve")
        acme, globex = self.of(store, "acme"), self.of(store, "globex")
        for client in (acme, globex):
            feed.ingest(client, [person(n, email="same") for n in range(5)])
        for method, fields in (("ScanRecords", {}), ("ExportGraph", {})):
            cursor = next(iter(acme.call(method, page_size=1, **fields))).cursor
            self.assertTrue(cursor)
            list(acme.call(method, page_size=1, cursor=cursor, **fields))
            code, _, _ = self.refused(lambda: list(globex.call(method, page_size=1, cursor=cursor, **fields)))
            self.assertIn(code, (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION))

    def test_what_one_does_to_all_of_its_own_leaves_the_others(self):
        store = self.open("serve", "[acme]\n[globex]\n", "--allow-reset")
        acme, globex = self.of(store, "acme"), self.of(store, "globex")
        for client in (acme, globex, store.client):
            client.call("SetOntology", json=json.dumps(ONTOLOGY))
            feed.ingest(client, [person(1, email="e")])
        acme.call("Reset")
        self.assertEqual([records(c) for c in (acme, globex, store.client)], [0, 1, 1])
        self.assertNotEqual(acme.call("GetConfigVersion").version, globex.call("GetConfigVersion").version)
        self.assertEqual(globex.call("GetConfigVersion").version, store.client.call("GetConfigVersion").version)

    def test_unknown_ones_are_not_found(self):
        store = self.open("serve")
        for name in ("nobody", "acm", "..", "tenants", "data", "ACME", "acme/../globex"):
            code, said, _ = self.refused(lambda: self.of(store, name).call("GetStats"))
            self.assertEqual((code, said), (Code.NOT_FOUND, "there is no tenant of that name here"))
        method = store.client.method("GetStats")
        two = [("unirust-tenant", "acme"), ("unirust-tenant", "globex")]
        self.assertEqual(self.refused(lambda: method.invoke(method.request(), metadata=two, timeout=9))[0],
                         Code.INVALID_ARGUMENT)
        self.assertEqual(sorted(p.name for p in (self.dir / "data/tenants").iterdir()), ["acme", "globex"])

    def test_files_are_of_the_tenant_that_they_are_declared_for(self):
        self.write("acme/r.jsonl", json.dumps(person(1)) + "\n")
        self.write("default/r.jsonl", json.dumps(person(2)) + "\n")
        store = self.open("serve", f'[acme]\nimport-dir = "{self.dir}/acme"\n[globex]\n',
                          "--import-dir", self.dir / "default")
        acme, globex = self.of(store, "acme"), self.of(store, "globex")
        for client in (acme, store.client):
            client.call("IngestRecordsFromUrl", url="file:r.jsonl")
        self.assertEqual(acme.call("GetEntity", name="person/crm/1").cluster_key, "person/crm/1")
        self.assertEqual(store.client.call("GetEntity", name="person/crm/2").cluster_key, "person/crm/2")
        self.assertEqual((records(acme), records(store.client)), (1, 1))
        for client, url in ((globex, "file:r.jsonl"), (acme, f"file://{self.dir}/default/r.jsonl"),
                            (acme, "file:../default/r.jsonl"), (store.client, f"file://{self.dir}/acme/r.jsonl")):
            self.assertIn(self.refused(lambda: client.call("IngestRecordsFromUrl", url=url))[0],
                          (Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT))

    def test_killed_under_writers_of_both(self):
        """What was acknowledged is there, in its own tenant and no other."""
        store = self.open("serve")
        acknowledged = {"acme": [], "globex": []}

        def write(name, client):
            for n in range(100_000):
                try:
                    feed.ingest(client, [person(f"{name}-{n}", email=f"e{n % 7}"), person(n, email=name)])
                except grpc.RpcError:
                    return
                acknowledged[name].append(n)

        clients = {name: self.of(store, name) for name in acknowledged}
        for _ in range(3):
            before = {name: len(numbers) for name, numbers in acknowledged.items()}
            writers = [threading.Thread(target=write, args=item) for item in clients.items()]
            for writer in writers:
                writer.start()
            while any(len(acknowledged[name]) < before[name] + 20 for name in acknowledged):
                pass
            store.kill()
            for writer in writers:
                writer.join()
            store.start()
            clients = {name: self.of(store, name) for name in acknowledged}
            for name, client in clients.items():
                found = {r.identity.uid for chunk in client.call("ScanRecords") for r in chunk.records}
                sent = {uid for n in range(100 + len(acknowledged[name]) * 4) for uid in (f"{name}-{n}", str(n))}
                self.assertEqual({uid for n in acknowledged[name] for uid in (f"{name}-{n}", str(n))} - found, set())
                self.assertEqual({uid for uid in found if not uid.isdigit() and not uid.startswith(name)}, set())
                self.assertLessEqual(len(found - sent), 4)  # of the requests that were cut short
            self.assertEqual(records(store.client), 0)

    # --- quotas ---------------------------------------------------------------------------------

    def test_the_quota_of_records_is_exact(self):
        store = self.open("router", "[acme]\nrecords = 100\n[globex]\n", "--metrics-listen", LOCAL)
        acme, globex = self.of(store, "acme"), self.of(store, "globex")
        acme.call("SetOntology", json=json.dumps(ONTOLOGY))
        taken, refused, faults = [], [], []

        def write(writer):
            client = self.of(store, "acme")
            for n in range(20):
                uids = [f"{writer}-{n}-{i}" for i in range(3)]
                chunk = {"records": feed.inputs([person(uid, email=uid) for uid in uids])}
                try:
                    if writer % 2:
                        client.call("IngestRecords", **chunk)
                    else:
                        list(client.call("IngestRecordsStream", stream=[chunk]))
                    taken.extend(uids)
                except grpc.RpcError as fault:
                    refused.append((fault.code(), "the quota of 100 records" in fault.details(),
                                    "retry-after-ms" in dict(fault.trailing_metadata())))
                if records(client) > 100:
                    faults.append(writer)

        writers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        self.assertEqual(faults, [])
        self.assertEqual(set(refused), {(Code.RESOURCE_EXHAUSTED, True, False)})
        self.assertEqual((len(taken), len(refused)), (99, 6 * 20 - 33))
        found = {r.identity.uid for chunk in acme.call("ScanRecords") for r in chunk.records}
        self.assertEqual(found, set(taken))
        self.at_the_quota(acme)
        feed.ingest(globex, [person(n) for n in range(101)])
        scrape = Scrape(store.programs[0])
        self.assertEqual(scrape.value("unirust_records", tenant="acme"), 100)
        self.assertEqual(scrape.value("unirust_records", tenant="globex"), 101)
        self.assertEqual(scrape.value("unirust_tenant_refused_total", tenant="acme", quota="records"),
                         len(refused) + 3)
        self.assertEqual(scrape.value("unirust_tenant_refused_total", tenant="globex", quota="records"), 0)

    def at_the_quota(self, client):
        """From 99 of 100: what may be done there, and what may not."""
        self.assertEqual(self.refused(lambda: feed.ingest(client, [person("x"), person("y")]))[0],
                         Code.RESOURCE_EXHAUSTED)
        feed.ingest(client, [person("x")])
        before = self.answer(client, "ExportGraph", {})
        chunks = [{"records": feed.inputs(part)} for part in ([person("x", email="x")], [person("y")], [gone("x")])]
        method = client.method("IngestRecordsStream")
        answers = method.invoke(iter([method.request(**chunk) for chunk in chunks]), timeout=harness.RUN_TIMEOUT)
        next(answers)
        code, said, _ = self.refused(lambda: next(answers))
        self.assertEqual((code, said.split(":")[0]), (Code.RESOURCE_EXHAUSTED, "chunk 1"))
        self.assertEqual(records(client), 100)  # the chunk after it was not taken
        self.assertNotEqual(self.answer(client, "ExportGraph", {}), before)
        feed.ingest(client, [person("x")])
        self.assertEqual(self.answer(client, "ExportGraph", {}), before)
        feed.ingest(client, [gone("x"), person("y")])
        feed.ingest(client, [gone("y")])
        self.assertEqual(records(client), 99)
        feed.ingest(client, [person("y")])
        self.refused(lambda: feed.ingest(client, [person("z")]))
        self.assertEqual(records(client), 100)

    def test_the_quota_of_records_holds_after_restarts_and_for_files_and_imports(self):
        self.write("in/r.jsonl", json.dumps(person(3)) + "\n" + json.dumps(person(4)) + "\n")
        store = self.open("serve", f'[acme]\nrecords = 3\nimport-dir = "{self.dir}/in"\n')
        feed.ingest(self.of(store, "acme"), [person(1), person(2)])
        store.restart()
        acme = self.of(store, "acme")
        snapshots = [{"identity": feed.inputs([person(n)])[0]["identity"]} for n in (5, 6)]
        for call in (lambda: acme.call("IngestRecordsFromUrl", url="file:r.jsonl"),
                     lambda: acme.call("ImportRecords", shard_id=0, records=snapshots),
                     lambda: acme.call("ImportRecordsStream", stream=[{"records": snapshots}]),
                     lambda: feed.ingest(acme, [person(5), person(6)])):
            self.assertEqual(self.refused(call)[0], Code.RESOURCE_EXHAUSTED)
            self.assertEqual(records(acme), 2)

    def test_requests_per_second(self):
        store = self.open("router", "[acme]\nrequests-per-second = 1\nburst = 3\n[globex]\n", "--metrics-listen", LOCAL)
        acme, globex = self.of(store, "acme"), self.of(store, "globex")
        refused = []
        for n in range(40):
            try:
                feed.ingest(acme, [person(n)])
            except grpc.RpcError as fault:
                refused.append((n, fault))
        taken = set(range(40)) - {n for n, _ in refused}
        self.assertGreaterEqual(len(taken), 3)
        self.assertGreater(len(refused), 0)
        for _, fault in refused:
            self.assertEqual(fault.code(), Code.RESOURCE_EXHAUSTED)
            self.assertIn("the quota of 1 requests per second", fault.details())
            self.assertIn(int(dict(fault.trailing_metadata())["retry-after-ms"]), range(1, 1001))
        for n in range(100):
            records(globex), records(store.client)
        scrape = Scrape(store.programs[0])
        self.assertEqual(scrape.value("unirust_records", tenant="acme"), len(taken))
        self.assertEqual(scrape.value("unirust_tenant_refused_total", tenant="acme", quota="requests"), len(refused))

    def test_quotas_change_while_it_runs(self):
        store = self.open("router", "[acme]\nrecords = 1\n[globex]\n")
        acme = self.of(store, "acme")
        feed.ingest(acme, [person(1)])
        self.assertEqual(self.refused(lambda: feed.ingest(acme, [person(2)]))[0], Code.RESOURCE_EXHAUSTED)
        self.write("next.toml", "[acme]\nrecords = 2\n").rename(self.dir / "tenants.toml")
        deadline = time.monotonic() + harness.RUN_TIMEOUT
        while code_of(lambda: feed.ingest(acme, [person(2)])) is not None:
            self.assertLess(time.monotonic(), deadline, store.stderr())
        self.assertEqual(self.refused(lambda: feed.ingest(acme, [person(3)]))[0], Code.RESOURCE_EXHAUSTED)
        self.assertIn("wait for the next start", store.stderr())
        self.assertEqual(records(self.of(store, "globex")), 0)

    def test_streams_are_slowed_down_not_refused(self):
        store = self.open("router", "[acme]\nrequests-per-second = 50\nburst = 1\n[globex]\n")
        acme = self.of(store, "acme")
        chunks = [{"records": feed.inputs([person(n)])} for n in range(10)]
        self.assertEqual(len(list(acme.call("IngestRecordsStream", stream=chunks))), 10)
        unirust("ingest", "--router", store.address, "--tenant", "acme", "--batch", "1",
                self.write("r.jsonl", "".join(json.dumps(person(n)) + "\n" for n in range(10, 20))))

    def test_bytes_in_flight(self):
        """Requests of 3 MiB where 4 may be under way: one at a time, whoever else is refused."""
        store = self.open("router", '[acme]\nbytes-in-flight = "4MiB"\n[globex]\n')
        text = "v" * 60_000
        refused, faults = [], []

        def write(writer):
            client = self.of(store, "acme")
            request = feed.inputs([person(f"{writer}-{n}", a=text) for n in range(50)])
            while True:
                try:
                    return client.call("IngestRecords", records=request)
                except grpc.RpcError as fault:
                    delay = dict(fault.trailing_metadata()).get("retry-after-ms")
                    refused.append((fault.code(), delay))
                    if fault.code() != Code.RESOURCE_EXHAUSTED:
                        return faults.append(fault)

        writers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        self.assertEqual(faults, [])
        self.assertLessEqual(set(refused), {(Code.RESOURCE_EXHAUSTED, "100")})
        self.assertEqual(records(self.of(store, "acme")), 6 * 50)

    # --- copies ---------------------------------------------------------------------------------

    def test_one_is_backed_up_and_restored_alone(self):
        store = self.open("router", "[acme]\n[globex]\n", "--backup-dir", self.dir / "b", "--metrics-listen", LOCAL)
        router = ("--router", store.address)
        clients = {name: self.of(store, name) for name in (None, "acme", "globex")}
        for name, client in clients.items():
            feed.ingest(client, [person(1, email=str(name))])
        made = json.loads(unirust("backup", *router, "--tenant", "acme", "--json").stdout)
        scrape = Scrape(store.programs[0])
        self.assertEqual([scrape.value("unirust_backups_made_total", **label)
                          for label in ({"tenant": "acme"}, {"tenant": "globex"}, {})], [1, 0, 0])
        self.assertEqual(made["id"], 1)
        unirust("checkpoint", *router, "--tenant", "acme", "copy")
        before = export(*router, "--tenant", "acme")
        feed.ingest(clients["acme"], [person(2, email="later")])
        feed.ingest(clients["globex"], [person(2, email="later")])
        there = export(*router, "--tenant", "globex")
        self.assertEqual([json.loads(line)["id"] for line in unirust(
            "backups", self.dir / "b", "--tenant", "acme", "--json").stdout.splitlines()], [1])
        self.assertNotEqual(unirust("backups", self.dir / "b", expect=None).returncode, OK)
        self.assertEqual(export("--data-dir", self.dir / "b/tenants/acme/copy"), before)
        store.stop()
        shutil.rmtree(self.dir / "data/tenants/acme")
        unirust("restore", "--from", self.dir / "b", "--data-dir", self.dir / "data", "--tenant", "acme")
        store.start()
        router = ("--router", store.address)
        self.assertEqual(export(*router, "--tenant", "acme"), before)
        self.assertEqual(export(*router, "--tenant", "globex"), there)
        unirust("restore", "--from", self.dir / "b", "--data-dir", self.dir / "new", "--tenant", "acme")
        self.assertEqual(export("--data-dir", self.dir / "new", "--tenant", "acme"), before)
        unirust("verify", "--data-dir", self.dir / "new", "--tenant", "acme", "--full")

    # --- who gets where -------------------------------------------------------------------------

    def principals(self):
        tokens, entries = {}, b""
        for name, tenants in (("default", ()), ("acme", ("acme",)), ("all", ("*",))):
            args = ("--tenants", ",".join(tenants)) if tenants else ()
            path = self.dir / f"{name}.token"
            entries += unirust("token", "--name", name, "--roles", ",".join(ROLES), "--out", path, *args).stdout
            tokens[name] = path.read_text().strip()
        return tokens, self.write("access.toml", entries)

    def test_every_method_for_every_tenant(self):
        tokens, access = self.principals()
        for way, service in (("shard", "ShardService"), ("router", "RouterService")):
            args = ("--access", access, "--allow-reset", "--backup-dir", self.dir / f"b-{way}")
            store = self.open(way, "[acme]\n[globex]\n", *args)
            roles = documented_roles()
            for caller, token in {"nobody": None, **tokens}.items():
                for tenant in (None, "acme", "globex", "none"):
                    self.every_method(self.of(store, tenant, token), service, roles, caller, tenant)
            store.stop()
            shutil.rmtree(self.dir / "data")

    def every_method(self, client, service, roles, caller, tenant):
        reaches = caller == "all" or (caller, tenant) in (("default", None), ("acme", "acme"))
        for full, method in client.methods.items():
            if not full.startswith(f"unirust.{service}"):
                continue
            with self.subTest(method=method.name, caller=caller, tenant=tenant):
                stream = {"stream": []} if method.client_streaming else {}
                code = code_of(lambda: client.call(full, **stream))
                # The router asks HealthCheck of the shard for it.
                open_to_all = roles.get(method.name, "anyone") == "anyone" and method.name != "ImportRecordsStream"
                if open_to_all and tenant is None:
                    self.assertIsNone(code)
                elif caller == "nobody":
                    self.assertEqual(code, Code.UNAUTHENTICATED)
                elif not reaches:
                    self.assertEqual(code, Code.PERMISSION_DENIED)
                elif tenant == "none":
                    self.assertEqual(code, Code.NOT_FOUND)
                else:
                    self.assertNotIn(code, DENIED)

    def test_names_are_not_probed(self):
        tokens, access = self.principals()
        store = self.open("router", "[acme]\n[globex]\n", "--access", access)
        said = {self.refused(lambda: self.of(store, tenant, tokens["acme"]).call("GetStats"))[:2]
                for tenant in ("globex", "none", "..", "*")}
        self.assertEqual(said, {(Code.PERMISSION_DENIED, "'acme' has no access to this tenant")})

    def test_the_audit_log_names_the_tenant(self):
        store = self.open("router", "[acme]\n[globex]\n", "--audit-dir", self.dir / "audit")
        for tenant in ("acme", None):
            feed.ingest(self.of(store, tenant), [person(1)])
        store.stop()
        lines = [json.loads(line) for path in sorted((self.dir / "audit").glob("*.jsonl"))
                 for line in path.read_text().splitlines()]
        self.assertEqual([line.get("tenant") for line in lines if "method" in line], ["acme", None])
        unirust("audit", "verify", self.dir / "audit")

    # --- programs -------------------------------------------------------------------------------

    def test_the_command_line(self):
        store = self.open("serve")
        router = ("--router", store.address)
        lines = self.write("r.jsonl", json.dumps(person(1, email="e")) + "\n")
        ontology = self.write("o.json", json.dumps(ONTOLOGY))
        unirust("ingest", *router, "--tenant", "acme", "--ontology", ontology, "--resume-file", self.dir / "s", lines)
        other = unirust("ingest", *router, "--tenant", "globex", "--resume-file", self.dir / "s", lines,
                        expect=harness.INPUT)
        self.assertIn(b"is of an ingest into", other.stderr)

        def count(*args, env=None):
            return json.loads(unirust("stats", *router, "--json", *args, env=env).stdout)["records"]

        self.assertEqual([count("--tenant", name) for name in ("acme", "globex")], [1, 0])
        self.assertEqual((count(), count(env={"UNIRUST_TENANT": "acme"})), (0, 1))
        for name in ("Acme", "../acme", "a b"):
            refused = unirust("stats", *router, "--tenant", name, expect=USAGE)
            self.assertIn(b"is no name of a tenant", refused.stderr)
        unknown = unirust("stats", *router, "--tenant", "nobody", expect=None)
        self.assertIn(b"no tenant of that name", unknown.stderr)
        store.stop()
        data = ("--data-dir", self.dir / "data")
        self.assertEqual(json.loads(unirust("stats", *data, "--tenant", "acme", "--json").stdout)["records"], 1)
        unirust("ingest", "--data-dir", self.dir / "made", "--tenant", "acme", lines)
        self.assertTrue((self.dir / "made/tenants/acme/CURRENT").exists())
        unirust("stats", "--data-dir", self.dir / "made", expect=harness.DATA_DIR)

    def test_what_is_refused_at_the_start(self):
        good = self.write("good.toml", "[acme]\n")
        bad = self.write("bad.toml", "[acme]\nrecord = 1\n")
        full = self.write("full.toml", "".join(f"[t{n}]\n" for n in range(65)))
        data = ("--listen", LOCAL, "--data-dir", self.dir / "d")
        for program in (("unirust_shard",), ("unirust", "serve")):
            for args, said in ((("--tenants", bad), b"bad.toml:1: tenant 'acme': unknown key 'record'"),
                               (("--tenants", full), b"65 tenants; at most 64"),
                               (("--tenants", self.dir / "none"), b"cannot be read"),
                               (("--tenants", good, "--memory-budget", "127MiB"), b"need at least 128MiB")):
                self.assertIn(said, run(*program, *data, *args, expect=USAGE).stderr)
        part = ("--part", "--shard-id", "1", "--tenants")
        self.assertIn(b"unknown key 'record'", run("unirust_shard", *data, *part, bad, expect=USAGE).stderr)
        self.assertIn(b"need at least 128MiB", run("unirust_shard", *data, *part, good, "--memory-budget", "127MiB",
                                                   expect=USAGE).stderr)
        self.assertFalse((self.dir / "d").exists())

    # --- stores of several parts ----------------------------------------------------------------

    def cluster(self, text):
        flags = ("--tenants", self.write("tenants.toml", text))
        cluster = Cluster(self.dir, 3, *flags, budget=BUDGET[1])
        self.addCleanup(cluster.kill)
        return cluster

    def of_cluster(self, cluster, tenant):
        return self.stack.enter_context(Client(cluster.router.address, tenant=tenant))

    def test_each_lies_in_all_parts(self):
        """What each has is what the oracle says, whichever process is killed; slots move and records go by tenant."""
        cluster = self.cluster("[acme]\n[globex]\n")
        history = {name: History(seed) for name, seed in ((None, 5), ("acme", 6), ("globex", 7))}
        parts = {name: (one.ontology, one.lines) for name, one in history.items()}
        clients = {name: self.of_cluster(cluster, name) for name in parts}
        for name, (ontology, lines) in parts.items():
            clients[name].call("SetOntology", json=json.dumps(ontology))
            feed.ingest_unary(clients[name], lines, 7)
        self.check(parts, clients, seed=1)
        for number in (1, 2):
            held = sorted(path.name for path in (self.dir / f"part{number}/tenants").iterdir())
            self.assertEqual(held, ["acme", "globex"])
            cluster.kill_and_restart(number)
        cluster.kill_and_restart(0)
        for client in clients.values():
            cluster.until_answered(lambda: list(client.call("GetDigest")))
        self.check(parts, clients, seed=2)
        slots = [[p.slots for p in clients[name].call("GetParts").parts] for name in parts]
        where = ("--router", cluster.router.address, "--tenant", "acme")
        unirust("cluster", "apply", "--drain", 2, *where)
        self.assertEqual([p.slots for p in clients["acme"].call("GetParts").parts][2], 0)
        for name, had in zip((None, "globex"), (slots[0], slots[2])):
            self.assertEqual([p.slots for p in clients[name].call("GetParts").parts], had)
        self.check(parts, clients, seed=3)

    def test_a_part_without_the_tenant(self):
        """That tenant alone cannot be opened; when the part has it, it can."""
        cluster = self.cluster("[acme]\n")
        self.write("next.toml", "[acme]\n[globex]\n").rename(self.dir / "tenants.toml")
        cluster.shard.stop()
        cluster.restart(0)
        acme = self.of_cluster(cluster, "acme")
        cluster.until_answered(lambda: feed.ingest(acme, [person(1)]))
        self.assertEqual(self.refused(lambda: records(self.of_cluster(cluster, "globex")))[0], Code.UNAVAILABLE)
        self.assertIn("this part has no tenant 'globex'", cluster.shard.stderr())
        for number in (1, 2, 0):
            cluster.program(number).stop()
        for number in (1, 2, 0):
            cluster.restart(number)
        globex = self.of_cluster(cluster, "globex")
        cluster.until_answered(lambda: feed.ingest(globex, [person(2)]))
        self.assertEqual([records(self.of_cluster(cluster, name)) for name in ("acme", "globex", None)], [1, 1, 0])

    def test_one_that_does_not_open_leaves_the_others(self):
        store = self.open("shard", "[acme]\n[globex]\n", "--metrics-listen", LOCAL)
        feed.ingest(self.of(store, "globex"), [person(1)])
        store.stop()
        (self.dir / "data/tenants/acme/CURRENT").write_text("damaged")
        store.start()
        acme, globex = self.of(store, "acme"), self.of(store, "globex")
        code, said, _ = self.refused(lambda: acme.call("GetStats"))
        self.assertEqual((code, said), (
            Code.UNAVAILABLE, "tenant 'acme' could not be opened: the log of the daemon says why"))
        self.assertEqual(records(globex), 1)
        self.assertEqual(store.client.call("HealthCheck").status, "ok")
        self.assertIn("tenant=acme", store.stderr())
        scrape = Scrape(store.programs[0])
        self.assertEqual([scrape.value("unirust_tenant_open", tenant=name) for name in ("acme", "globex")], [0, 1])


class PagesTest(unittest.TestCase):
    def test_the_example_of_the_page_is_a_file_of_tenants(self):
        page = (REPO / "docs/tenants.md").read_text()
        text = page.split("```toml\n", 1)[1].split("```", 1)[0]
        with harness.temp_dir() as path:
            (path / "tenants.toml").write_text(text)
            with harness.start("unirust_shard", "--listen", LOCAL, "--ephemeral", "--tenants", path / "tenants.toml"):
                pass


if __name__ == "__main__":
    unittest.main(verbosity=1)
