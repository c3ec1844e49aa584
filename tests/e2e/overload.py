"""More than a store can do, for a while: requests at twice its capacity, and clients that read slowly, never, or
vanish. Memory stays bounded, clients that behave are served, the others are refused with a delay, and afterwards all is
as before (docs/reliability.md).

    scripts/overload --minutes 10 --connections 2000
"""
import argparse
import json
import multiprocessing
import os
import resource
import socket
import struct
import sys
import threading
import time

import grpc

import harness
import overload_clients
import watch
from harness import LOCAL, SLOWNESS, Store, unirust
from overload_clients import INGEST
from raw_client import Crowd, RawClient, request
from rewrites import Rewrites, check, ontology_of

BUDGET_MIB = 64
# Code, threads, buffers of gRPC (docs/operations.md, Overload): what MemoryTest allows, pages of 32 streams in router
# and shard, and requests between their arrival and their commit, decoded.
BESIDES_MIB = 128 + 2 * 32 * 2 + 64
FLOODED, SIZE, NOTE_BYTES = 40, 25, 1000  # groups, records of one, bytes that make requests and pages large
OTHERS = 10                                # groups of the one who behaves
SHARES = {"unread": 0.15, "slow": 0.05, "vanished": 0.15}  # of the connections; the others are idle
SCAN = "unirust.RouterService/ScanRecords"
KEPT_ALIVE_SECONDS = 50  # base/limits.h: kKeepaliveMs + kKeepaliveAnswerMsMax
ANSWER_STREAMS = {"unirust_router": 32, "unirust_shard": 64}  # kAnswerStreamsMax
COME_AGAIN = 20          # clients a second, of those that were given up
PATIENCE = 60 * SLOWNESS
READS = ("GetEntity", "QueryEntities", "FindEntities")  # of the client that behaves


class Worker:
    """A process of overload_clients.py."""

    def __init__(self, what, *args):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=what, args=(other, *args), daemon=True)
        self.process.start()
        other.close()

    def tell(self, what, value=None):
        self.pipe.send((what, value))

    def hear(self, seconds=300):
        if not self.pipe.poll(seconds * SLOWNESS):
            raise AssertionError("a load does not answer")
        return self.pipe.recv()

    def ask(self, what, value=None):
        self.tell(what, value)
        return self.hear()

    def close(self):
        self.process.kill()
        self.process.join()


