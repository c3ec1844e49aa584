"""A process that sends requests to a store and keeps the journal of them (journal.py).

It takes commands from standard input, a line of JSON each, and reports on standard output:

    {"do": "send", "addresses": [A, B], "loops": ["ingest", "ingest", "backup"], "again": false}
        a thread for each loop, the first for A, the second for B, the third for A, which sends one request of the kind
        after the other: {"done": "send"} when all have ended, because the store does not answer, or after "stop". With
        "again" they ask again until they are answered.
    {"do": "stop"}
        the loops end after the requests that are under way
    {"do": "once", "addresses": [A, B], "what": "ingest"}
        one request to A, until it is acknowledged: {"done": "once"}

A report with "fault" says what must not happen. It may be killed at any instant, and be started again with its journal.
"""
import argparse
import itertools
import json
import random
import sys
import threading
import time
import traceback
from pathlib import Path

import grpc

import feed
from generic_client import Client
from harness import RUN_TIMEOUT, SLOWNESS
from journal import Journal, Pen, expanded
from judge import History, name_of

MARKER = "marker"  # the type of a record that tells, by its uid, that its request was applied
DOOMED = "doomed"  # the perspective of records that are erased
FILLERS = 1200     # records that make a change of ontology take a while
BLOBS = 12         # records of a bulky request
BLOB_BYTES = 45_000
RULES = [{"perspectives": ["crm"], "ended_before": 10}]
EXPIRING = {"identity_keys": [{"name": "email", "attributes": ["email"]}], "retention": RULES}
SPAN = 1000        # instants that a request of expiring records has to itself: more than a commit lets expire
EXPIRING_RECORDS = 1200
PAUSES = {"retention": 0.2}  # seconds before a request, at most, so that something is due
AGAIN = [*feed.LOST, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.FAILED_PRECONDITION]


class Requests:
    """An endless supply of requests, each a function of the seed and its number. Thread-safe.

    All writes have versions of their own, so that a state is a function of the set of requests that were applied."""

    def __init__(self, seed, first):
        self.rng = random.Random(f"{seed} {first}")
        self.profile = ("mixed", "tangled")[seed % 2]
        self.rounds, self.pool = itertools.count(seed * 100_000 + first), []
        self.lock = threading.Lock()
        self.numbers = itertools.count(first)
        self.doomed_names = []  # of requests that are acknowledged, and whose records nobody has asked to erase

    def next(self, what):
        """The entry of the journal."""
        with self.lock:
            number = next(self.numbers)
            entry = getattr(self, what)(number)
        if "lines" in entry:
            lines = [{**line, "version": number * 10_000 + n} for n, line in enumerate(entry["lines"])]
            lines.append({"entity_type": MARKER, "perspective": "judge", "uid": f"r{number}", "version": 1,
                          "descriptors": [{"attr": "request", "value": str(number)}]})
            entry["lines"] = lines
        return {"sent": number, "what": "ingest" if "lines" in entry else what, **entry}

    def acknowledged(self, entry):
        names = [name_of(line) for line in entry.get("lines", []) if line["perspective"] == DOOMED]
        with self.lock:
            if names:
                self.doomed_names.append(names)

    def ingest(self, _):
        """Some writes of a random history (tests/oracle/generate.py)."""
        size = self.rng.choice([1, 1, 3, 10, 40])
        while len(self.pool) < size:
            more = History(next(self.rounds), self.profile, versioned=True).lines
            self.pool += [line for n, line in enumerate(more) if line not in more[:n]]
        lines, self.pool = self.pool[:size], self.pool[size:]
        self.rng.shuffle(lines)
        return {"lines": lines}

    def bulky(self, number):
        """Besides, values that make memtables flush and tables compact."""
        return {"lines": [*self.ingest(number)["lines"], *(blob(f"b{n}", f"{number} {n}") for n in range(BLOBS))]}

    def heap(self, number):
        """Records that stay, so that tables are large."""
        return {"lines": [blob(f"h{number} {n}", f"{number} {n}") for n in range(5 * BLOBS)]}

    def filling(self, _):
        return {"lines": [{"entity_type": "filler", "perspective": "judge", "uid": str(n), "descriptors": []}
                          for n in range(FILLERS)]}

    def expiring(self, number):
        """Records with a descriptor each that is due at an instant of its own, in entities of three."""
        lines = []
        for n in range(self.rng.choice([1, 20, SPAN])):
            instant = number * SPAN + n
            descriptors = [{"attr": "email", "value": f"e{instant // 3}", "start": 0, "end": 1 + instant},
                           {"attr": "name", "value": f"n{instant}"}]
            lines.append({"entity_type": "person", "perspective": "web" if n % 4 == 0 else "crm",
                          "uid": str(instant % EXPIRING_RECORDS), "descriptors": descriptors})
        return {"lines": lines}

    def doomed(self, number):
        """Besides, records that nobody writes again, so that they can be erased, with descriptors of the others."""
        lines = self.ingest(number)["lines"]
        doomed = [{"entity_type": "person", "perspective": DOOMED, "uid": f"{number} {n}", "descriptors":
                   line.get("descriptors", [])} for n, line in enumerate(lines)]
        return {"lines": [*lines, *doomed]}

    def erase(self, _):
        """All such records of some requests."""
        with_names, self.doomed_names = self.doomed_names[:3], self.doomed_names[3:]
        return {"records": [name for names in with_names for name in names]}

    def purge(self, _):
        return {}

    def ontology(self, number):
        """Another one, which a constraint that nothing breaks names."""
        chosen = History(next(self.rounds), self.profile).ontology
        constraints = [*chosen.get("constraints", []), {"name": f"request {number}", "attribute": "none"}]
        return {"ontology": {**chosen, "constraints": constraints}}

    def rules(self, number):
        """One with rules of retention."""
        return {"ontology": {**EXPIRING, "constraints": [{"name": f"request {number}", "attribute": "none"}]},
                "what": "ontology"}

    def retention(self, number):
        """Everything with an end that was sent before expires."""
        return {"now": number * SPAN}

    def backup(self, _):
        return {}

    def checkpoint(self, number):
        return {"name": f"c{number}"}

    def move(self, _):
        return {"drain": self.rng.sample(range(3), self.rng.randrange(3))}


