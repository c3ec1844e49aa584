"""What a running program takes: memory, descriptors, threads, disk, and what it tells of itself at /metrics."""
import os
import re
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

import harness


def resident_mib(pid, most=False):
    """Now, or at most since it started."""
    field = "VmHWM" if most else "VmRSS"
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith(field)).split()[1]) / 1024


def descriptors(pid):
    """How many of each kind besides standard input and output: tables, logs (some until RocksDB flushes), sockets,
    deleted (files without a name) and other ones."""
    out = dict.fromkeys(("tables", "logs", "sockets", "deleted", "other"), 0)
    for number in set(os.listdir(f"/proc/{pid}/fd")) - {"0", "1", "2"}:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:  # closed meanwhile
            continue
        kind = "deleted" if target.endswith(" (deleted)") else "tables" if target.endswith(".sst") else (
            "logs" if target.endswith(".log") else "sockets" if target.startswith("socket:") else "other")
        out[kind] += 1
    return out


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def disk_mib(directory):
    total = 0
    for root, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.stat(Path(root) / name).st_size
            except FileNotFoundError:  # compacted away meanwhile
                continue
    return total / (1 << 20)


def metrics(program):
    """{name: {labels as a sorted tuple of pairs: value}} of a program with --metrics-listen."""
    address = re.search(r" metrics address=(\S+)", program.log().decode()).group(1)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/metrics", timeout=harness.RUN_TIMEOUT) as answer:
        text = answer.read().decode()
    out = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            out.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return out
