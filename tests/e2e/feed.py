"""Gives lines of the ingest format (as dicts) to a store over gRPC."""
import itertools
import threading

import grpc

from judge import MAX_TIME, MIN_TIME

UPSERT, RETRACT = 0, 1
# What a call may end with whose daemon was killed meanwhile.
LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED)
APPLIED, UNCHANGED, STALE = 0, 1, 2


def record_input(line, index=0):
    """RecordInput as the keyword arguments of its message."""
    out = {
        "index": index,
        "identity": {k: line[k] for k in ("entity_type", "perspective", "uid")},
        "descriptors": [
            {"attr": d["attr"], "value": d["value"], "start": d.get("start", MIN_TIME), "end": d.get("end", MAX_TIME)}
            for d in line.get("descriptors", [])
        ],
        "op": RETRACT if line.get("op") == "delete" else UPSERT,
    }
    if "version" in line:
        out["version"] = line["version"]
    return out


def batches(lines, size):
    lines = iter(lines)
    while batch := list(itertools.islice(lines, size)):
        yield batch


def inputs(batch):
    return [record_input(line, index) for index, line in enumerate(batch)]


def ingest(client, batch):
    """One unary request; its assignments."""
    return list(client.call("IngestRecords", records=inputs(batch)).assignments)


def ingest_unary(client, lines, size):
    """The assignments of the last request."""
    last = []
    for batch in batches(lines, size):
        last = ingest(client, batch)
    return last


def ingest_stream(client, lines, size):
    """One stream, a chunk per batch; the assignments of the last chunk."""
    chunks = ({"records": inputs(batch)} for batch in batches(lines, size))
    last = []
    for answer in client.call("IngestRecordsStream", stream=chunks):
        last = list(answer.assignments)
    return last


def ingest_concurrently(client, lines, size, writers):
    """Deals the lines out to `writers` threads, which send them at the same time."""
    faults = []

    def write(part):
        try:
            ingest_unary(client, part, size)
        except Exception as fault:  # carried to the caller's thread
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(lines[n::writers],)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
