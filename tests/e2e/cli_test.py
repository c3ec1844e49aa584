#!/usr/bin/python3
"""Each command of `unirust`, embedded and against a daemon; each export format read by a program that is not ours."""
import collections
import csv
import json
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

import compare
import harness
from harness import LOCAL, REPO, E2eTest, run, start, unirust
from judge import Verdict

ONTOLOGY = {
    "identity_keys": [{"name": "email", "attributes": ["email"]}, {"name": "name", "attributes": ["name"]}],
    "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
    "attributes": {"note": {"multi_valued": True}},
    "golden": {"default": ["latest", "smallest"]},
}
ODD = ['quote " and \' end', "new\nline\r\nand\ttab", "<b>&amp;</b> & ]]>", "emoji \U0001f600 e\u0301 \u4e2d\u6587",
       "back\\slash \\n", "\x01\x1f\x7f control", "semi;colon,comma|pipe", "%41 a/b ? # {x}", " spaces  ",
       "\u2028\ufeff\u00a0", "-->", "{}|<>", "</script>"]


def line(perspective, uid, *values, **more):
    descriptors = [dict(zip(("attr", "value", "start", "end"), v)) for v in values]
    return {"entity_type": "person", "perspective": perspective, "uid": uid, "descriptors": descriptors, **more}


def people():
    out = [line("crm", f"{n}", ("email", f"e{n % 5}@x.org"), ("name", f"n{n}", 10 * n, 10 * n + 15)) for n in range(12)]
    out += [line("web", "a", ("name", "same"), ("tax", "1")), line("web", "b", ("name", "same"), ("tax", "2"))]
    return out + [line("odd/one", text, ("note", text), ("email", "odd@x.org"), (text, text)) for text in ODD]


def text_of(lines):
    return "".join((entry if isinstance(entry, str) else json.dumps(entry)) + "\n" for entry in lines)


class CliTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.data = self.dir / "data"
        self.ontology = self.write("ontology.json", json.dumps(ONTOLOGY))

    def verdict(self, lines):
        return Verdict([json.dumps(entry) for entry in lines], ONTOLOGY)

    def filled(self):
        """The verdict over `people`, which are in the data directory now."""
        records = self.write("people.jsonl", text_of(people()))
        unirust("ingest", "--data-dir", self.data, "--ontology", self.ontology, records)
        return self.verdict(people())

    def answers(self, *args, **more):
        out = unirust(*args, **more).stdout.decode()
        return [json.loads(row) for row in out.split("\n") if row]


