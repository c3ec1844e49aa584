"""Directories as a released format wrote them, tests/formats/VERSION/ (docs/testing.md, Formats).

    scripts/fixture       # makes tests/formats/VERSION/ with the programs of build/release, from tests/formats/input/

A fixture is `store.tar.xz`, with data/, the directory of a daemon that was killed, and backups/ of it; and beside it
`answers.tar.xz`, what must be read there:

    export.jsonl      the canonical export, and of each backup backup-N.jsonl
    stats.json        `unirust stats --json`, without the version of the ontology
    conflicts.jsonl   `unirust conflicts --json`
    ontology.json     what is in force
    lines.jsonl       lines of the ingest format that make such a store
"""
import io
import json
import re
import tarfile

import feed
import harness
from harness import REPO, Store, unirust
from judge import Verdict, name_of
from retention_rules import remains

FOLDER = REPO / "tests/formats"
BYTES_MAX = 300_000
RETAINED_SINCE = 9  # the declared instant


def versions():
    return sorted(int(path.name) for path in FOLDER.iterdir() if path.name.isdecimal())


class Fixture:
    """A copy of a kept store, below a directory."""

    def __init__(self, version, directory):
        self.version, self.data, self.backups = version, directory / "data", directory / "backups"
        with tarfile.open(FOLDER / str(version) / "store.tar.xz") as tar:
            tar.extractall(directory)
        with tarfile.open(FOLDER / str(version) / "answers.tar.xz") as tar:
            self.answers = {entry.name: tar.extractfile(entry).read() for entry in tar}
        self.lines = [json.loads(line) for line in self.answers["lines.jsonl"].splitlines()]
        self.ontology = json.loads(self.answers["ontology.json"])


def identity_in(log):
    """Where the log of a store that was killed as it was made has the format version: in the row `store`."""
    return log.read_bytes().index(b"\x05store\x18") + len(b"\x05store\x18")


def new_store(directory):
    """The log of a store that has an identity and nothing else."""
    made = harness.run("unirust_shard", "--listen", harness.LOCAL, "--data-dir", directory,
                       env={"UNIRUST_ABORT_AT": "open.identified"})
    assert made.returncode == -9, made.stderr
    log, = directory.glob("*.log")
    return log


def program_format(directory):
    """What the programs write."""
    log = new_store(directory / "new")
    at = identity_in(log)
    return int.from_bytes(log.read_bytes()[at:at + 4], "big")


def export(data):
    return unirust("export", "--format", "canonical", "--data-dir", data).stdout


def stats(data, *flags):
    told = json.loads(unirust("stats", "--json", "--data-dir", data, *flags).stdout)
    return {name: told[name] for name in told if name != "ontology_version"}


def conflicts(data, *flags):
    return unirust("conflicts", "--json", "--data-dir", data, *flags).stdout


def verdict(lines, ontology):
    """What the oracle says; it knows nothing of retention, which has taken its part already."""
    rules = {name: ontology[name] for name in ontology if name != "retention"}
    return Verdict([json.dumps(line, ensure_ascii=False) for line in lines], rules)


def input_lines(name):
    return [json.loads(line) for line in (FOLDER / "input" / name).read_text(encoding="utf-8").splitlines()]


def input_ontology(name):
    return json.loads((FOLDER / "input" / name).read_text(encoding="utf-8"))


