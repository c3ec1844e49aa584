"""What was sent to a store and what it acknowledged, in a file that outlives whoever writes it.

Every entry is a line of JSON that is on disk before the next thing happens: a request before it is sent, its
acknowledgement when it has arrived. Requests are numbered from 1:

    {"sent": 17, "what": "ingest", "lines": [...]}
    {"acknowledged": 17, "answer": null}

The one who sends (sender.py) writes, the judge reads. A long value is one of many bytes that follow from its
text: {"value": "17", "bytes": 45000}.
"""
import json
import os
import random
import threading


class Pen:
    """Writes entries. Thread-safe."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        self.lock = threading.Lock()
        whole = os.pread(self.file, os.fstat(self.file).st_size, 0).rfind(b"\n") + 1
        os.ftruncate(self.file, whole)  # what a kill cut short was not sent yet, or not heard of
        os.lseek(self.file, whole, os.SEEK_SET)

    def write(self, **entry):
        line = json.dumps(entry).encode() + b"\n"
        with self.lock:
            while line:
                line = line[os.write(self.file, line):]
            os.fdatasync(self.file)


class Journal:
    """What the file says, as far as it was read."""

    def __init__(self, path):
        self.path, self.offset = path, 0
        self.sent, self.acknowledged = {}, {}  # number -> entry, number -> answer
        self.order = {}  # number -> how many acknowledgements came before it was sent
        self.acknowledgements = []  # numbers, in order

    def read(self):
        """Takes in what was written since. Returns itself."""
        if not self.path.exists():
            return self
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            text = file.read()
        for line in text[:text.rfind(b"\n") + 1].splitlines(keepends=True):
            self.offset += len(line)
            entry = json.loads(line)
            if "sent" in entry:
                self.sent[entry["sent"]] = entry
                self.order[entry["sent"]] = len(self.acknowledgements)
            else:
                self.acknowledged[entry["acknowledged"]] = entry["answer"]
                self.acknowledgements.append(entry["acknowledged"])
        return self

    def numbers(self, what):
        """Of the requests of a kind that were sent, in order."""
        return [n for n, entry in self.sent.items() if entry["what"] == what]

    def acknowledged_before(self, number):
        """What was acknowledged when this request was sent."""
        return set(self.acknowledgements[:self.order[number]])

    def open(self, what):
        """Requests of a kind that were sent and are not acknowledged."""
        return [n for n in self.numbers(what) if n not in self.acknowledged]

    def lines(self, number):
        """Of an ingest, as they were sent."""
        return [expanded(line) for line in self.sent[number]["lines"]]


def expanded(line):
    """With long values written out; no two are alike, and none can be compressed much."""
    def written_out(value, bytes=0, **more):
        return {**more, "value": random.Random(value).randbytes(bytes // 2).hex() if bytes else value}

    if "descriptors" not in line:
        return line
    return {**line, "descriptors": [written_out(**d) for d in line["descriptors"]]}