class IngestTest(CliTest):
    def ingest(self, *args, **more):
        return unirust("ingest", "--data-dir", self.data, "--ontology", self.ontology, *args, **more)

    def summary(self, *args, **more):
        return json.loads(self.ingest("--json", *args, **more).stdout)

    def same(self, lines):
        compare.same_lines("after ingest", compare.export(self.data), self.verdict(lines).canonical())

    def test_files_and_standard_input(self):
        lines = people()
        first = self.write("first.jsonl", text_of(lines[:10]))
        done = self.ingest(first, "-", stdin=text_of(lines[10:]).encode())
        self.assertIn(str(len(lines)), done.stdout.decode())
        self.same(lines)

    def test_again_changes_nothing(self):
        path = self.write("people.jsonl", text_of(people()))
        one, two = self.summary(path), self.summary(path)
        self.assertEqual((one["applied"], one["unchanged"]), (len(people()), 0))
        self.assertEqual((two["applied"], two["unchanged"]), (0, len(people())))
        self.same(people())

    def test_stale_versions_and_retractions_are_counted(self):
        lines = [line("crm", "1", ("email", "a"), version=5), line("crm", "1", ("email", "b"), version=4),
                 {**line("crm", "2"), "op": "delete"}]
        self.assertEqual(self.summary(self.write("l.jsonl", text_of(lines)))["stale"], 1)
        self.same(lines)

    def bad_lines(self):
        good = people()[:6]
        bad = ["{", "[]", '{"entity_type": "person"}', json.dumps({**good[0], "uid": ""}), "not json",
               json.dumps(line("crm", "x", ("email", "e", 5, 5))), json.dumps({**good[0], "colour": "red"}),
               json.dumps(line("crm", "x", ("", "e"))), json.dumps({**good[0], "op": "merge"}),
               json.dumps({**good[0], "version": 1.5}), json.dumps({**good[0], "version": 2**63})]
        mixed, numbers = [], []
        for n, entry in enumerate(bad):
            mixed += [good[n % 6], entry]
            numbers.append(len(mixed))
        return good, mixed, numbers

    def test_bad_lines_stop_the_ingest_and_are_named(self):
        good, mixed, numbers = self.bad_lines()
        path = self.write("bad.jsonl", text_of(mixed))
        done = self.ingest(path, expect=harness.INPUT)
        said = done.stderr.decode()
        self.assertRegex(said, rf"bad\.jsonl:? ?(line )?{numbers[0]}\b")
        self.assertIn("--keep-going", said)
        self.same(good[:1])  # what came before is acknowledged, nothing after it is

    def test_keep_going_reports_each_bad_line_and_takes_the_good_ones(self):
        good, mixed, numbers = self.bad_lines()
        path = self.write("bad.jsonl", text_of(mixed))
        for batch in (1, 4, 1000):
            done = self.ingest("--keep-going", "--json", "--batch", batch, path, expect=harness.INPUT)
            said = done.stderr.decode()
            for number in numbers:
                self.assertRegex(said, rf"bad\.jsonl:? ?(line )?{number}\b")
            self.assertEqual(json.loads(done.stdout)["refused"], len(numbers))
        self.same(good)

    def test_a_record_that_only_the_store_can_refuse(self):
        """1,025 key instances: no reader can know that, the store names the record, the client the line."""
        lines = people()[:3] + [line("crm", "wide", *(("email", str(n)) for n in range(1025)))] + people()[3:6]
        path = self.write("wide.jsonl", text_of(lines))
        done = self.ingest("--keep-going", path, expect=harness.INPUT)
        self.assertRegex(done.stderr.decode(), r"wide\.jsonl:? ?(line )?4\b")
        self.same(people()[:6])

    def test_each_refusal_is_the_oracles(self):
        """Line by line: the command refuses what the oracle refuses, and nothing else."""
        values = ["1", '"1"', "null", "true", "1.0", "[]", "{}", '"\\ud800"', '"\\ud83d\\ude00"', "9223372036854775808",
                  "-9223372036854775808", '""', "-1", "1e3"]
        base = {"entity_type": '"t"', "perspective": '"p"', "uid": '"u"', "descriptors": "[]"}
        descriptor = {"attr": '"a"', "value": '"v"', "start": "1", "end": "2"}
        cases = []
        for field in (*base, "version", "op", "unknown"):
            cases += ["{" + ", ".join(f'"{k}": {v}' for k, v in {**base, field: x}.items()) + "}" for x in values]
        for field in (*descriptor, "unknown"):
            for x in values if field != "unknown" else values[:7]:  # what is ignored must still be UTF-8 for us
                inner = "{" + ", ".join(f'"{k}": {v}' for k, v in {**descriptor, field: x}.items()) + "}"
                cases.append(json.dumps({"entity_type": "t", "perspective": "p", "uid": "u"})[:-1]
                             + f', "descriptors": [{inner}]' + "}")
        path = self.write("cases.jsonl", text_of(cases))
        said = self.ingest("--keep-going", path, expect=harness.INPUT).stderr.decode()
        reported = {int(n) for n in re.findall(r"cases\.jsonl:? ?(?:line )?(\d+)", said)}
        refused = set()
        for number, case in enumerate(cases, 1):
            try:
                Verdict([case], ONTOLOGY)
            except ValueError:
                refused.add(number)
            except Exception as fault:
                self.assertEqual(type(fault).__name__, "Refused")
                refused.add(number)
        self.assertEqual({cases[n - 1] for n in reported ^ refused}, set())

    def test_csv(self):
        mapping = self.write("mapping.json", json.dumps({
            "entity_type": {"constant": "person"}, "perspective": {"constant": "shop"}, "uid": "No",
            "start": "From", "end": "To", "attributes": {"Mail": "email", "Full, name": "name"}}))
        rows = [("1", "0", "5", "a@x.org", 'Smith, "Jack"'), ("1", "5", "", "b@x.org", "two\nlines"),
                ("2", "", "", "", "Ada")]
        path = self.dir / "shop.csv"
        with open(path, "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([("No", "From", "To", "Mail", "Full, name"), *rows])
        expected = [line("shop", "1", ("email", "a@x.org", 0, 5), ("name", 'Smith, "Jack"', 0, 5),
                         ("email", "b@x.org", 5), ("name", "two\nlines", 5)), line("shop", "2", ("name", "Ada"))]
        self.ingest("--mapping", mapping, path)
        self.same(expected)
        self.ingest("--mapping", mapping, "-", stdin=path.read_bytes())
        self.same(expected)
        path.write_text(path.read_text() + "3,5,4,c@x.org,Bad\n4,,,d@x.org,Good\n")
        done = self.ingest("--keep-going", "--mapping", mapping, path, expect=harness.INPUT)
        self.assertIn("shop.csv", done.stderr.decode())
        self.same([*expected, line("shop", "4", ("email", "d@x.org"), ("name", "Good"))])

    def test_resume(self):
        lines = [line("crm", str(n), ("email", f"e{n}")) for n in range(300)]
        path, state = self.write("big.jsonl", text_of(lines[:100] + ["{"] + lines[100:])), self.dir / "state"
        self.ingest("--resume-file", state, "--batch", 10, path, expect=harness.INPUT)
        self.same(lines[:100])
        path.write_text(text_of(lines))
        again = self.summary("--resume-file", state, "--batch", 10, path)
        self.assertEqual((again["skipped"], again["applied"], again["unchanged"]), (100, 200, 0))
        self.same(lines)
        path.write_text(text_of([*lines, line("crm", "new", ("email", "new"))]))
        self.assertEqual(self.summary("--resume-file", state, path)["applied"], 1)
        other = self.dir / "other"
        done = unirust("ingest", "--data-dir", other, "--resume-file", state, path, expect=harness.INPUT)
        self.assertIn("is of an ingest into", done.stderr.decode())
        self.assertFalse(other.exists())

    def test_missing_files(self):
        fresh = self.dir / "fresh"
        unirust("ingest", "--data-dir", fresh, "--ontology", self.ontology, self.dir / "none.jsonl",
                expect=harness.FAILURE)
        self.assertFalse(fresh.exists(), "a mistyped file name leaves no trace")
        self.ingest(self.dir / "none.jsonl", expect=harness.FAILURE)
        self.ingest("--mapping", self.dir / "none.json", self.write("x.csv", "a\n"), expect=harness.FAILURE)
        self.ingest(self.write("y.csv", "a\n"), expect=harness.INPUT)  # CSV needs a mapping

    def test_ontology_with_faults_stops_before_any_record(self):
        bad = self.write("bad.json", '{"identity_keys": [{"name": "k"}], "colour": 1}')
        path = self.write("people.jsonl", text_of(people()))
        done = unirust("ingest", "--data-dir", self.data, "--ontology", bad, path, expect=harness.INPUT)
        self.assertIn("attributes is missing", done.stderr.decode())
        self.assertIn("colour", done.stderr.decode())


class ReadTest(CliTest):
    """The reading commands, on a directory and through a daemon: the same answers."""

    def each_way(self):
        yield ("--data-dir", self.data)
        store = self.store("serve", data_dir=self.data)
        yield ("--router", store.address)

    def test_json_answers_are_the_oracles(self):
        verdict = self.filled()
        for at in self.each_way():
            stats = self.answers("stats", "--json", *at)[0]
            self.assertIn(len(people()), stats.values())
            entity = verdict.of_type("entity")[0]
            found = self.answers("entity", "--json", *at, entity["records"][-1])[0]
            self.assertEqual((found["id"], found["golden"]), (entity["id"], entity["golden"]))
            self.assertEqual([r["id"] for r in found["records"]], entity["records"])
            found = self.answers("conflicts", "--json", *at)
            self.assertEqual(sorted(map(repr, map(compare.conflict_of_oracle, found))),
                             sorted(map(repr, map(compare.conflict_of_oracle, verdict.of_type("conflict")))))
            found = self.answers("query", "--json", "--all", *at, "email=e1@x.org", "name=n1", "--from", 3, "--to", 40)
            self.assertEqual([(m["entity"], m["start"], m["end"], m["golden"]) for m in found],
                             verdict.all_matches([("email", "e1@x.org"), ("name", "n1")], 3, 40))
            conflict = self.answers("query", "--json", *at, "name=same")[0]
            self.assertEqual((conflict["type"], len(conflict["matches"])), ("query_conflict", 2))
            found = self.answers("scan", "--json", *at, "--perspective", "odd/one")
            self.assertEqual({r["id"] for r in found},
                             {r["id"] for r in verdict.of_type("record") if r["id"].startswith("person/odd%2Fone/")})
            shown = json.loads(unirust("ontology", "show", *at).stdout)
            self.assertEqual(shown["identity_keys"][0]["name"], "email")

    def test_tables_for_people(self):
        self.filled()
        for at in self.each_way():
            for args in (("stats",), ("entity", "person/crm/1"), ("entity", "person/crm/1", "--as-of", 12),
                         ("conflicts",), ("query", "email=e1@x.org"), ("query", "name=same"), ("scan",),
                         ("query", "email=nobody")):
                out = unirust(args[0], *at, *args[1:]).stdout.decode()
                self.assertTrue(out.strip(), args)
                self.assertNotIn("\x01", out)  # control characters do not reach the terminal
            self.assertIn("e1@x.org", unirust("entity", *at, "person/crm/1").stdout.decode())

    def test_digest(self):
        unirust("ontology", "apply", "--data-dir", self.data, self.ontology)
        self.assertEqual(self.answers("digest", "--json", "--data-dir", self.data),
                         [{"type": "digest", "digest": "0" * 32, "records": 0, "entities": 0}])
        verdict = self.filled()
        seen = set()
        for at in self.each_way():
            *slots, whole = self.answers("digest", "--json", "--slots", *at)
            self.assertEqual((whole["records"], whole["entities"]), verdict.stats()[:2])
            total = sum(int(slot["digest"], 16) for slot in slots) % 2**128
            self.assertEqual((total, len(slots)), (int(whole["digest"], 16), 1024))
            text = unirust("digest", *at).stdout.decode()
            self.assertEqual(text.split()[0], whole["digest"])
            seen.add(whole["digest"])
        other = self.dir / "other"  # in another order, one by one
        unirust("ingest", "--data-dir", other, "--ontology", self.ontology, "--batch", 1,
                self.write("reversed.jsonl", text_of(reversed(people()))))
        seen.add(self.answers("digest", "--json", "--data-dir", other)[0]["digest"])
        self.assertEqual(len(seen), 1)

    def test_pages(self):
        self.filled()
        whole = self.answers("scan", "--json", "--data-dir", self.data)
        done = unirust("scan", "--json", "--data-dir", self.data, "--limit", 5)
        page = [json.loads(row) for row in done.stdout.decode().split("\n") if row]
        self.assertEqual(len([o for o in page if o.get("type") == "record"]), 5)
        self.assertEqual(len(whole), len(people()))

    def test_not_found_and_mistakes(self):
        self.filled()
        unirust("entity", "--data-dir", self.data, "person/crm/none", expect=harness.FAILURE)
        for args in (("query", "no-equals-sign"), ("query", "a=b", "--from", "x"), ("query",), ("entity",),
                     ("conflicts", "--kind", "odd"), ("export",), ("ontology",), ("ontology", "fly"), (),
                     ("stats", "--router", "a:1", "--data-dir", "x"), ("stats", "--no-such-flag"), ("ingest",),
                     ("stats", "--router", "localhost:65536"), ("stats", "--router", "localhost"),
                     ("stats", "--data-dir", self.data, "--memory-budget", "1MiB"),
                     ("conflicts", "--data-dir", self.data, "--limit", "-1")):
            done = unirust(*args, expect=harness.USAGE)
            self.assertTrue(done.stderr, args)

    def test_no_store(self):
        for args in (("stats",), ("export", "--format", "canonical"), ("ontology", "show"), ("query", "a=b")):
            done = unirust(*args, "--data-dir", self.data, expect=harness.DATA_DIR)
            self.assertIn(f"there is no store in {self.data}", done.stderr.decode())
        self.assertFalse(self.data.exists())

    def test_empty_store(self):
        unirust("ontology", "apply", "--data-dir", self.data, self.ontology)
        self.assertEqual(compare.export(self.data), b"")
        self.assertEqual(self.answers("conflicts", "--json", "--data-dir", self.data), [])


class OntologyAndCheckpointTest(CliTest):
    def test_ontology_commands(self):
        self.filled()
        other = self.write("other.json", json.dumps({"identity_keys": [{"name": "name", "attributes": ["name"]}]}))
        bad = self.write("bad.json", '{"identity_keys": [{}, 5]}')
        unirust("ontology", "check", other)
        done = unirust("ontology", "check", bad, expect=harness.INPUT)
        self.assertIn("identity_keys[0]", done.stderr.decode())
        self.assertIn("identity_keys[1]", done.stderr.decode())
        unirust("ontology", "check", "--data-dir", self.data, other)
        compare.same_lines("check changes nothing", compare.export(self.data), self.verdict(people()).canonical())
        unirust("ontology", "apply", "--data-dir", self.data, other)
        expected = Verdict([json.dumps(entry) for entry in people()], json.loads(other.read_text()))
        compare.same_lines("apply", compare.export(self.data), expected.canonical())
        unirust("ontology", "apply", "--data-dir", self.data, bad, expect=harness.INPUT)
        compare.same_lines("a refused one", compare.export(self.data), expected.canonical())

    def test_checkpoint(self):
        verdict = self.filled()
        backups = self.dir / "backups"
        unirust("checkpoint", "--data-dir", self.data, "--backup-dir", backups, "first")
        unirust("checkpoint", "--data-dir", self.data, "first", expect=harness.FAILURE)
        compare.same_lines("the copy", compare.export(backups / "first"), verdict.canonical())
        store = self.store("serve", "--backup-dir", backups, data_dir=self.data)
        unirust("checkpoint", "--router", store.address, "second")
        compare.same_lines("the copy", compare.export(backups / "second"), verdict.canonical())

    def test_verify(self):
        self.filled()
        self.assertIn(b"checksums and samples", unirust("verify", "--data-dir", self.data).stdout)
        last = json.loads(unirust("verify", "--data-dir", self.data, "--full", "--json").stdout.splitlines()[-1])
        self.assertEqual((last["type"], last["full"], last["rebuilt"], last["faults"]), ("verify", True, False, 0))
        before = unirust("export", "--format", "canonical", "--data-dir", self.data).stdout
        unirust("verify", "--data-dir", self.data, "--rebuild-derived", "--full")
        self.assertEqual(unirust("export", "--format", "canonical", "--data-dir", self.data).stdout, before)
        unirust("verify", "--data-dir", self.data, "--full", "--read-only", expect=2)
        unirust("verify", "--data-dir", self.dir / "none", expect=5)

    def test_verify_finds_a_flipped_bit(self):
        self.filled()
        unirust("backup", "--data-dir", self.data, "--backup-dir", self.dir / "backups")  # writes tables
        table = max(self.data.glob("*.sst"), key=lambda path: path.stat().st_size)
        data = bytearray(table.read_bytes())
        data[len(data) // 3] ^= 4
        table.write_bytes(data)
        found = unirust("verify", "--data-dir", self.data, expect=6)
        self.assertIn(table.name.encode(), found.stdout + found.stderr)


class ExportTest(CliTest):
    """Each format by a reader that is not ours: the same nodes and edges in all of them."""

    def setUp(self):
        super().setUp()
        verdict = self.filled()
        _, _, _, self.nodes, self.edges = verdict.stats()
        self.records = {r["id"] for r in verdict.of_type("record")}
        self.verdict_ = verdict

    def export(self, form, *args):
        out = self.dir / f"out.{form}"
        unirust("export", "--data-dir", self.data, "--format", form, "--out", out, *args)
        return out

    def tool(self, *args):
        if shutil.which(args[0]) is None:
            self.skipTest(f"{args[0]} is not installed")
        done = subprocess.run([str(a) for a in args], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done

    def test_canonical_and_json_lines(self):
        expected = self.verdict_.canonical()
        compare.same_lines("to a file", self.export("canonical").read_bytes(), expected)
        lines = self.export("jsonl").read_bytes().splitlines(keepends=True)
        compare.same_lines("jsonl, sorted", b"".join(sorted(lines)), expected)
        some = self.export("canonical", "--only", "entity,conflict").read_bytes()
        compare.same_lines("parts", some, b"".join(
            row for row in expected.splitlines(keepends=True) if json.loads(row)["type"] in ("entity", "conflict")))

    def test_graphml(self):
        path = self.export("graphml")
        self.tool("xmllint", "--noout", "--nonet", path)
        space = "{http://graphml.graphdrawing.org/xmlns}"
        root = xml.etree.ElementTree.parse(path).getroot()
        nodes = [n.get("id") for n in root.iter(f"{space}node")]
        edges = [(e.get("source"), e.get("target")) for e in root.iter(f"{space}edge")]
        self.assertEqual((len(nodes), len(set(nodes)), len(edges)), (self.nodes, self.nodes, self.edges))
        self.assertEqual({end for edge in edges for end in edge} - set(nodes), set())
        uids = {d.text for n in root.iter(f"{space}node") for d in n.iter(f"{space}data") if d.get("key") == "uid"}
        printable = {text for text in ODD if text.isprintable()}
        self.assertEqual(printable - uids, set())

    def test_dot(self):
        path = self.export("dot")
        counted = self.tool("gc", "-n", "-e", path).stdout.decode().split()
        self.assertEqual((int(counted[0]), int(counted[1])), (self.nodes, self.edges))
        shown = self.tool("dot", "-Tsvg", path).stdout
        titles = xml.etree.ElementTree.fromstring(shown).iter("{http://www.w3.org/2000/svg}title")
        self.assertEqual(len([t for t in titles]), 1 + self.nodes + self.edges)

    def test_neo4j_csv(self):
        out = self.export("neo4j-csv")
        tables = {}
        for name in ("nodes", "relationships"):
            with open(out / f"{name}.csv", newline="", encoding="utf-8") as rows:
                tables[name] = list(csv.DictReader(rows, strict=True))
        ids = {row[":ID"] for row in tables["nodes"]}
        self.assertEqual((len(tables["nodes"]), len(ids)), (self.nodes, self.nodes))
        self.assertEqual(len(tables["relationships"]), self.edges)
        ends = {row[end] for row in tables["relationships"] for end in (":START_ID", ":END_ID")}
        self.assertEqual(ends - ids, set())
        names = {row["name"] for row in tables["nodes"] if row[":LABEL"] == "Record"}
        self.assertEqual({name for name in self.records if name.isprintable()} - names, set())
        for row in tables["nodes"]:
            for field in ("descriptors", "golden"):
                json.loads(row[field] or "[]")

    def test_ntriples(self):
        path = self.export("ntriples")
        said = self.tool("rapper", "-i", "ntriples", "-o", "ntriples", path)
        written = [row for row in path.read_text(encoding="utf-8").split("\n") if row]
        parsed = [row for row in said.stdout.decode().split("\n") if row]
        self.assertEqual(len(parsed), len(written))
        self.assertNotRegex(said.stderr.decode(), "(?i)warning|error -")
        kind = r"22-rdf-syntax-ns#type> <urn:unirust:vocabulary#(\w+)>"
        types = collections.Counter(re.findall(kind, "\n".join(written)))
        self.assertEqual(types["Record"] + types["Entity"], self.nodes, types)

    def test_html(self):
        """One file, well formed, without a link to anywhere."""
        path = self.export("html", "--entity", "person/crm/1", "--entity", "person/web/a")
        page = path.read_text(encoding="utf-8")
        self.tool("xmllint", "--html", "--noout", "--nonet", path)
        self.assertIn("<svg", page)
        self.assertIn("e1@x.org", page)
        self.assertNotRegex(page, r"""(?i)(src|href)\s*=\s*["']?(https?:)?//""")
        self.assertNotIn("@import", page)
        odd = self.export("html", "--entity", self.verdict_.of_type("record")[-1]["id"]).read_text(encoding="utf-8")
        self.assertNotIn("<b>&amp;</b>", odd)

    def test_html_of_odd_names(self):
        name = next(r for r in sorted(self.records) if "script" in r)
        path = self.export("html", "--entity", name)
        self.tool("xmllint", "--html", "--noout", "--nonet", path)
        self.assertLessEqual(path.read_text(encoding="utf-8").count("</script>"), path.read_text().count("<script"))

    def test_neighbourhood(self):
        text = self.export("jsonl", "--entity", "person/crm/1").read_text(encoding="utf-8")
        some = [json.loads(row) for row in text.split("\n") if row]
        entity = next(e for e in self.verdict_.of_type("entity") if "person/crm/1" in e["records"])
        self.assertEqual({o["id"] for o in some if o["type"] == "record"}, set(entity["records"]))
        self.assertEqual([o["id"] for o in some if o["type"] == "entity"], [entity["id"]])

    def test_output_that_cannot_be_written(self):
        unirust("export", "--data-dir", self.data, "--format", "jsonl", "--out", self.dir / "no/such/dir",
                expect=harness.FAILURE)
        if os.path.exists("/dev/full"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [str(harness.BIN_DIR / "unirust"), "export", "--data-dir", str(self.data), "--format", "jsonl"],
                    stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, harness.FAILURE, done.stderr)


class HelpAndSettingsTest(CliTest):
    COMMANDS = ["serve", "ingest", "query", "entity", "conflicts", "scan", "export", "stats", "ontology", "checkpoint",
                "bench"]

    def test_help_and_version(self):
        for program in ("unirust", "unirust_shard", "unirust_router"):
            version = run(program, "--version", expect=harness.OK).stdout.decode()
            self.assertRegex(version, rf"{program}.* \d+\.\d+\.\d+")
            self.assertRegex(run(program, "--help", expect=harness.OK).stdout.decode(), "Examples:|Try:")
        for command in self.COMMANDS:
            said = unirust(command, "--help").stdout.decode()
            self.assertGreater(len(said.splitlines()), 8, command)
        listed = unirust("--help").stdout.decode()
        for command in self.COMMANDS:
            self.assertIn(command, listed)

    def test_flags_over_environment_over_file_over_defaults(self):
        """Seen through a setting whose effect is visible: Reset is refused unless allowed; so is the shard id."""
        start("unirust_shard", "--listen", LOCAL, "--data-dir", self.data, "--shard-id", "1").stop()
        file = self.write("shard.toml", f'listen = "{LOCAL}"\nshard-id = 2\ndata-dir = "{self.data}"\n')

        def opens(*args, **env):
            program = harness.Program("unirust_shard", *args, env=env)
            with program:
                try:
                    program.wait_ready()
                except AssertionError:
                    return False
                program.stop()
                return True

        self.assertFalse(opens("--config", file))
        self.assertTrue(opens("--config", file, UNIRUST_SHARD_ID="1"))
        self.assertTrue(opens(UNIRUST_CONFIG=str(file), UNIRUST_SHARD_ID="1"))
        self.assertFalse(opens("--config", file, "--shard-id", "3", UNIRUST_SHARD_ID="1"))
        self.assertTrue(opens("--config", file, "--shard-id", "1", UNIRUST_SHARD_ID="3"))
        self.assertFalse(opens("--listen", LOCAL, "--data-dir", self.data))  # the default is 0

    def test_router_address_from_the_environment(self):
        self.filled()
        store = self.store("serve", data_dir=self.data)
        done = unirust("stats", "--json", env={"UNIRUST_ROUTER": store.address})
        self.assertIn(len(people()), json.loads(done.stdout).values())

    def test_serve_stops_on_sigterm_and_keeps_everything(self):
        verdict = self.filled()
        store = self.store("serve", data_dir=self.data)
        compare.same_lines("served", compare.export(store.address), verdict.canonical())
        store.stop()
        compare.same_lines("afterwards", compare.export(self.data), verdict.canonical())

    def test_ephemeral_store_leaves_nothing(self):
        with start("unirust", "serve", "--listen", LOCAL, "--ephemeral", env={"TMPDIR": str(self.dir)}) as program:
            self.assertTrue(any(p.is_dir() for p in self.dir.iterdir()))
            program.stop()
        self.assertEqual([p for p in self.dir.iterdir() if p.is_dir()], [])

    def test_readme_and_documents_name_what_exists(self):
        linked = re.findall(r"\]\(([\w./-]+)\)", (REPO / "README.md").read_text())
        self.assertEqual([name for name in linked if not (REPO / name).exists()], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
