#!/usr/bin/python3
"""The examples that ship: accepted, equal to the oracle, and showing what their READMEs promise."""
import csv
import json
import subprocess
import sys
import unittest

import compare
from harness import REPO, E2eTest, unirust
from judge import Verdict

CRM = REPO / "examples/crm-erp-web"
DEBIAN = REPO / "examples/debian-maintainers"


def csv_lines():
    """shop.csv by its mapping, as JSON Lines; written without the product's reader."""
    mapping, records = json.loads((CRM / "shop-mapping.json").read_text()), {}
    with open(CRM / "shop.csv", newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            span = {k: int(row[mapping[k]]) for k in ("start", "end") if row[mapping[k]]}
            records.setdefault(row[mapping["uid"]], []).extend(
                {"attr": attr, "value": row[column], **span}
                for column, attr in mapping["attributes"].items() if row[column])
    return [json.dumps({"entity_type": "person", "perspective": "shop", "uid": uid, "descriptors": descriptors})
            for uid, descriptors in records.items()]


class ExamplesTest(E2eTest):
    def test_crm_erp_web(self):
        ontology = json.loads((CRM / "ontology.json").read_text())
        lines = (CRM / "records.jsonl").read_text(encoding="utf-8").split("\n")
        data = self.dir / "data"
        unirust("ingest", "--data-dir", data, "--ontology", CRM / "ontology.json", CRM / "records.jsonl")
        verdict = Verdict(lines, ontology)
        compare.same_lines("records.jsonl", compare.export(data), verdict.canonical())
        conflicts = {(c["kind"], c["cause"]) for c in verdict.of_type("conflict")}
        self.assertEqual(conflicts, {
            ("direct", ""), ("indirect", "strong_id_conflict"), ("constraint_violation", "one_owner_of_iban"),
            ("constraint_violation", "one_address_per_source")})
        self.assertEqual([g["values"] for g in verdict.of_type("generic")], [["info@eniac.example"]])
        unirust("ingest", "--data-dir", data, "--mapping", CRM / "shop-mapping.json", CRM / "shop.csv")
        verdict = Verdict(lines + csv_lines(), ontology)
        compare.same_lines("and shop.csv", compare.export(data), verdict.canonical())

    def test_debian_maintainers(self):
        made = subprocess.run([sys.executable, str(DEBIAN / "extract.py")], capture_output=True, check=True).stdout
        if not made:
            self.skipTest("no changelogs in /usr/share/doc (a container without documentation)")
        again = subprocess.run([sys.executable, str(DEBIAN / "extract.py")], capture_output=True, check=True).stdout
        self.assertEqual(made, again)
        path = self.write("records.jsonl", made)
        data = self.dir / "data"
        unirust("ingest", "--data-dir", data, "--ontology", DEBIAN / "ontology.json", path)
        verdict = Verdict(made.decode().split("\n"), json.loads((DEBIAN / "ontology.json").read_text()))
        compare.same_lines("debian-maintainers", compare.export(data), verdict.canonical())
        self.assertLess(len(verdict.of_type("entity")), len(verdict.records), "somebody signed twice")


if __name__ == "__main__":
    unittest.main(verbosity=2)