def blob(uid, value):
    return {"entity_type": "blob", "perspective": "judge", "uid": uid,
            "descriptors": [{"attr": "blob", "value": value, "bytes": BLOB_BYTES}]}


def call(client, entry):
    """Sends the request. The answer as the journal keeps it."""
    what = entry["what"]
    if what == "ingest":
        feed.ingest(client, [expanded(line) for line in entry["lines"]])
    elif what == "ontology":
        client.call("SetOntology", json=json.dumps(entry["ontology"]))
    elif what == "retention":
        client.call("AdvanceRetention", now=entry["now"])
    elif what == "backup":
        return [backup.backup_id for backup in client.call("Backup").backups]
    elif what == "checkpoint":
        client.call("Checkpoint", path=entry["name"])
    elif what == "erase":
        return list(client.call("EraseRecords", records=entry["records"]).erased)
    elif what == "purge":
        client.call("PurgeErased")
    elif what == "move":
        plan = client.call("PlanSlots", drain=entry["drain"])
        client.call("MoveSlots", slot_map_version=plan.slot_map_version, drain=entry["drain"])
        while (parts := client.call("GetParts")).HasField("move") or parts.waiting:
            time.sleep(0.01)  # between two questions
        if parts.move_fault:
            raise AssertionError(f"a move was given up: {parts.move_fault}")
    return None


class Sender:
    def __init__(self, path, seed):
        first = max(Journal(path).read().sent, default=0) + 1
        self.pen, self.requests = Pen(path), Requests(seed, first)
        self.clients, self.stopping = [], threading.Event()
        self.report_lock = threading.Lock()

    def report(self, **what):
        with self.report_lock:
            print(json.dumps(what), flush=True)

    def connect(self, addresses):
        """False if nobody answers there (any more)."""
        if [client.address for client in self.clients] == addresses:
            return True
        while self.clients:
            self.clients.pop().close()
        try:
            for address in addresses:
                self.clients.append(Client(address, timeout=5 * SLOWNESS))
        except (grpc.RpcError, grpc.FutureTimeoutError):
            return False
        for client in self.clients:
            client.timeout = RUN_TIMEOUT
        return True

    def request(self, client, what, again):
        """False if the store does not answer any more."""
        entry = self.requests.next(what)
        self.pen.write(**entry)
        while True:
            try:
                answer = call(client, entry)
            except grpc.RpcError as fault:
                if fault.code() not in AGAIN or (what != "move" and fault.code() == AGAIN[-1]):
                    raise
                if not again and fault.code() in feed.LOST:
                    return False
                if self.stopping.wait(0.01):
                    return False
                continue
            except ValueError:  # the channel was closed
                return False
            self.pen.write(acknowledged=entry["sent"], answer=answer)
            self.requests.acknowledged(entry)
            return True

    def loop(self, client, what, again):
        try:
            while not self.stopping.wait(random.uniform(0, PAUSES.get(what, 0))):
                if not self.request(client, what, again):
                    break
        except Exception:
            self.report(fault=traceback.format_exc())

    def send(self, addresses, loops, again):
        self.stopping.clear()
        if self.connect(addresses):
            threads = [threading.Thread(target=self.loop, args=(client, what, again))
                       for client, what in zip(itertools.cycle(self.clients), loops)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.report(done="send")

    def once(self, addresses, what):
        self.stopping.clear()
        if not self.connect(addresses):
            self.report(fault=f"nobody answers at {addresses}")
        elif self.request(self.clients[0], what, again=True):
            self.report(done="once")

    def run(self):
        for line in sys.stdin:
            command = json.loads(line)
            do = command.pop("do")
            if do == "stop":
                self.stopping.set()
            else:
                threading.Thread(target=getattr(self, do), kwargs=command, daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    Sender(args.journal, args.seed).run()


if __name__ == "__main__":
    main()
