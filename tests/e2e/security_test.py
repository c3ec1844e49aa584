#!/usr/bin/python3
"""Who gets in: every method against every kind of caller, and what TLS refuses."""
import json
import re
import ssl
import socket
import threading
import time
import unittest

import grpc

import feed
from certificates import Authority
from generic_client import Client
from harness import DATA_LOSS, LOCAL, OK, REPO, SLOWNESS, UNAVAILABLE, USAGE, E2eTest, Store, run, start, unirust

ROLES = ("reader", "writer", "steward", "admin")
DENIED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
RECORD = {"entity_type": "person", "perspective": "crm", "uid": "1", "descriptors": [{"attr": "a", "value": "b"}]}
RELOAD_TIMEOUT = 20 * SLOWNESS


def documented_roles():
    """Method -> role, by the table of docs/security.md."""
    text = (REPO / "docs/security.md").read_text()
    rows = re.findall(r"^\| (anyone|reader|writer|steward|admin) \| (.*) \|$", text, re.M)
    return {method: role for role, cell in rows for method in re.findall(r"`([A-Z]\w+)`", cell)}


def code_of(call):
    """The status code of a call, whatever it answers; OK as None."""
    try:
        answer = call()
        if not hasattr(answer, "DESCRIPTOR"):
            for _ in answer:
                pass
        return None
    except grpc.RpcError as refused:
        return refused.code()


class AccessTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.tokens, entries = {}, b""
        for role in ROLES:
            entries += self.token(role, "--roles", role)
        entries += self.token("expired", "--roles", ",".join(ROLES), "--expires", "2020-01-01")
        self.token("wrong", "--roles", ",".join(ROLES))  # has no entry
        self.access = self.write("access.toml", entries)

    def token(self, name, *args):
        """Makes a token; returns its entry."""
        path = self.dir / f"{name}.token"
        entry = unirust("token", "--name", name, "--out", path, *args).stdout
        self.tokens[name] = path.read_text().strip()
        return entry

    def call_every_method(self, address, service):
        """Method -> caller -> code."""
        codes = {}
        for caller in ("nobody", *self.tokens):
            with Client(address, token=self.tokens.get(caller)) as client:
                for full, method in client.methods.items():
                    if full.startswith(service):
                        stream = {"stream": []} if method.client_streaming else {}
                        codes.setdefault(method.name, {})[caller] = code_of(lambda: client.call(full, **stream))
        return codes

    def check(self, codes, roles):
        self.assertEqual(set(codes), set(roles))
        for method, by_caller in sorted(codes.items()):
            for caller, code in by_caller.items():
                with self.subTest(method=method, caller=caller):
                    if roles[method] in (caller, "anyone"):
                        self.assertNotIn(code, DENIED)
                    elif caller in ROLES:
                        self.assertEqual(code, grpc.StatusCode.PERMISSION_DENIED)
                    else:
                        self.assertEqual(code, grpc.StatusCode.UNAUTHENTICATED)

    def test_every_method_of_the_shard(self):
        store = self.store("shard", "--access", self.access, "--allow-reset", "--backup-dir", self.dir / "backups")
        self.check(self.call_every_method(store.programs[0].address, "unirust.ShardService"), documented_roles())

    def test_every_method_of_the_router(self):
        store = self.store("router", "--access", self.access, "--allow-reset", "--backup-dir", self.dir / "backups")
        roles = documented_roles()
        del roles["IngestChunks"]  # is what the router's IngestRecordsStream calls
        roles["Reconcile"] = "anyone"
        codes = self.call_every_method(store.address, "unirust.RouterService")
        self.check(codes, roles)

    def test_streams_to_the_router(self):
        store = self.store("router", "--access", self.access)
        for caller, expected in (("reader", grpc.StatusCode.PERMISSION_DENIED), ("nobody",
                                 grpc.StatusCode.UNAUTHENTICATED), ("writer", None)):
            with Client(store.address, token=self.tokens.get(caller)) as client:
                self.assertEqual(code_of(lambda: client.call("ImportRecordsStream", stream=[{}])), expected, caller)
                chunk = {"records": feed.inputs([RECORD])}
                self.assertEqual(code_of(lambda: client.call("IngestRecordsStream", stream=[chunk])), expected, caller)

    def test_what_is_refused_changes_nothing(self):
        store = self.store("serve", "--access", self.access)
        with Client(store.address, token=self.tokens["reader"]) as client:
            self.assertEqual(code_of(lambda: client.call("IngestRecords", records=feed.inputs([RECORD]))),
                             grpc.StatusCode.PERMISSION_DENIED)
            self.assertEqual(client.call("GetStats").record_count, 0)
            with self.assertRaises(grpc.RpcError) as refused:
                client.call("SetOntology", json="{}")
            self.assertIn("'reader' has not the role steward", refused.exception.details())

    def test_what_a_client_says_of_itself_counts_for_nothing(self):
        store = self.store("serve", "--access", self.access)
        method = store.client.method("GetStats")
        for key, value in (("x-unirust-caller", "admin"), ("x-unirust-refusal", "0 "), ("authorization", "urt_x"),
                           ("authorization", self.tokens["reader"]), ("authorization", "Bearer ")):
            with self.assertRaises(grpc.RpcError) as refused:
                method.invoke(method.request(), metadata=[(key, value)], timeout=10)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED, (key, value))

    def test_the_command_line(self):
        store = self.store("serve", "--access", self.access)
        records = self.write("records.jsonl", json.dumps(RECORD) + "\n")
        router = ("--router", store.address)
        refused = unirust("stats", *router, expect=None)
        self.assertNotEqual(refused.returncode, OK)
        self.assertIn(b"--token-file", refused.stderr)
        unirust("ingest", *router, "--token-file", self.dir / "writer.token", records)
        unirust("stats", *router, env={"UNIRUST_TOKEN_FILE": str(self.dir / "reader.token")})
        refused = unirust("ingest", *router, "--token-file", self.dir / "reader.token", records, expect=None)
        self.assertNotEqual(refused.returncode, OK)
        self.assertIn(b"has not the role writer", refused.stderr)
        missing = unirust("stats", *router, "--token-file", self.dir / "none", expect=USAGE)
        self.assertIn(b"cannot be read", missing.stderr)
        with_cert = unirust("stats", *router, "--tls-cert", "c.pem", "--tls-key", "c.key", expect=USAGE)
        self.assertIn(b"--tls-cert needs --tls-ca", with_cert.stderr)
        unirust("stats", *router, "--token-file", self.dir / "reader.token", env={"http_proxy": "http://127.0.0.1:1"})
        second = f'2030-01-01\n[[principal]]\nname = "eve"\nroles = ["admin"]\ntoken-sha256 = "{"0" * 64}"'
        for faulty in (("--roles", "root"), ("--roles", "peer"), ("--roles", "reader", "--expires", "soon"),
                       ("--roles", "reader", "--expires", second)):
            unirust("token", "--name", "x", "--out", self.dir / "x.token", *faulty, expect=USAGE)
            self.assertFalse((self.dir / "x.token").exists())
        unirust("token", "--name", "x", "--roles", "reader", "--out", self.dir / "reader.token", expect=None)
        self.assertEqual((self.dir / "reader.token").read_text().strip(), self.tokens["reader"])  # never overwritten
        self.assertEqual((self.dir / "reader.token").stat().st_mode & 0o777, 0o600)

    def test_tokens_are_given_and_taken_back_while_it_runs(self):
        store = self.store("serve", "--access", self.access)
        new = self.token("new", "--roles", "reader")
        self.write("access.toml", new)
        deadline = time.monotonic() + RELOAD_TIMEOUT
        with Client(store.address, token=self.tokens["new"]) as client:
            while code_of(lambda: client.call("GetStats")) is not None:
                self.assertLess(time.monotonic(), deadline, store.stderr())
        with Client(store.address, token=self.tokens["reader"]) as client:
            self.assertEqual(code_of(lambda: client.call("GetStats")), grpc.StatusCode.UNAUTHENTICATED)

    def test_a_stream_ends_with_the_right_to_it(self):
        """While its client says nothing: it sends one chunk, and the next one never."""
        kept = self.token("kept", "--roles", "writer")
        store = self.store("router", "--access", self.write("access.toml", self.access.read_bytes() + kept))
        done = threading.Event()
        self.addCleanup(done.set)

        def chunks():
            yield {"records": [{"index": 1, "identity": {k: RECORD[k] for k in ("entity_type", "perspective", "uid")}}]}
            done.wait()

        with Client(store.address, token=self.tokens["writer"]) as writer, \
                Client(store.address, token=self.tokens["kept"]) as other:
            streams = [client.call("IngestRecordsStream", stream=chunks()) for client in (writer, other)]
            for stream in streams:
                next(stream)
            self.write("access.toml", kept)
            self.assertEqual(code_of(lambda: next(streams[0])), grpc.StatusCode.UNAUTHENTICATED)
            done.set()
            self.assertEqual(list(streams[1]), [])

    def test_a_faulty_file_is_a_usage_error(self):
        faulty = self.write("faulty.toml", "[[principal]]\nname = 'x'\n")
        for program in (("unirust_shard",), ("unirust", "serve"), ("unirust_shard", "--part", "--shard-id", "1")):
            done = run(*program, "--listen", LOCAL, "--data-dir", self.dir / "d", "--access", faulty, expect=USAGE)
            self.assertIn(b"faulty.toml:1: principal: 'roles' is needed", done.stderr)
        self.assertFalse((self.dir / "d").exists())

    def test_tokens_are_told_nowhere(self):
        store = self.store("router", "--access", self.access, "--log-level", "debug", "--slow-ms", "0")
        with Client(store.address, token=self.tokens["reader"]) as client:
            client.call("GetStats")
            code_of(lambda: client.call("IngestRecords"))
        told = b"".join(program.log() for program in store.programs).decode()
        self.assertIn("IngestRecords", told)
        for token in self.tokens.values():
            self.assertNotIn(token, told)