class Maker:
    """One run of the steps, below a temporary directory."""

    def __init__(self, directory):
        self.directory, self.data, self.backups = directory, directory / "data", directory / "backups"
        self.flags = ("--allow-reset", "--memory-budget", "64MiB", "--backup-dir", self.backups, "--log-level", "debug")
        self.lines, self.exports, self.flushed = [], {}, set()

    def ingest(self, store, lines, size):
        feed.ingest_unary(store.client, lines, size)
        self.lines += lines

    def erase(self, store, lines):
        """Writes them and erases them; after a purge of half of them."""
        half = len(lines) // 2
        feed.ingest_unary(store.client, lines, 10)
        store.client.call("EraseRecords", records=[name_of(line) for line in lines[:half]])
        store.client.call("PurgeErased")
        store.client.call("EraseRecords", records=[name_of(line) for line in lines[half:]])

    def backup(self, store):
        number = len(self.exports) + 1
        self.exports[number] = unirust("export", "--router", store.address, "--format", "canonical").stdout
        unirust("backup", "--router", store.address)

    def steps(self):
        """Three ontologies, so two generations that are gone; records that are erased; two backups, which flush; then a
        log that is not flushed, retractions in it, and a kill while a fourth ontology is made."""
        first, second, third = (input_ontology(f"{n}.json") for n in ("first", "second", "third"))
        with Store("serve", self.data, *self.flags) as store:
            store.client.call("SetOntology", json=json.dumps(first))
            self.ingest(store, input_lines("first.jsonl"), 7)
            self.erase(store, [{**line, "perspective": "erased " + line["perspective"]}
                               for line in input_lines("first.jsonl")[:20] if "op" not in line])
            self.backup(store)
            store.client.call("SetOntology", json=json.dumps(second))
            store.client.call("SetOntology", json=json.dumps(third))
            self.ingest(store, input_lines("second.jsonl"), 50)
            store.client.call("AdvanceRetention", now=RETAINED_SINCE)
            self.backup(store)
            self.flushed = set(re.findall(r'"cf_name": "(\w+)(?:@\d+)?", "job": \d+, "event": "table_file_creation"',
                                          store.programs[0].log().decode()))
            store.stop()
        with Store("serve", self.data, *self.flags, env={"UNIRUST_ABORT_AT": "generation.before_switch"}) as store:
            self.ingest(store, input_lines("third.jsonl"), 20)
            try:
                store.client.call("SetOntology", json=json.dumps(first))
            except feed.grpc.RpcError:
                store.programs[0].wait_exit()
        self.lines = [remains(line, third["retention"], RETAINED_SINCE) for line in self.lines]
        return third

    def check_families(self):
        """Every family has rows, or the fixture shows less than it should."""
        page = (REPO / "docs/key-encoding.md").read_text(encoding="utf-8")
        table = page.split("\n## Families")[1].split("\nRocksDB's own")[0]
        missing = set(re.findall(r"^\| `(\w+)(?:@N)?`", table, re.M)) - self.flushed - {"outbox"}
        if missing:
            raise SystemExit(f"no rows in {sorted(missing)}")

    def answers(self, ontology):
        found = export(self.data)
        if found != verdict(self.lines, ontology).canonical():
            raise SystemExit("the store is not what the oracle says")
        texts = {"export.jsonl": found, "conflicts.jsonl": conflicts(self.data)}
        texts["stats.json"] = json.dumps(stats(self.data)).encode()
        texts["ontology.json"] = json.dumps(ontology).encode()
        texts["lines.jsonl"] = "".join(json.dumps(line) + "\n" for line in self.lines).encode()
        return {**texts, **{f"backup-{number}.jsonl": text for number, text in self.exports.items()}}


def packed(add):
    """A tar file of what `add` puts into it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=9) as tar:
        add(tar)
    return out.getvalue()


def add_directories(tar, directory):
    def plain(entry):
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    for name in ("data", "backups"):
        tar.add(directory / name, name, filter=plain)


def add_texts(tar, texts):
    for name, text in texts.items():
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))


def make():
    with harness.temp_dir() as directory:
        maker = Maker(directory)
        ontology = maker.steps()
        maker.check_families()
        store = packed(lambda tar: add_directories(tar, directory))  # before it is opened again
        texts = maker.answers(ontology)
        answers = packed(lambda tar: add_texts(tar, texts))
        if len(store) + len(answers) > BYTES_MAX:
            raise SystemExit(f"{len(store)} and {len(answers)} bytes are more than {BYTES_MAX}")
        folder = FOLDER / str(program_format(directory))
        folder.mkdir()
        (folder / "store.tar.xz").write_bytes(store)
        (folder / "answers.tar.xz").write_bytes(answers)
        print(f"{folder}: {texts['stats.json'].decode()}")


if __name__ == "__main__":
    make()
