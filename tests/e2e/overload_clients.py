"""Processes that load a store: one that asks for too much, and one that behaves, which measures how it is served.

Each is told what to do over a pipe, and sends back what came of it. They run beside the store on the same machine, so
they give way to it.
"""
import collections
import os
import threading
import time

import grpc

import feed
from generic_client import Client
from rewrites import HEAD, Rewrites

INGEST = "unirust.RouterService/IngestRecords"
CONNECTIONS = 64       # of the flood
UNDER_WAY_MAX = 1024   # of its requests
CALL_SECONDS = 60
PATIENCE = 20          # seconds until what is refused for now must have been taken
VARIANTS = 8


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def delimited(data):
    """As a record of a request."""
    return b"\x0a" + varint(len(data)) + data


class Encoder:
    """Requests as bytes. Records are encoded once; what differs is their version, and the head."""

    def __init__(self, client, book):
        self.record = client.message("unirust.RecordInput")
        self.book, self.known = book, {}

    def encode(self, number, group):
        key = number % VARIANTS, group
        if key not in self.known:
            lines = self.book.lines(number, group)[1:]
            bare = [{k: v for k, v in line.items() if k != "version"} for line in lines]
            self.known[key] = [self.record(**feed.record_input(line, n + 1)).SerializeToString()
                               for n, line in enumerate(bare)]
        head = {"entity_type": HEAD, "perspective": "judge", "uid": str(group),
                "descriptors": [{"attr": "request", "value": str(number)}]}
        version = b"\xa0\x06" + varint(number)  # field 100
        records = [self.record(**feed.record_input(head)).SerializeToString(), *self.known[key]]
        return b"".join(delimited(record + version) for record in records)


class Flood:
    """Unary writes, as many as are asked for, whatever becomes of them."""

    def __init__(self, address, book):
        self.client = Client(address)
        self.book, self.encoder = book, Encoder(self.client, book)
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channels = [grpc.insecure_channel(address, options=options) for _ in range(CONNECTIONS)]
        self.calls = [channel.unary_unary(f"/{INGEST}") for channel in self.channels]
        self.changed, self.under_way = threading.Condition(), 0
        self.codes = collections.Counter()  # (code, whether there was a delay)

    def send(self, most):
        """One, when fewer than `most` are under way."""
        with self.changed:
            self.changed.wait_for(lambda: self.under_way < most)
            self.under_way += 1
        number, group = self.book.begin()
        future = self.calls[number % CONNECTIONS].future(self.encoder.encode(number, group), timeout=CALL_SECONDS)
        future.add_done_callback(lambda done: self.answered(number, done))

    def answered(self, number, done):
        code = done.code()
        delay = dict(done.trailing_metadata() or ()).get("retry-after-ms")
        if code == grpc.StatusCode.OK:
            self.book.acknowledge(number)
        elif code == grpc.StatusCode.RESOURCE_EXHAUSTED:
            self.book.refuse(number)
        else:
            self.book.lose(number)
        with self.changed:
            self.codes[code.name, delay is not None] += 1
            self.under_way -= 1
            self.changed.notify_all()

    def capacity(self, seconds):
        """Requests a second that the store takes from 32 at a time."""
        before, began = self.book.acknowledged, time.monotonic()
        while time.monotonic() - began < seconds:
            self.send(32)
        return (self.book.acknowledged - before) / (time.monotonic() - began)

    def run(self, rate, stopped):
        """So many a second, on time or late."""
        began, sent = time.monotonic(), 0
        while not stopped():
            if sent < rate * (time.monotonic() - began):
                sent += 1
                self.send(UNDER_WAY_MAX)
            else:
                time.sleep(0.001)

    def end(self):
        with self.changed:
            self.changed.wait_for(lambda: self.under_way == 0)