class AuditTest(E2eTest):
    def lines(self):
        return [json.loads(line) for path in sorted((self.dir / "audit").glob("audit-*.jsonl"))
                for line in path.read_text().splitlines()]

    def test_every_change_is_noted_with_who_made_it(self):
        everything = ",".join(ROLES)
        entry = unirust("token", "--name", "ann", "--roles", everything, "--out", self.dir / "token").stdout
        store = self.store("router", "--access", self.write("access.toml", entry), "--audit-dir", self.dir / "audit",
                           "--allow-reset", "--backup-dir", self.dir / "backups", "--import-dir", self.dir)
        self.write("import.jsonl", json.dumps(RECORD) + "\n")
        retraction = {**RECORD, "op": "delete"}
        del retraction["descriptors"]
        with Client(store.address, token=(self.dir / "token").read_text().strip()) as client:
            client.call("IngestRecords", records=feed.inputs([RECORD, retraction]))
            list(client.call("IngestRecordsStream", stream=[{"records": feed.inputs([RECORD])}] * 2))
            client.call("IngestRecordsFromUrl", url="file:import.jsonl")
            version = client.call("SetOntology", json='{"identity_keys": []}').version
            client.call("SetOntology", json='{"constraints": []}', check_only=True)
            client.call("Checkpoint", path="one")
            client.call("Backup")
            client.call("GetStats"), client.call("GetEntity", name="person/crm/1"), client.call("GetParts")
            code_of(lambda: client.call("AdvanceRetention", now=5))
            code_of(lambda: client.call("MoveSlots"))
            client.call("ImportRecords", records=[{"identity": feed.inputs([RECORD])[0]["identity"]}])
            client.call("ImportRecordsStream", stream=[{"records": []}])
            client.call("Reset")
        store.stop()
        lines = self.lines()
        begun = [line for line in lines if "method" in line]
        self.assertEqual({line["who"] for line in begun}, {"ann"})
        self.assertEqual([(line["method"], line.get("records", []), line.get("retracted", []), line.get("detail", ""))
                          for line in begun],
                         [("IngestRecords", ["person/crm/1"], ["person/crm/1"], ""),
                          ("IngestChunks", ["person/crm/1"], [], ""), ("IngestChunks", ["person/crm/1"], [], ""),
                          ("IngestRecordsFromUrl", [], [], "file:import.jsonl"), ("SetOntology", [], [], version),
                          ("Checkpoint", [], [], "one"), ("Backup", [], [], ""),
                          ("AdvanceRetention", [], [], "now=5"), ("ImportRecords", ["person/crm/1"], [], ""),
                          ("ImportRecordsStream", [], [], ""), ("Reset", [], [], "")])
        ends = {line["of"]: line["code"] for line in lines if "of" in line}
        self.assertEqual([ends[line["seq"]] for line in begun], ["OK"] * 7 + ["FAILED_PRECONDITION"] + ["OK"] * 3)
        done = unirust("audit", "verify", self.dir / "audit", "--json")
        self.assertEqual(json.loads(done.stdout)["hash"], lines[-1]["hash"])

    def test_what_was_acknowledged_is_noted_when_the_store_is_killed(self):
        store = self.store("serve", "--audit-dir", self.dir / "audit")
        for uid in range(20):
            store.client.call("IngestRecords", records=feed.inputs([{**RECORD, "uid": str(uid)}]))
        store.kill()
        named = [name for line in self.lines() for name in line.get("records", [])]
        self.assertEqual(named, [f"person/crm/{uid}" for uid in range(20)])
        unirust("audit", "verify", self.dir / "audit")
        store.start()
        store.stop()
        self.assertEqual(json.loads(unirust("audit", "verify", self.dir / "audit", "--json").stdout)["files"], 2)
        unirust("audit", "verify", self.dir / "audit", "--hash", self.lines()[3]["hash"])
        done = unirust("audit", "verify", self.dir / "audit", "--hash", "0" * 64, expect=DATA_LOSS)
        self.assertIn(b"no line has the hash", done.stderr)

    def test_a_log_that_was_changed_is_found_and_not_continued(self):
        store = self.store("serve", "--audit-dir", self.dir / "audit")
        store.client.call("IngestRecords", records=feed.inputs([RECORD]))
        busy = run("unirust_shard", "--listen", LOCAL, "--ephemeral", "--audit-dir", self.dir / "audit",
                   expect=UNAVAILABLE)
        self.assertIn(b"in use by another process", busy.stderr)
        store.stop()
        path = self.dir / "audit/audit-000001.jsonl"
        path.write_text(path.read_text().replace("person/crm/1", "person/crm/2"))
        done = unirust("audit", "verify", self.dir / "audit", expect=DATA_LOSS)
        self.assertIn(b"audit-000001.jsonl:2", done.stderr)
        done = run("unirust_shard", "--listen", LOCAL, "--ephemeral", "--audit-dir", self.dir / "audit",
                   expect=DATA_LOSS)
        self.assertIn(b"audit-000001.jsonl:2", done.stderr)
        self.assertNotEqual(unirust("audit", "verify", self.dir / "none", expect=None).returncode, OK)


class TlsTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.authority, self.stranger = Authority(self.dir, "root"), Authority(self.dir, "stranger")

    def pair(self, authority, name):
        pem, key = authority.issue(name)
        return ["--tls-cert", pem, "--tls-key", key]

    def credentials(self, root=None, authority=None, name=None):
        pem, key = authority.issue(name) if authority else (None, None)
        return grpc.ssl_channel_credentials(
            (root or self.authority).pem.read_bytes(), key and key.read_bytes(), pem and pem.read_bytes())

    def can_talk(self, address, credentials):
        try:
            with Client(address, timeout=3, credentials=credentials) as client:
                return client.call("GetStats").record_count == 0
        except (grpc.FutureTimeoutError, grpc.RpcError):
            return False

    def serve(self, *args):
        """`unirust serve` without a client."""
        return self.stack.enter_context(
            start("unirust", "serve", "--listen", LOCAL, "--ephemeral", *self.pair(self.authority, "server"), *args))

    def test_the_server_is_who_its_certificate_says(self):
        server = self.serve()
        self.assertTrue(self.can_talk(server.address, self.credentials()))
        self.assertFalse(self.can_talk(server.address, self.credentials(root=self.stranger)))
        self.assertFalse(self.can_talk(server.address, None))  # plaintext
        ca = ("--router", server.address, "--tls-ca")
        unirust("stats", *ca, self.authority.pem)
        unirust("stats", *ca, self.stranger.pem, expect=UNAVAILABLE)
        unirust("stats", "--router", server.address, expect=UNAVAILABLE)

    def test_a_certificate_for_another_name_is_refused(self):
        pem, key = self.authority.issue("elsewhere", alternatives="IP:192.0.2.1")
        server = self.stack.enter_context(start(
            "unirust", "serve", "--listen", LOCAL, "--ephemeral", "--tls-cert", pem, "--tls-key", key))
        unirust("stats", "--router", server.address, "--tls-ca", self.authority.pem, expect=UNAVAILABLE)

    def test_clients_need_certificates_where_they_are_asked_for(self):
        server = self.serve("--tls-client-ca", self.authority.pem)
        self.assertFalse(self.can_talk(server.address, self.credentials()))
        self.assertFalse(self.can_talk(server.address, self.credentials(authority=self.stranger, name="impostor")))
        self.assertTrue(self.can_talk(server.address, self.credentials(authority=self.authority, name="client")))
        own = self.pair(self.authority, "cli")
        unirust("stats", "--router", server.address, "--tls-ca", self.authority.pem, *own)
        unirust("stats", "--router", server.address, "--tls-ca", self.authority.pem, expect=UNAVAILABLE)

    def test_nothing_older_than_tls_13_is_spoken(self):
        host, port = self.serve().address.rsplit(":", 1)

        def handshake(version):
            context = ssl.create_default_context(cafile=self.authority.pem)
            context.set_alpn_protocols(["h2"])
            context.minimum_version = context.maximum_version = version
            with socket.create_connection((host, int(port)), timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname=host) as connection:
                    return connection.version()

        self.assertEqual(handshake(ssl.TLSVersion.TLSv1_3), "TLSv1.3")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            handshake(ssl.TLSVersion.TLSv1_2)

    def test_certificates_are_replaced_while_it_runs(self):
        server = self.serve()
        other = Authority(self.dir, "other")
        trusted = other.pem.read_bytes()
        other.issue("server")  # the same files
        deadline = time.monotonic() + RELOAD_TIMEOUT
        while not self.can_talk(server.address, grpc.ssl_channel_credentials(trusted)):
            self.assertLess(time.monotonic(), deadline, server.stderr())
        self.assertFalse(self.can_talk(server.address, self.credentials()))

    def test_a_whole_store_behind_certificates(self):
        """Home, a part and a router, each with a certificate of the cluster, and a client with a token."""
        cluster = Authority(self.dir, "cluster")
        peers = self.write("peers.toml", '[[principal]]\nname = "home"\nroles = ["peer"]\ncertificate = "home"\n')
        entry = unirust("token", "--name", "all", "--roles", "reader,writer,admin", "--out", self.dir / "token").stdout
        access = self.write("access.toml", entry)

        def daemon(program, name, *args):
            return self.stack.enter_context(start(program, "--listen", LOCAL, *self.pair(cluster, name), *args))

        part = daemon("unirust_shard", "part", "--part", "--shard-id", "1", "--ephemeral", "--tls-client-ca",
                      cluster.pem, "--access", peers)
        home = daemon("unirust_shard", "home", "--parts", part.address, "--ephemeral", "--tls-client-ca", cluster.pem,
                      "--tls-ca", cluster.pem, "--access", access)
        router = daemon("unirust_router", "router", "--shards", home.address, "--tls-ca", cluster.pem)
        records = self.write("records.jsonl", json.dumps(RECORD) + "\n")
        client = ("--router", router.address, "--tls-ca", cluster.pem, "--token-file", self.dir / "token")
        unirust("ingest", *client, records)
        status = unirust("cluster", "status", *client).stdout
        self.assertIn(part.address.encode(), status)
        self.every_method_of_a_part(part.address, cluster)

    def every_method_of_a_part(self, address, cluster):
        """Is for the certificate of home alone."""
        for name, expected in (("router", grpc.StatusCode.UNAUTHENTICATED), ("home", None)):
            with Client(address, credentials=self.credentials(root=cluster, authority=cluster, name=name)) as client:
                methods = [m for m in client.methods if m.startswith("unirust.PartService")]
                self.assertGreater(len(methods), 10)
                for full in methods:
                    stream = {"stream": []} if client.method(full).client_streaming else {}
                    code = code_of(lambda: client.call(full, **stream))
                    if expected:
                        self.assertEqual(code, expected, full)
                    else:
                        self.assertNotIn(code, DENIED, full)

    def test_plaintext_beyond_loopback_is_refused(self):
        for program in (("unirust_shard",), ("unirust", "serve")):
            args = ("--listen", "0.0.0.0:0", "--ephemeral")
            done = run(*program, *args, expect=USAGE)
            self.assertIn(b"--insecure", done.stderr)
            with start(*program, *args, "--insecure") as insecure:
                self.assertIn("serving without TLS beyond loopback", insecure.stderr())
        done = run("unirust_router", "--listen", LOCAL, "--shards", "192.0.2.1:50061", expect=USAGE)
        self.assertIn(b"--tls-ca", done.stderr)
        done = unirust("stats", "--router", "192.0.2.1:50060", expect=USAGE)
        self.assertIn(b"--tls-ca", done.stderr)
        done = run("unirust_shard", "--listen", LOCAL, "--ephemeral", "--parts", "192.0.2.1:1", expect=USAGE)
        self.assertIn(b"--tls-ca", done.stderr)

    def test_files_that_cannot_be_used_are_named(self):
        pem, key = self.authority.issue("server")
        _, other_key = self.authority.issue("other")
        empty = self.write("empty.pem", "")
        for args, told in (
                (["--tls-cert", pem], "--tls-cert and --tls-key need each other"),
                (["--tls-client-ca", pem], "--tls-client-ca needs --tls-cert"),
                (["--tls-cert", pem, "--tls-key", other_key], "other.key"),
                (["--tls-cert", empty, "--tls-key", key], "empty.pem"),
                (["--tls-cert", pem, "--tls-key", key, "--tls-client-ca", empty], "--tls-client-ca"),
                (["--tls-cert", self.dir / "none.pem", "--tls-key", key], "none.pem")):
            done = run("unirust_shard", "--listen", LOCAL, "--ephemeral", *args, expect=USAGE)
            self.assertIn(told, done.stderr.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