class Overload:
    def __init__(self, directory, connections, seed, tell=print):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self.directory, self.connections, self.tell = directory, connections, tell
        self.store = Store("router", directory / "data", "--memory-budget", f"{BUDGET_MIB}MiB",
                           env={"UNIRUST_METRICS_LISTEN": LOCAL, "UNIRUST_SLOW_MS": "3600000"})
        self.ontology = {k: v for k, v in ontology_of(seed).items() if k != "retention"}
        self.store.client.call("unirust.RouterService/SetOntology", json=json.dumps(self.ontology))
        flooded, others = range(FLOODED), range(FLOODED, FLOODED + OTHERS)
        self.books = [Rewrites(seed, flooded, SIZE, overload_clients.VARIANTS, NOTE_BYTES),
                      Rewrites(seed, others, SIZE)]
        self.flood = Worker(overload_clients.flood, self.store.address, seed, flooded, SIZE, NOTE_BYTES)
        self.flood.ask("fill", FLOODED)
        self.healthy = Worker(overload_clients.healthy, self.store.address, seed, others, SIZE, flooded)
        self.crowd = None
        self.streams_most = {}  # of each program
        self.dropped = 0
        self.figures = {}

    def told(self, name, kind=None):
        """A metric of both daemons together."""
        told = [watch.metrics(program).get(name, {}) for program in self.store.programs]
        return sum(value for samples in told for labels, value in samples.items()
                   if kind is None or ("kind", kind) in labels)

    def phase(self, name, seconds):
        self.healthy.ask("phase", name)
        time.sleep(seconds)

    def answered(self):
        """{(program, method): {milliseconds: how many reads were answered within them}} since the daemons began."""
        out = {}
        for program in self.store.programs:
            samples = watch.metrics(program).get("unirust_request_duration_seconds_bucket", {})
            for labels, count in samples.items():
                labels = dict(labels)
                if labels["method"] in READS:
                    within = out.setdefault((program.title.split()[0], labels["method"]), {})
                    within[1000 * float(labels["le"])] = count
        return out

    def load(self, seconds, rate):
        """The overload itself."""
        before = self.answered()
        self.healthy.ask("phase", "during")
        message = self.store.client.method(SCAN).request(page_size=10_000).SerializeToString()
        self.crowd = Crowd(self.store.address, f"/{SCAN}", message)
        self.flood.tell("run", rate)
        ended = time.monotonic() + seconds
        dropper = threading.Thread(target=self.drop, args=(ended, request(f"/{SCAN}", message)))
        dropper.start()
        counts = {way: int(share * self.connections) for way, share in SHARES.items()}
        counts["idle"] = self.connections - sum(counts.values())
        for _ in range(10):
            for way, count in counts.items():
                self.crowd.add(way, count // 10)
        while time.monotonic() < ended:
            self.look()
            self.crowd.renew(COME_AGAIN)
            time.sleep(min(1, max(ended - time.monotonic(), 0)))
        dropper.join()
        self.figures["99 of 100 answered within ms, by the daemons"] = {
            " ".join(key): self.most_within(before[key], within) for key, within in self.answered().items()}
        self.flood.tell("stop")
        for _ in range(2):
            self.flood.hear()
        self.healthy.ask("phase", "after")

    @staticmethod
    def most_within(before, after):
        """The least bound that 99 of 100 of those between keep to."""
        count = {bound: after[bound] - before[bound] for bound in sorted(after)}
        return next(round(bound, 1) for bound in count if count[bound] >= 0.99 * count[max(count)])

    def drop(self, ended, call):
        """Clients that come, ask and are gone."""
        while time.monotonic() < ended:
            client = RawClient(self.store.address, "dropped", call)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
            self.dropped += 1
            time.sleep(0.05)

    def look(self):
        streams = {program.title.split()[0]: sum(
            count for labels, count in watch.metrics(program)["unirust_calls_running"].items()
            if ("kind", "answers") in labels) for program in self.store.programs}
        self.streams_most = {title: max(count, self.streams_most.get(title, 0)) for title, count in streams.items()}
        pids = [program.process.pid for program in self.store.programs]
        self.tell(json.dumps({"memory": [round(watch.resident_mib(pid)) for pid in pids], "streams": streams,
                              "threads": [watch.threads(pid) for pid in pids],
                              "sockets": [watch.descriptors(pid)["sockets"] for pid in pids],
                              "queued_mib": round(self.told("unirust_queued_bytes") / (1 << 20), 1),
                              "views": self.told("unirust_open_views"), "load": os.getloadavg()[0]}), flush=True)

    def recover(self):
        """Seconds until a write is taken, and until nothing is left of the crowd."""
        began = time.monotonic()
        self.until(self.is_taken, "a write is not taken after the flood")
        taken = time.monotonic() - began
        self.until(lambda: not self.crowd.alive("unread") and not self.crowd.alive("vanished"),
                   "clients are still served that take nothing")
        self.figures["seconds until a write was taken"] = round(taken, 2)
        self.figures["idle connections left"] = len(self.crowd.alive("idle"))
        self.crowd.close()
        self.until(lambda: self.told("unirust_open_views") + self.told("unirust_calls_running", "answers") == 0,
                   "streams, or states of the store, are left")

    def is_taken(self):
        try:
            self.store.client.call(INGEST, records=[])
            return True
        except grpc.RpcError as fault:
            if fault.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return False

    def until(self, condition, what):
        deadline = time.monotonic() + KEPT_ALIVE_SECONDS + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(what)
            time.sleep(0.05)

    def end(self):
        """Everything that came of it: the faults."""
        self.times, faults, retries, state = self.healthy.ask("end")
        self.books[1].restore(state)
        self.codes, state = self.flood.ask("end")
        self.books[0].restore(state)
        self.figures |= {"flood": {f"{code}{' with a delay' if delay else ''}": count
                                   for (code, delay), count in self.codes.items()},
                         "refused streams": self.told("unirust_calls_refused_total", "answers"),
                         "given up": self.told("unirust_calls_stalled_total"), "dropped": self.dropped,
                         "streams at once": self.streams_most, "healthy retries": retries,
                         "memory": {p.title.split()[0]: round(watch.resident_mib(p.process.pid, True))
                                    for p in self.store.programs}}
        out = [f"a client that behaves met {fault}: {count}" for fault, count in faults.items()]
        wrong = [key for key in self.codes if key not in {("OK", False), ("RESOURCE_EXHAUSTED", True)}]
        if wrong or len(self.codes) != 2:
            out.append(f"the flood was answered {self.codes}")
        if not self.figures["refused streams"] or any(
                count > ANSWER_STREAMS[title] for title, count in self.streams_most.items()):
            out.append(f"{self.streams_most} streams ran at once, {self.figures['refused streams']} were refused")
        if not self.figures["given up"]:
            out.append("no client was given up that takes nothing")
        if any(most > BUDGET_MIB + BESIDES_MIB for most in self.figures["memory"].values()):
            out.append(f"memory: {self.figures['memory']} MiB")
        check(self.books, self.ontology, None, "--router", self.store.address)
        self.store.stop()
        unirust("verify", "--full", "--quiet", "--data-dir", self.directory / "data")
        check(self.books, self.ontology, None, "--data-dir", self.directory / "data")
        return out

    def slower(self):
        """What the overload did to clients that behave: {what: (p99 before, during, after in ms)}."""
        out = {}
        for what in sorted({what for _, what in self.times}):
            row = []
            for phase in ("before", "during", "after"):
                times = sorted(self.times.get((phase, what), [0]))
                row.append(round(1000 * times[min(len(times) - 1, int(0.99 * len(times)))], 1))
            out[what] = row
        return out

    def close(self):
        for worker in (self.flood, self.healthy):
            worker.close()
        self.store.kill()


def run(directory, seconds, connections, seed=1, times=2, quiet_seconds=3, tell=print):
    """(faults, the Overload). `times` the capacity is asked for."""
    overload = Overload(directory, connections, seed, tell)
    try:
        overload.phase("before", quiet_seconds)
        capacity = overload.flood.ask("capacity", quiet_seconds)
        overload.figures["capacity, requests a second"] = round(capacity)
        overload.load(seconds, times * capacity)
        overload.recover()
        overload.phase("after", quiet_seconds)
        return overload.end(), overload
    finally:
        overload.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--times", type=float, default=2, help="of its capacity that a store is asked for")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with harness.temp_dir() as directory:
        faults, overload = run(directory, 60 * args.minutes, args.connections, args.seed, args.times,
                               quiet_seconds=30)
    print(json.dumps(overload.figures, indent=1))
    for what, (before, during, after) in overload.slower().items():
        print(f"{what}: p99 {before} ms before, {during} ms during, {after} ms after")
        if during > 3 * before:
            faults.append(f"p99 of {what} more than tripled")
    print("\n".join(faults) or "served, refused, bounded, and as before")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
