#!/usr/bin/python3
"""A shard keeps to its memory budget while several times as much goes through it (docs/operations.md, "Memory")."""
import concurrent.futures
import contextlib
import json
import unittest

import harness
from harness import E2eTest, unirust

BUDGET_MIB = 64  # the smallest
# Code, threads, buffers of gRPC, the pages of a stream, and twice the rows that an export reads at once.
BESIDES_MIB = 128
RECORDS = 400_000


class MemoryTest(E2eTest):
    def resident_mib_at_most(self):
        """Of the shard, since it started."""
        with open(f"/proc/{self.running.programs[0].process.pid}/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024

    def bytes_on_disk(self, pattern):
        """Of the files that are there while it looks: the shard goes on compacting."""
        total = 0
        for file in self.running.data_dir.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    def expect_within_budget(self, after, budget_mib=BUDGET_MIB):
        with self.subTest(after=after):
            self.assertLess(self.resident_mib_at_most(), budget_mib + BESIDES_MIB)

    def test_tenants_keep_to_one_budget(self):
        budget_mib = 3 * BUDGET_MIB  # with the default one
        records, ontology = self.dir / "records.jsonl", self.dir / "ontology.json"
        unirust("bench", "generate", "--records", RECORDS // 2, "--out", records, "--ontology", ontology)
        self.running = self.store("serve", "--tenants", self.write("tenants.toml", "[acme]\n[globex]\n"),
                                  "--memory-budget", f"{budget_mib}MiB")

        def ingest(tenant):
            unirust("ingest", "--router", self.running.address, "--tenant", tenant, "--ontology", ontology, records,
                    timeout=10 * harness.RUN_TIMEOUT)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(ingest, ("acme", "globex")))
        self.expect_within_budget("ingest", budget_mib)
        on_disk = self.bytes_on_disk("tenants/*/*")
        self.assertGreater(on_disk, 1.5 * (budget_mib << 20) / 3 * 2, "else nothing was driven past their shares")

    def test_ingest_reads_and_an_export_keep_to_the_budget(self):
        records, ontology = self.dir / "records.jsonl", self.dir / "ontology.json"
        done = unirust("bench", "generate", "--records", RECORDS, "--json", "--out", records, "--ontology", ontology)
        truth = json.loads(done.stdout)
        self.running = self.store("router", "--memory-budget", f"{BUDGET_MIB}MiB")
        at = ("--router", self.running.address)

        unirust("ingest", *at, "--ontology", ontology, records, timeout=10 * harness.RUN_TIMEOUT)
        self.expect_within_budget("ingest")
        on_disk = self.bytes_on_disk("*")
        self.assertGreater(on_disk, 1.5 * (BUDGET_MIB << 20), "else nothing was driven past it")

        with open(records) as lines:
            for _, line in zip(range(2000), lines):
                write = json.loads(line)
                if "version" in write:  # perhaps retracted
                    continue
                name = "/".join((write["entity_type"], write["perspective"], write["uid"]))
                self.assertTrue(self.running.client.call("unirust.RouterService/GetEntity", name=name).records)
        self.expect_within_budget("reads")

        export = self.dir / "export.jsonl"
        unirust("export", *at, "--format", "jsonl", "--only", "record,entity,same_as", "--out", export,
                timeout=10 * harness.RUN_TIMEOUT)
        self.expect_within_budget("an export")
        with open(export) as lines:
            self.assertGreater(sum(1 for _ in lines), truth["records"] + truth["entities"])


if __name__ == "__main__":
    unittest.main()