def flood(pipe, address, seed, groups, size, note_bytes):
    os.nice(10)
    load = Flood(address, Rewrites(seed, groups, size, VARIANTS, note_bytes))
    while True:
        what, value = pipe.recv()
        if what == "fill":
            for _ in range(value):
                load.send(8)
            load.end()
        elif what == "capacity":
            pipe.send(load.capacity(value))
            load.end()
            load.codes.clear()
            continue
        elif what == "run":
            load.run(value, pipe.poll)
        elif what == "end":
            load.end()
            pipe.send((dict(load.codes), load.book.state()))
            return
        pipe.send(None)


class Healthy:
    """Reads at a modest rate, and one stream of writes; notes how long each took, in the phase that it is told of."""

    def __init__(self, address, book, groups):
        self.address, self.book, self.groups = address, book, groups
        self.phase, self.stopping = "before", False
        self.times = collections.defaultdict(list)   # (phase, what) -> seconds
        self.faults = collections.Counter()
        self.retries = 0
        self.threads = [threading.Thread(target=self.guarded, args=what, daemon=True) for what in (
            (self.read, 0.02, "GetEntity"), (self.read, 0.03, "QueryEntities"), (self.find, 0.5), (self.write, 0.5))]
        for thread in self.threads:
            thread.start()

    def guarded(self, what, *args):
        try:
            with Client(self.address, timeout=CALL_SECONDS) as client:
                what(client, *args)
        except grpc.RpcError as fault:
            self.faults[f"{what.__name__}: {fault.code().name} {fault.details()}"] += 1
        except Exception as fault:
            self.faults[f"{what.__name__}: {fault!r}"] += 1

    def note(self, what, began, phase):
        self.times[phase, what].append(time.monotonic() - began)

    def read(self, client, pause, what):
        for n in self.ticks(pause):
            group = self.groups[n % len(self.groups)]
            fields = {"name": f"{HEAD}/judge/{group}"} if what == "GetEntity" else {
                "descriptors": [{"attr": "name", "value": f"name0.{group}"}], "start": 0, "end": 10}
            began, phase = time.monotonic(), self.phase
            client.call(f"unirust.RouterService/{what}", **fields)
            self.note(what, began, phase)

    def find(self, client, pause):
        """A stream; refused for now it is asked again when it was told to."""
        for n in self.ticks(pause):
            pairs = [{"attr": "name", "value": f"name0.{self.groups[n % len(self.groups)]}"}]
            began, phase = time.monotonic(), self.phase
            while True:
                try:
                    list(client.call("unirust.RouterService/FindEntities", descriptors=pairs, start=0, end=10))
                    break
                except grpc.RpcError as fault:
                    delay = dict(fault.trailing_metadata() or ()).get("retry-after-ms")
                    if delay is None or time.monotonic() - began > PATIENCE:
                        raise
                    self.retries += 1
                    time.sleep(int(delay) / 1000)
            self.note("FindEntities", began, phase)

    def write(self, client, pause):
        sent = collections.deque()

        def feed_chunks():
            for _ in self.ticks(pause):
                number, lines = self.book.next()
                sent.append((number, time.monotonic(), self.phase))
                yield {"records": feed.inputs(lines)}

        client.timeout = 86_400
        for _ in client.call("unirust.RouterService/IngestRecordsStream", stream=feed_chunks()):
            number, began, phase = sent.popleft()
            self.book.acknowledge(number)
            self.note("chunk", began, phase)

    def ticks(self, pause):
        began, n = time.monotonic(), 0
        while not self.stopping:
            wait = began + n * pause - time.monotonic()
            if wait > 0:
                time.sleep(min(wait, 0.1))
                continue
            yield n
            n = max(n + 1, int((time.monotonic() - began) / pause))  # what is late is not made up for

    def end(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


def healthy(pipe, address, seed, groups, size, others):
    os.nice(5)
    load = Healthy(address, Rewrites(seed, groups, size), others)
    while True:
        what, value = pipe.recv()
        if what == "phase":
            load.phase = value
            pipe.send(None)
        elif what == "end":
            load.end()
            pipe.send((dict(load.times), dict(load.faults), load.retries, load.book.state()))
            return
